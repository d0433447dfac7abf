package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;
import dev.gatun.offload.ExpertFetcher;
import dev.gatun.offload.ExpertStream;
import java.util.Arrays;
import java.util.Optional;

/**
 * The experts of many tokens in one layer: each of them is uploaded once, if it is absent, and computed for all tokens that
 * chose it. Where choices are known and few tokens chose an absent expert, the host computes it instead, if that is over
 * before uploading would be.
 */
final class PromptExperts {
    private final ExpertFetcher fetcher;
    private final SlotTable table;
    private final Optional<HostExperts> host;
    private final PassClock clock;
    private final int layers;
    private final int[] all;
    private final int[] resident;
    private final int[] slots;
    private final int[] absent;
    private final int[] counts;
    private final boolean[] byHost;
    private ExpertStream stream;

    PromptExperts(
            ExpertFetcher fetcher,
            SlotTable table,
            int layers,
            int experts,
            Optional<HostExperts> host,
            PassClock clock) {
        this.fetcher = fetcher;
        this.table = table;
        this.host = host;
        this.clock = clock;
        this.layers = layers;
        this.all = new int[experts];
        Arrays.setAll(all, expert -> expert);
        this.resident = new int[experts];
        this.slots = new int[experts];
        this.absent = new int[experts];
        this.counts = new int[experts];
        this.byHost = new boolean[experts];
    }

    /**
     * Where the experts of a chunk are computed from and to.
     *
     * @param routing of the chunk
     * @param hidden its residual stream
     * @param error an error word
     */
    record Target(int layer, BatchExperts operation, CudaRouting routing, DeviceFloats hidden, DeviceMemory error) {}

    /** hidden += the weighted sum of the chosen experts, whatever these are. */
    void runAll(Target target) {
        begin(target.layer(), true);
        clock.enter(Part.EXPERTS);
        BatchExperts.Chunk chunk = target.operation().begin(target.routing(), target.error());
        runOnDevice(target, chunk, all, all.length);
        target.operation().finish(chunk, target.hidden());
        end(target.layer());
    }

    /** hidden += the weighted sum of the chosen experts. */
    void run(Target target, ChunkChoices choices) {
        begin(target.layer(), false);
        int left = host.map(some -> leave(target.layer(), choices, some)).orElse(0);
        clock.enter(Part.EXPERTS);
        BatchExperts.Chunk chunk = target.operation().begin(target.routing(), target.error());
        for (int i = 0; i < left; i++) {
            target.operation().leaveOut(chunk, choices.firstRow(absent[i]), choices.tokens(absent[i]));
        }
        runOnDevice(target, chunk, choices.experts(), choices.count());
        target.operation().finish(chunk, target.hidden());
        if (left > 0) {
            runOnHost(target, choices, left);
        }
        end(target.layer());
    }

    private void runOnHost(Target target, ChunkChoices choices, int left) {
        clock.enter(Part.CPU);
        HostExperts computing = host.orElseThrow();
        computing.prepare(target.layer(), absent, left, fetcher);
        long start = System.nanoTime();
        long bytes =
                computing.runPrompt(target.layer(), choices, absent, left, fetcher, target.hidden(), target.error());
        stream.hostComputed(left, bytes, System.nanoTime() - start);
    }

    private void begin(int layer, boolean isAll) {
        if (layer == 0) {
            stream = fetcher.stream(isAll);
        }
    }

    private void end(int layer) {
        if (layer == layers - 1) {
            stream.close();
        }
    }

    /** Chooses what the host computes; those experts are the first of {@code absent} then, and none of the choices'. */
    private int leave(int layer, ChunkChoices choices, HostExperts host) {
        int found = stream.absent(layer, choices.experts(), choices.count(), absent);
        for (int i = 0; i < found; i++) {
            counts[i] = choices.tokens(absent[i]);
        }
        host.promptRoads().choose(counts, found, byHost);
        int left = 0;
        for (int i = 0; i < found; i++) {
            if (byHost[i]) {
                absent[left++] = absent[i];
            }
        }
        choices.without(absent, left);
        return left;
    }

    private void runOnDevice(Target target, BatchExperts.Chunk chunk, int[] experts, int count) {
        clock.enter(Part.WAITING);
        int there = stream.begin(target.layer(), experts, count, resident, slots);
        clock.enter(Part.EXPERTS);
        place(target.layer(), there);
        multiplyRuns(target, chunk, there);
        while (next()) {
            resident[0] = stream.expert();
            slots[0] = stream.slot();
            place(target.layer(), 1);
            target.operation().multiply(chunk, table.current(target.layer()), stream.expert(), 1);
            stream.done(stream.slot());
        }
    }

    /** Goes to the next expert that is uploaded. Whatever the device waits for before that, it is for the upload. */
    private boolean next() {
        clock.enter(Part.WAITING);
        boolean some = stream.next();
        clock.enter(Part.EXPERTS);
        return some;
    }

    /** Notes where the first {@code count} of the resident experts lie. */
    private void place(int layer, int count) {
        for (int i = 0; i < count; i++) {
            table.place(layer, resident[i], slots[i]);
        }
    }

    /** Experts whose numbers follow each other are computed in one launch. */
    private void multiplyRuns(Target target, BatchExperts.Chunk chunk, int count) {
        Arrays.sort(resident, 0, count);
        int first = 0;
        for (int i = 1; i <= count; i++) {
            if (i == count || resident[i] != resident[i - 1] + 1) {
                target.operation().multiply(chunk, table.current(target.layer()), resident[first], i - first);
                first = i;
            }
        }
    }
}
