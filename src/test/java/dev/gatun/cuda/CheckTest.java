package dev.gatun.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.gatun.natives.NativeLibraryException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CheckTest {
    @Test
    void aRangeIsAcceptedIfAndOnlyIfItLiesInside() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int i = 0; i < 10_000; i++) {
            long size = random.nextLong() >>> (1 + random.nextInt(62));
            long offset = edge(random, size);
            long bytes = edge(random, size);
            boolean isInside = offset >= 0
                    && bytes >= 0
                    && BigInteger.valueOf(offset).add(BigInteger.valueOf(bytes)).compareTo(BigInteger.valueOf(size))
                            <= 0;

            Throwable thrown = catchThrowable(() -> Check.range("the memory", offset, bytes, size));

            if (isInside) {
                assertThat(thrown).as("seed %d", seed).isNull();
            } else {
                assertThat(thrown).as("seed %d", seed).isInstanceOf(IndexOutOfBoundsException.class);
            }
        }
    }

    /** A number near those where a check goes wrong. */
    private static long edge(Random random, long size) {
        long[] centers = {0, size / 2, size, Long.MAX_VALUE, Long.MIN_VALUE, random.nextLong()};
        return centers[random.nextInt(centers.length)] + random.nextInt(5) - 2;
    }

    @Test
    void rangesOverlapIfAndOnlyIfTheyShareAByte() {
        for (int offset = 0; offset < 8; offset++) {
            for (int bytes = 1; bytes < 5; bytes++) {
                int from = offset;
                int length = bytes;
                boolean isShared = IntStream.range(3, 6).anyMatch(i -> i >= from && i < from + length);

                Throwable thrown = catchThrowable(() -> Check.disjoint(from, length, 3, 3));

                assertThat(thrown != null)
                        .as("%d bytes from %d, 3 from 3", length, from)
                        .isEqualTo(isShared);
            }
        }
        Check.disjoint(4, 0, 4, 0);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Check.disjoint(9, 10, 0, 12))
                .withMessage("the ranges overlap: 10 bytes from offset 9 and 12 from offset 0 of one buffer");
    }

    @Test
    void aStreamOfAnotherDeviceIsRefused() {
        CudaDevice first = device(0);
        CudaDevice second = device(1);

        Check.sameDevice("the event", first, device(0));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Check.sameDevice("the event", first, second))
                .withMessage("the event is on GPU 0 (T4), the stream on GPU 1 (T4): they must be the same");
    }

    private static CudaDevice device(int ordinal) {
        return new CudaDevice(
                ordinal,
                new DeviceProperties(
                        "T4", "0000:01:00.0", new ComputeCapability(7, 5), 1, 40, 4, 65_536, 1024, true, true));
    }

    @Test
    void aRuntimeOfAnotherMajorVersionIsRefused() {
        Path library = Path.of("/somewhere/libcudart.so");

        LinkedRuntime.requireVersion(library, 13_020);
        assertThatExceptionOfType(NativeLibraryException.class)
                .isThrownBy(() -> LinkedRuntime.requireVersion(library, 12_080))
                .withMessageStartingWith("`/somewhere/libcudart.so` is CUDA runtime 12080, this program needs 13000: ");
    }
}
