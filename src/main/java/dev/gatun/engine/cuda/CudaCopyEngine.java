package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaEvent;
import dev.gatun.cuda.CudaException;
import dev.gatun.cuda.CudaStream;
import dev.gatun.offload.CopyEngine;
import dev.gatun.offload.CopyFailedException;
import dev.gatun.quant.ExpertCut;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Copies of experts on two streams of their own, one each way, beside the stream that computes; on one where they are to
 * take turns. A ticket is the number of an event; events are used again in turn, so whoever is further ahead of the device than
 * there are events waits here. What an upload took is the time between its event and the one before, recorded when it could
 * begin.
 */
final class CudaCopyEngine implements CopyEngine {
    /** A prompt's copies of all layers of an 8x22B, with the computing between them. */
    private static final int EVENTS = 3072;

    private final CudaStream computing;
    private final CudaStream uploads;
    private final CudaStream downloads;
    private final PinnedStore store;
    private final SlotMemory slots;
    private final ExpertCut cut;
    private final List<CudaEvent> events;
    private final Optional<LinkTimes> times;
    private final Optional<PacedLink> pace;
    private long last = ENDED;

    /**
     * Opens the streams.
     *
     * @param cut how blocks are cut where only parts of them are copied
     * @param options whether copies of both ways share one, whether they are timed, and a slower link to simulate
     */
    CudaCopyEngine(CudaResources resources, PinnedStore store, SlotMemory slots, ExpertCut cut, CudaOptions options) {
        CudaDevice device = resources.stream().device();
        this.computing = resources.stream();
        this.store = store;
        this.slots = slots;
        this.cut = cut;
        this.uploads = resources.remember(CudaStream.open(device));
        this.downloads = options.oneWay() ? uploads : resources.remember(CudaStream.open(device));
        this.events = Stream.generate(() -> resources.remember(CudaEvent.openTiming(device)))
                .limit(EVENTS)
                .toList();
        this.times = options.times()
                ? Optional.of(
                        resources.remember(new LinkTimes(() -> new EventMark(uploads), () -> new EventMark(downloads))))
                : Optional.empty();
        this.pace = options.simulatedLink().stream()
                .mapToObj(rate -> new PacedLink(resources.kernels(), resources.arena(), uploads, downloads, rate))
                .findFirst();
    }

    /** How long copies ran, if they are timed. */
    Optional<LinkTimes> times() {
        return times;
    }

    @Override
    public long upload(int block, int slot, long offset, long bytes, long after) {
        order(uploads, after);
        if (bytes > 0) {
            upload(bytes, () -> store.upload(block, slots.slot(slot), offset, bytes, uploads));
        }
        return record(uploads);
    }

    /** Puts copies of so many bytes into their stream, in its time. */
    private void upload(long bytes, Runnable copies) {
        record(uploads);
        Runnable paced = pace.isPresent() ? () -> pace.get().upload(bytes, copies) : copies;
        if (times.isPresent()) {
            times.get().upload(paced);
        } else {
            paced.run();
        }
    }

    @Override
    public long uploadParts(int block, int slot, int parts, long after) {
        order(uploads, after);
        long bytes = store.blockBytes() / cut.parts() * parts;
        upload(bytes, () -> store.upload(block, cut, parts, slots.slot(slot), uploads));
        return record(uploads);
    }

    @Override
    public long download(int slot, int block, long after) {
        order(downloads, after);
        download(() -> store.download(slots.slot(slot), block, downloads));
        return record(downloads);
    }

    private void download(Runnable copy) {
        Runnable paced = pace.isPresent() ? () -> pace.get().download(store.blockBytes(), copy) : copy;
        if (times.isPresent()) {
            times.get().download(paced);
        } else {
            paced.run();
        }
    }

    @Override
    public long computed() {
        return record(computing);
    }

    @Override
    public void computeAfter(long ticket) {
        order(computing, ticket);
    }

    private void order(CudaStream stream, long ticket) {
        if (!isForgotten(ticket)) {
            stream.waitFor(event(ticket));
        }
    }

    private long record(CudaStream stream) {
        long ticket = last + 1;
        CudaEvent event = event(ticket);
        if (ticket > EVENTS) {
            event.synchronize();
        }
        stream.record(event);
        last = ticket;
        return ticket;
    }

    @Override
    public boolean hasEnded(long ticket) {
        try {
            return isForgotten(ticket) || event(ticket).hasHappened();
        } catch (CudaException failure) {
            throw new CopyFailedException(failure.getMessage(), failure);
        }
    }

    @Override
    public long uploadNanos(long ticket) {
        if (isForgotten(ticket - 1)) {
            return 0;
        }
        try {
            return Math.round(event(ticket).millisecondsSince(event(ticket - 1)) * 1e6);
        } catch (CudaException failure) {
            throw new CopyFailedException(failure.getMessage(), failure);
        }
    }

    /** Its event is used again, or will be next: so it has ended. */
    private boolean isForgotten(long ticket) {
        return ticket == ENDED || ticket <= last - EVENTS;
    }

    private CudaEvent event(long ticket) {
        return events.get((int) (ticket % EVENTS));
    }

    @Override
    public void drain() {
        CudaException first = null;
        for (CudaStream stream : List.of(uploads, downloads, computing)) {
            try {
                stream.synchronize();
            } catch (CudaException failure) {
                first = first == null ? failure : first;
            }
        }
        if (first != null) {
            throw new CopyFailedException(first.getMessage(), first);
        }
    }
}
