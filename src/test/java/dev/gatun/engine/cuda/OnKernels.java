package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.Seeds;
import dev.gatun.cuda.RequiresGpu;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * Laws of the kernels of one file, each for {@code gatun.test.cases} random cases: what they compute is compared with the
 * definition in double precision and with the CPU library, see {@link Oracles}.
 */
@RequiresGpu
abstract class OnKernels {
    static final int ERROR_NAN = 1;
    static final int ERROR_ABSENT = 2;
    static final int ERROR_TIMEOUT = 8;
    static final int ERROR_ID = 4;
    static final int ERROR_HOST = 16;

    private static final int CASES = Integer.getInteger("gatun.test.cases", 12);

    private final String[] files;
    KernelFile gpu;
    Oracles oracles;

    OnKernels(String... files) {
        this.files = files;
    }

    @BeforeEach
    void open() {
        gpu = new KernelFile(files);
        oracles = new Oracles();
    }

    @AfterEach
    void close() {
        if (oracles != null) {
            oracles.close();
        }
        if (gpu != null) {
            gpu.close();
        }
    }

    void forCases(Consumer<Sample> law) {
        for (int i = 0; i < CASES; i++) {
            forCase(law);
        }
    }

    void forCase(Consumer<Sample> law) {
        long seed = Seeds.next();
        Sample sample = new Sample(new SplittableRandom(seed));
        try {
            law.accept(sample);
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError(sample + " failed, " + Seeds.hint(seed) + ": " + e.getMessage(), e);
        } finally {
            gpu.clear();
        }
    }

    static double silu(double v) {
        return v / (1 + Math.exp(-v));
    }

    /** silu(gate) * up */
    static double[] gated(double[] gate, double[] up) {
        return IntStream.range(0, gate.length)
                .mapToDouble(i -> silu(gate[i]) * up[i])
                .toArray();
    }

    static double[] add(double[] a, double[] b) {
        return IntStream.range(0, a.length).mapToDouble(i -> a[i] + b[i]).toArray();
    }
}
