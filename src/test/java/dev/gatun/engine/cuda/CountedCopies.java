package dev.gatun.engine.cuda;

import dev.gatun.offload.CopyEngine;
import java.util.SplittableRandom;

/**
 * Copies that copy nothing and end when somebody has looked at them often enough. What blocks hold is known, as if copies were done
 * as soon as they are put in.
 */
final class CountedCopies implements CopyEngine {
    private static final int NOTHING = -1;

    private final SplittableRandom random;
    private final LateStream computing;
    private final long blockBytes;
    private final int[] inBlocks;
    private final int[] inSlots;
    private long putIn;
    private long ended;

    /**
     * Makes them.
     *
     * @param inBlocks the expert in each block at first
     * @param inSlots the expert in each slot at first, or anything
     */
    CountedCopies(SplittableRandom random, LateStream computing, long blockBytes, int[] inBlocks, int[] inSlots) {
        this.random = random;
        this.computing = computing;
        this.blockBytes = blockBytes;
        this.inBlocks = inBlocks;
        this.inSlots = inSlots;
    }

    /** The expert that a block holds. */
    int expertIn(int block) {
        return inBlocks[block];
    }

    @Override
    public long upload(int block, int slot, long offset, long bytes, long after) {
        if (bytes > 0) {
            inSlots[slot] = offset + bytes == blockBytes ? inBlocks[block] : NOTHING;
        }
        return ++putIn;
    }

    @Override
    public long uploadParts(int block, int slot, int parts, long after) {
        inSlots[slot] = NOTHING;
        return ++putIn;
    }

    @Override
    public long download(int slot, int block, long after) {
        inBlocks[block] = inSlots[slot];
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
    public long uploadNanos(long ticket) {
        return random.nextInt(1000);
    }

    @Override
    public void drain() {
        computing.drain();
        ended = putIn;
    }
}
