package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;
import dev.gatun.offload.ExpertFetcher;
import java.util.Optional;

/**
 * The experts of one token in one layer, each on the device, in the host, or the leading parts here and the others there: as
 * the fetcher divides them. The host's threads compute its share while the device does what was put in for it. That the share
 * is added is put in before it is complete, so that what follows can be put in meanwhile; {@link #finish} completes it, before
 * anything waits for the device.
 */
final class TokenExperts {
    private final ExpertFetcher fetcher;
    private final SlotTable table;
    private final Optional<HostExperts> host;
    private final PassClock clock;
    /** Parts of an expert that is not cut. */
    private final int whole;

    private final int[] parts;
    private final int[] slots;
    private final Runnable hostBegins = this::beginOnHost;

    /** What is asked for now; for {@link #hostBegins}. */
    private Target target;

    private int[] chosen;
    private int count;

    /**
     * Makes one.
     *
     * @param experts of a layer
     * @param host computes what the fetcher leaves to it; empty where it fetches all
     */
    TokenExperts(ExpertFetcher fetcher, SlotTable table, int experts, Optional<HostExperts> host, PassClock clock) {
        this.fetcher = fetcher;
        this.table = table;
        this.host = host;
        this.clock = clock;
        this.whole = host.map(some -> some.cut().parts()).orElse(1);
        this.parts = new int[experts];
        this.slots = new int[experts];
    }

    /**
     * Where a token's experts are computed from and to.
     *
     * @param token its row in the chunk
     * @param routing of the chunk
     * @param hidden the chunk's residual stream
     * @param error an error word
     */
    record Target(
            int layer,
            int token,
            DecodeExperts operation,
            CudaRouting routing,
            DeviceFloats hidden,
            DeviceMemory error) {}

    /**
     * Puts in hidden += the weighted sum of the chosen experts. {@link #finish} must follow, on the same thread, before
     * anything waits for the device; or {@link #abandon}.
     *
     * @param chosen in order of rank, in the first {@code count} elements
     * @return whether all of them lay on the device
     */
    boolean run(Target target, int[] chosen, int count) {
        finish();
        this.target = target;
        this.chosen = chosen;
        this.count = count;
        try {
            boolean allThere = fetcher.fetch(target.layer(), chosen, count, slots, parts, hostBegins);
            runOnDevice();
            if (isUnfinished()) {
                fetcher.putIn();
                addFromHost(host.orElseThrow());
            } else {
                fetcher.computed();
            }
            return allThere;
        } catch (RuntimeException | Error failure) {
            abandon(failure);
            throw failure;
        }
    }

    /** Before anything is put in for the device, since that takes a while. */
    private void beginOnHost() {
        host.orElseThrow().begin(target.layer(), target.token(), chosen, parts, count, fetcher);
    }

    private void addFromHost(HostExperts some) {
        clock.enter(Part.CPU);
        if (!some.isAwaited()) {
            finish();
        }
        some.add(target.token(), target.hidden().rows(target.token(), 1), target.error());
    }

    private boolean isUnfinished() {
        return host.isPresent() && host.get().isBegun();
    }

    /** Works along on what the host has still to compute of the experts that were put in last, until all of it is done. */
    void finish() {
        if (isUnfinished()) {
            host.orElseThrow().finish(fetcher);
            fetcher.computed();
        }
    }

    /** After a failure, which is given what fails here as well: what the host has still to compute is void. */
    void abandon(Throwable failure) {
        host.ifPresent(some -> some.abandon(failure));
    }

    private void runOnDevice() {
        if (fetcher.awaitsUpload()) {
            clock.waited();
        }
        runWhole();
        runLeadingParts();
    }

    /** In one launch, all that lie wholly on the device. */
    private void runWhole() {
        boolean some = false;
        for (int i = 0; i < count; i++) {
            boolean isHere = parts[i] == whole;
            some |= isHere;
            table.place(target.layer(), chosen[i], isHere ? slots[i] : SlotTable.ELSEWHERE);
        }
        clock.enter(Part.EXPERTS);
        if (some) {
            DeviceMemory pointers = table.current(target.layer());
            target.operation().runToken(pointers, target.token(), target.routing(), target.hidden(), target.error());
        }
    }

    /** In a launch of its own, the one of which the device has the leading parts, if there is one. */
    private void runLeadingParts() {
        for (int i = 0; i < count; i++) {
            if (parts[i] > 0 && parts[i] < whole) {
                DeviceMemory alone = table.uploadAlone(chosen[i], slots[i]);
                clock.enter(Part.WAITING);
                fetcher.computeAfterParts();
                clock.enter(Part.EXPERTS);
                target.operation()
                        .runLeadingParts(
                                host.orElseThrow().cut(),
                                parts[i],
                                alone,
                                target.token(),
                                target.routing(),
                                target.hidden(),
                                target.error());
            }
        }
    }
}
