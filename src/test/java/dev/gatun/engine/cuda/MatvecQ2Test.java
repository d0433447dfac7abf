package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cuda.LaunchShape;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class MatvecQ2Test extends OnKernels {
    /** Scaled inputs are rounded to 11 bits. */
    private static final double TOLERANCE = 2e-3;

    /** Of one token and the published scheme, where what rounding to fp16 takes off is kept. */
    private static final double FINE_TOLERANCE = 1e-4;

    MatvecQ2Test() {
        super("matvec_q2");
    }

    @Test
    void thePublishedSchemeIsTheProductOfItsWeights() {
        forCases(sample -> check(sample, TileFormat.Q2));
    }

    @Test
    void theNarrowSchemeIsTheProductOfItsWeights() {
        forCases(sample -> check(sample, TileFormat.Q2N));
    }

    private void check(Sample sample, TileFormat format) {
        int most = 1 << sample.integer("T", 0, 3);
        int tokens = sample.integer("tokens", 1, 1, most);
        int rows = sample.integer("rows", 16, 1, 24);
        int columns = sample.integer("columns", 4, 1, 500);
        TileShape shape = sample.tileShape(format, rows, columns);
        MemorySegment tiles = sample.tiles().fill(shape);
        float[] x = sample.rows(tokens, columns);
        Product product = new Product(sample, most, tokens, shape, tiles);
        float[] y = product.run(x, sample.integer("grid", 1, 300));
        oracles.product(KnownMatrix.of(shape, tiles), Expected.input(columns, x))
                .requireNear(y, most == 1 && format == TileFormat.Q2 ? FINE_TOLERANCE : TOLERANCE);
        assertThat(product.run(x, sample.integer("other grid", 1, 40)))
                .as("sums depend on the shape alone")
                .containsExactly(y);

        float[] bad = x.clone();
        bad[sample.below(columns)] = sample.flag("infinite") ? Float.POSITIVE_INFINITY : Float.NaN;
        float[] spoilt = product.run(bad, 7);
        assertThat(Arrays.copyOfRange(spoilt, rows, y.length))
                .as("other tokens")
                .containsExactly(Arrays.copyOfRange(y, rows, y.length));
        for (int row = 0; row < rows; row++) {
            assertThat(Float.isFinite(spoilt[row]))
                    .as("row %d of the spoilt token", row)
                    .isFalse();
        }
    }

    private final class Product {
        private final int most;
        private final int tokens;
        private final TileShape shape;
        private final Region weights;
        private final int sliceTiles;

        Product(Sample sample, int most, int tokens, TileShape shape, MemorySegment tiles) {
            this.most = most;
            this.tokens = tokens;
            this.shape = shape;
            this.weights = gpu.input(tiles);
            this.sliceTiles = most == 8 ? 4 : sample.oneOf("slice", 4, 8);
        }

        float[] run(float[] x, int grid) {
            Region y = gpu.outputFloats((long) tokens * shape.rows());
            int slices = (shape.tileColumns() + sliceTiles - 1) / sliceTiles;
            Region counters = gpu.zeros(shape.groupRows());
            boolean wide = shape.format() == TileFormat.Q2;
            gpu.run(
                    "gatun_matvec_" + (wide ? "q2" : "q2n") + "_t" + most,
                    LaunchShape.of(grid, 256).sharing(StreamMemory.bytes(most, sliceTiles, wide)),
                    weights,
                    shape.rows(),
                    shape.columns(),
                    shape.pairs(),
                    shape.period(),
                    sliceTiles,
                    gpu.input(x),
                    y,
                    tokens,
                    gpu.outputFloats((long) tokens * slices * shape.rows()),
                    counters);
            assertThat(counters.ints()).containsOnly(0);
            return y.floats();
        }
    }
}
