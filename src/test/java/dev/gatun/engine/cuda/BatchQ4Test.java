package dev.gatun.engine.cuda;

import dev.gatun.cuda.LaunchShape;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class BatchQ4Test extends OnBatches {
    BatchQ4Test() {
        super("batch_q4", "rows");
    }

    @Test
    void upToThreeMatricesOfOneInput() {
        forCases(sample -> check(sample, sample.integer("tokens", 1, 1, 300)));
    }

    @Test
    void aLongPrompt() {
        forCase(sample -> check(sample, sample.oneOf("tokens", 512, 2048)));
    }

    private void check(Sample sample, int tokens) {
        int width = sample.oneOf("n", 16, 32, 64, 128);
        int columns = sample.integer("columns", 4, 1, 100);
        int matrices = sample.integer("matrices", 1, 3);
        boolean accumulate = sample.flag("accumulate");
        Rows x = new Rows(sample, tokens, columns, sample.flag("norm"));
        int[] rows = new int[3];
        int[] pairs = {1, 1, 1};
        Region[] weights = new Region[3];
        Region[] y = new Region[3];
        Expected[] expected = new Expected[3];
        int rowBlocks = 0;
        for (int i = 0; i < matrices; i++) {
            rows[i] = sample.integer("rows", 64, 1, 6);
            TileShape shape = sample.tileShape(TileFormat.Q4, rows[i], columns);
            pairs[i] = shape.pairs();
            MemorySegment tiles = sample.tiles().fill(shape);
            weights[i] = gpu.input(tiles);
            float[] before = sample.floats(tokens * rows[i], 1);
            y[i] = accumulate ? gpu.output(before) : gpu.outputFloats(before.length);
            Expected product = oracles.product(KnownMatrix.of(shape, tiles), x.values);
            expected[i] = accumulate ? product.plus(before) : product;
            rowBlocks += tiles(rows[i], 2 * width);
        }
        LaunchShape grid = LaunchShape.of(rowBlocks * tiles(tokens, width), 256).sharing(65536);
        Struct arguments = new Struct(104)
                .addresses(weights)
                .addresses(x.halves, x.factors)
                .addresses(y)
                .numbers(rows)
                .numbers(pairs)
                .numbers(columns, tokens, accumulate ? 1 : 0, 0);
        gpu.twice(() -> {
            x.launch();
            gpu.launch("gatun_batch_q4_n" + width, grid, arguments.bytes());
        });
        for (int i = 0; i < matrices; i++) {
            expected[i].requireNear(y[i].floats(), TOLERANCE);
        }
    }
}
