package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.PinnedBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.SplittableRandom;

/** Fills device memory with random content; the same 8 MiB again and again, at other addresses. */
final class RandomMemory implements AutoCloseable {
    private static final long BYTES = 8L << 20;

    /** What random bits become. */
    enum Kind {
        /** Any bytes. */
        CODES(-1L, 0),
        /** fp16 of magnitude 1/8 to 1/4, of either sign. */
        HALVES(0x83ff83ff83ff83ffL, 0x3000300030003000L),
        /** Blocks of a cache, all with the exponent 0x5f: of either sign, below 2^-16. */
        BLOCKS(0xfffefffefffefffeL, 0x0000000100010001L),
        /** fp32 of magnitude 1/8 to 1/4, of either sign. */
        FLOATS(0x807fffff807fffffL, 0x3e0000003e000000L);

        private final long kept;
        private final long set;

        Kind(long kept, long set) {
            this.kept = kept;
            this.set = set;
        }
    }

    private final CudaStream stream;
    private final PinnedBuffer host;
    private Optional<Kind> present = Optional.empty();

    RandomMemory(CudaDevice device, CudaStream stream) {
        this.stream = stream;
        this.host = PinnedBuffer.allocate(device, BYTES);
    }

    /** Fills each of the memories. */
    void fill(Kind kind, DeviceMemory... targets) {
        if (!present.equals(Optional.of(kind))) {
            make(kind);
        }
        for (DeviceMemory target : targets) {
            for (long at = 0; at < target.byteSize(); at += BYTES) {
                target.copyFrom(at, host, 0, Math.min(BYTES, target.byteSize() - at), stream);
            }
        }
        stream.synchronize();
    }

    private void make(Kind kind) {
        MemorySegment words = host.segment();
        SplittableRandom random = new SplittableRandom(1);
        for (long i = 0; i < BYTES / Long.BYTES; i++) {
            words.setAtIndex(ValueLayout.JAVA_LONG, i, (random.nextLong() & kind.kept) | kind.set);
        }
        present = Optional.of(kind);
    }

    @Override
    public void close() {
        host.close();
    }
}
