package dev.gatun.engine.cuda;

import dev.gatun.offload.CopyEngine;
import java.util.SplittableRandom;

/** Copies that copy nothing and end when somebody has looked at them often enough. */
final class CountedCopies implements CopyEngine {
    private final SplittableRandom random;
    private final LateStream computing;
    private long putIn;
    private long ended;

    CountedCopies(SplittableRandom random, LateStream computing) {
        this.random = random;
        this.computing = computing;
    }

    @Override
    public long upload(int block, int slot, long offset, long bytes, long after) {
        return ++putIn;
    }

    @Override
    public long uploadParts(int block, int slot, int parts, long after) {
        return ++putIn;
    }

    @Override
    public long download(int slot, int block, long after) {
        return ++putIn;
    }

    @Override
    public long computed() {
        return ++putIn;
    }

    @Override
    public void computeAfter(long ticket) {}

    @Override
    public boolean hasEnded(long ticket) {
        if (ticket > ended && random.nextInt(3) == 0) {
            ended = ticket;
        }
        return ticket <= ended;
    }

    @Override
    public void drain() {
        computing.drain();
        ended = putIn;
    }
}
