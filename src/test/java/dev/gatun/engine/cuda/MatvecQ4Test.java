package dev.gatun.engine.cuda;

import dev.gatun.cuda.LaunchShape;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class MatvecQ4Test extends OnKernels {
    private static final double TOLERANCE = 1e-4;
    private static final float EPSILON = 1e-5f;

    MatvecQ4Test() {
        super("matvec_q4");
    }

    @Test
    void upToThreeMatricesOfOneInput() {
        forCases(this::check);
    }

    private void check(Sample sample) {
        int most = 1 << sample.integer("T", 0, 3);
        int tokens = sample.integer("tokens", 1, 1, most);
        int columns = sample.integer("columns", 4, 1, 600);
        int matrices = sample.integer("matrices", 1, 3);
        boolean accumulate = sample.flag("accumulate");
        float[] norm = sample.flag("norm") ? sample.norm(columns) : null;
        float[] x = sample.rows(tokens, columns);
        int[] rows = new int[3];
        int[] pairs = {1, 1, 1};
        Region[] weights = new Region[3];
        Region[] y = new Region[3];
        Expected[] expected = new Expected[3];
        Expected plain = Expected.input(columns, x);
        Expected input = norm == null ? plain : oracles.normed(norm, EPSILON, plain);
        int groupRows = 0;
        for (int i = 0; i < matrices; i++) {
            rows[i] = sample.integer("rows", 64, 1, 5);
            TileShape shape = sample.tileShape(TileFormat.Q4, rows[i], columns);
            pairs[i] = shape.pairs();
            MemorySegment tiles = sample.tiles().fill(shape);
            weights[i] = gpu.input(tiles);
            float[] before = sample.floats(tokens * rows[i], 1);
            y[i] = accumulate ? gpu.output(before) : gpu.outputFloats(before.length);
            Expected product = oracles.product(KnownMatrix.of(shape, tiles), input);
            expected[i] = accumulate ? product.plus(before) : product;
            groupRows += shape.groupRows();
        }
        gpu.run(
                "gatun_matvec_q4_t" + most,
                LaunchShape.of(2 * groupRows, 256),
                weights[0],
                weights[1],
                weights[2],
                rows[0],
                rows[1],
                rows[2],
                pairs[0],
                pairs[1],
                pairs[2],
                columns,
                gpu.input(x),
                norm == null ? null : gpu.input(norm),
                EPSILON,
                y[0],
                y[1],
                y[2],
                tokens,
                accumulate ? 1 : 0);
        for (int i = 0; i < matrices; i++) {
            expected[i].requireNear(y[i].floats(), TOLERANCE);
        }
    }
}
