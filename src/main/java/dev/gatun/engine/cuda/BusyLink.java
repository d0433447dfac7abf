package dev.gatun.engine.cuda;

import dev.gatun.offload.CopyEngine;
import java.util.ArrayDeque;
import java.util.Deque;

/** Keeps the link at work while something else is measured: uploads to one slot, of blocks all over the store. */
final class BusyLink {
    private final CopyEngine copies;
    private final int slot;
    private final int blocks;
    private final long blockBytes;
    /** Tickets, in the order in which they end. */
    private final Deque<Long> inFlight = new ArrayDeque<>();

    private int turn;

    /**
     * Puts in nothing yet.
     *
     * @param slot of the device, whose content means nothing
     * @param blocks of the store
     */
    BusyLink(CopyEngine copies, int slot, int blocks, long blockBytes) {
        this.copies = copies;
        this.slot = slot;
        this.blocks = blocks;
        this.blockBytes = blockBytes;
    }

    /** Puts in so many uploads as make it {@code count} that are in flight. */
    void keep(int count) {
        settle();
        while (inFlight.size() < count) {
            inFlight.add(copies.upload(next(count), slot, 0, blockBytes, CopyEngine.ENDED));
        }
    }

    /** Where only a part of the store can be copied fast, one neighbour says little of the others. */
    private int next(int count) {
        int step = Math.max(1, blocks / count);
        return (int) ((long) turn++ * step % blocks);
    }

    /** Looks which uploads have ended. */
    private void settle() {
        while (!inFlight.isEmpty() && copies.hasEnded(inFlight.peek())) {
            inFlight.remove();
        }
    }

    /** Waits until none is in flight, looking as often as it can. */
    void await() {
        settle();
        while (!inFlight.isEmpty()) {
            Thread.onSpinWait();
            settle();
        }
    }
}
