package dev.gatun.engine.cuda;

import dev.gatun.cpu.CpuException;
import java.util.Optional;
import java.util.function.LongSupplier;

/** A host's road that computes nothing, fails where it is told to, and notes what the device sees while the threads end. */
final class FakeRoad implements HostRoad {
    private final LongSupplier ended;
    private Optional<CpuException> failure = Optional.empty();
    private long seenAtTheEnd = -1;
    private int finished;

    /**
     * Makes one that does not fail.
     *
     * @param ended which part the device takes for the last that has ended
     */
    FakeRoad(LongSupplier ended) {
        this.ended = ended;
    }

    /** From now on it neither begins nor ends well. */
    void fail(CpuException with) {
        failure = Optional.of(with);
    }

    /** What the device saw when the threads ended last. */
    long seenAtTheEnd() {
        return seenAtTheEnd;
    }

    /** How often the threads were waited for. */
    int finished() {
        return finished;
    }

    @Override
    public void add(int expert, int block, int fromPart, int token, int rank) {
        throw new UnsupportedOperationException("nothing is added");
    }

    @Override
    public void begin() {
        failAsTold();
    }

    @Override
    public void finish() {
        seenAtTheEnd = ended.getAsLong();
        finished++;
        failAsTold();
    }

    private void failAsTold() {
        if (failure.isPresent()) {
            throw failure.get();
        }
    }

    @Override
    public void forget() {
        throw new UnsupportedOperationException("nothing was noted");
    }

    @Override
    public void addWhole(int expert, int block, int[] tokens, int[] ranks, int count) {
        throw new UnsupportedOperationException("nothing is added");
    }
}
