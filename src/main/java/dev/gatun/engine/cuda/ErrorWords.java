package dev.gatun.engine.cuda;

import dev.gatun.engine.BackendFailureException;
import dev.gatun.engine.RouterFailureException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What the bits of the kernels' error words mean: {@code ERROR_*} in {@code kernels/common.cuh}. */
final class ErrorWords {
    private static final int NAN = 1;
    private static final int ABSENT = 2;
    private static final int ID = 4;
    private static final int TIMEOUT = 8;
    private static final int HOST = 16;

    private ErrorWords() {}

    /**
     * Throws for the first word that is not zero.
     *
     * @param words int32, one a layer and one for embedding and head
     * @throws RouterFailureException if a router saw NaN
     * @throws BackendFailureException if the blocks of a kernel waited in vain, for each other or for the host
     * @throws IllegalStateException for what only an error of this program can cause
     */
    static void check(MemorySegment words) {
        int count = Math.toIntExact(words.byteSize() / Integer.BYTES);
        for (int word = 0; word < count; word++) {
            int bits = words.getAtIndex(ValueLayout.JAVA_INT, word);
            if (bits != 0) {
                throw failure(word, word < count - 1 ? "layer " + word : "embedding or head", bits);
            }
        }
    }

    private static RuntimeException failure(int word, String place, int bits) {
        if ((bits & (ABSENT | ID)) != 0) {
            return new IllegalStateException("kernels of " + place
                    + " met an expert that is not resident, or an id or position out of range: error bits " + bits);
        }
        if ((bits & TIMEOUT) != 0) {
            return new BackendFailureException("the GPU did not run all blocks of a kernel of " + place
                    + " within two seconds; other programs may keep it busy");
        }
        if ((bits & HOST) != 0) {
            return new BackendFailureException("the CPU did not hand over its part of " + place + " within "
                    + HandOff.PATIENCE.toSeconds() + " seconds; was the program stopped meanwhile?");
        }
        if ((bits & NAN) != 0) {
            return new RouterFailureException(word, null);
        }
        return new IllegalStateException("kernels of " + place + " failed: error bits " + bits);
    }
}
