package dev.gatun.engine.cuda;

import dev.gatun.cuda.LaunchShape;

/** Laws of the products with many tokens: inputs first pass through kernels/rows.cu. */
abstract class OnBatches extends OnKernels {
    static final float EPSILON = 1e-5f;

    /** Inputs and weights are rounded to 11 bits. */
    static final double TOLERANCE = 2.5e-3;

    OnBatches(String... files) {
        super(files);
    }

    static int padded(int columns) {
        return (columns + 127) / 128 * 128;
    }

    static int tiles(int items, int width) {
        return (items + width - 1) / width;
    }

    /** Rows that a block of batch_q2.cu takes. */
    static int rowsOfQ2(int width) {
        return width < 64 ? 128 : 256;
    }

    /** The shared memory of a block of batch_q2.cu. */
    static int memoryOfQ2(int width) {
        return width == 16 ? 28672 : width == 128 ? 65536 : 40960;
    }

    /** Rows of fp16 and their factors. */
    final class Rows {
        final int tokens;
        final int columns;
        final Expected values;
        final Region halves;
        final Region factors;
        private final Region x;
        private final Region norm;

        Rows(Sample sample, int tokens, int columns, boolean normed) {
            this(columns, sample.rows(tokens, columns), normed ? sample.norm(columns) : null);
        }

        /** @param weights of the norm that rows pass through, or null */
        Rows(int columns, float[] input, float[] weights) {
            this.tokens = input.length / columns;
            this.columns = columns;
            Expected plain = Expected.input(columns, input);
            values = weights == null ? plain : oracles.normed(weights, EPSILON, plain);
            x = gpu.input(input);
            norm = weights == null ? null : gpu.input(weights);
            halves = gpu.output(2L * tokens * padded(columns));
            factors = gpu.outputFloats(tokens);
        }

        void launch() {
            gpu.launch("gatun_rows_f16", LaunchShape.of(tokens, 256), x, norm, EPSILON, columns, halves, factors);
        }
    }
}
