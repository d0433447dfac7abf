package dev.gatun.offload;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/**
 * What pieces of device memory take of the device when they are allocated one after the other as the CUDA backend does it:
 * small pieces share chunks, each in the first with room, and large ones are allocations of their own, which the driver rounds up.
 */
final class ArenaSize {
    private static final long CHUNK = 64L << 20;
    private static final long LARGE = CHUNK / 2;
    private static final long GRANULE = 2L << 20;
    private static final long ALIGNMENT = 256;

    private final List<Long> chunks = new ArrayList<>();
    private long large;

    /** Allocates each of {@code pieces}, in bytes. */
    ArenaSize add(LongStream pieces) {
        pieces.forEach(this::add);
        return this;
    }

    private void add(long bytes) {
        if (bytes >= LARGE) {
            large += rounded(bytes, GRANULE);
        } else {
            addSmall(bytes);
        }
    }

    private void addSmall(long bytes) {
        for (int chunk = 0; chunk < chunks.size(); chunk++) {
            if (chunks.get(chunk) + bytes <= CHUNK) {
                chunks.set(chunk, rounded(chunks.get(chunk) + bytes, ALIGNMENT));
                return;
            }
        }
        chunks.add(rounded(bytes, ALIGNMENT));
    }

    private static long rounded(long bytes, long multiple) {
        return Math.ceilDiv(bytes, multiple) * multiple;
    }

    /** Bytes of the device that all of them take. */
    long bytes() {
        return large + chunks.size() * CHUNK;
    }
}
