package dev.gatun.engine.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * How far the host has come, for kernels that wait for it: its parts are numbered from 1 on, and the word says up to which all
 * have ended. It only rises, so a kernel that comes late sees a higher number than its own and does not wait either.
 */
final class HostWord {
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();

    private final MemorySegment word;
    private long number;

    /**
     * Counts in this word.
     *
     * @param word int64, 0
     */
    HostWord(MemorySegment word) {
        this.word = word;
    }

    /** The host has begun another part. */
    void begin() {
        number++;
    }

    /** The part that was begun last; 0 before the first. */
    long number() {
        return number;
    }

    /** All that was begun has ended, well or not. What the host wrote before is seen by whoever sees the word. */
    void end() {
        WORD.setRelease(word, 0L, number);
    }
}
