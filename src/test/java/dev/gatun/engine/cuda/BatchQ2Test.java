package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cuda.LaunchShape;
import dev.gatun.quant.ColumnOrder;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** One matrix; those of many experts are in {@link BatchExpertsTest}. */
class BatchQ2Test extends OnBatches {
    BatchQ2Test() {
        super("batch_q2", "rows");
    }

    @Test
    void anyShapeIsTheProduct() {
        forCases(sample -> check(sample, sample.integer("tokens", 1, 1, 300)));
    }

    @Test
    void aLongPrompt() {
        forCase(sample -> check(sample, sample.oneOf("tokens", 512, 2048)));
    }

    private void check(Sample sample, int tokens) {
        boolean wide = sample.flag("wide");
        int width = sample.oneOf("n", 16, 32, 64, 128);
        int rows = sample.integer("rows", 16, 1, 40);
        boolean sixteens = !wide && sample.flag("in sixteens");
        int columns = sixteens ? sample.integer("columns", 256, 1, 18) : sample.integer("columns", 4, 1, 100);
        boolean accumulate = sample.flag("accumulate");
        TileShape shape = sixteens
                ? new TileShape(TileFormat.Q2N, rows, columns, 0, ColumnOrder.SIXTEENS)
                : sample.tileShape(wide ? TileFormat.Q2 : TileFormat.Q2N, rows, columns);
        MemorySegment tiles = sample.tiles().fill(shape);
        float[] before = sample.floats(tokens * rows, 1);
        Region y = accumulate ? gpu.output(before) : gpu.outputFloats(before.length);
        Region error = gpu.zeros(1);
        Rows x = new Rows(sample, tokens, columns, false);
        Struct arguments = new Struct(96)
                .addresses(gpu.input(tiles), null)
                .number(0)
                .addresses(null, x.halves, x.factors, y, error)
                .numbers(0, tokens, rows, columns, shape.pairs(), accumulate ? 1 : 0, sixteens ? 1 : 0, 0);
        gpu.twice(() -> {
            x.launch();
            gpu.launch(
                    "gatun_batch_" + (wide ? "q2_n" : "q2n_n") + width,
                    LaunchShape.of(tiles(rows, rowsOfQ2(width)) * tiles(tokens, width), 256)
                            .sharing(memoryOfQ2(width)),
                    arguments.bytes());
        });
        assertThat(error.ints()).containsExactly(0);
        Expected product = oracles.product(asItLies(shape, tiles), x.values);
        (accumulate ? product.plus(before) : product).requireNear(y.floats(), TOLERANCE);
    }

    /** The matrix with its columns in the order in which tiles hold them, and rows their inputs. */
    private static KnownMatrix asItLies(TileShape shape, MemorySegment tiles) {
        KnownMatrix known = KnownMatrix.of(shape, tiles);
        if (!shape.isInSixteens()) {
            return known;
        }
        int columns = shape.columns();
        double[] weights = new double[known.weights().length];
        for (int at = 0; at < weights.length; at++) {
            int column = at % columns;
            weights[at - column + shape.order().placeOf(column, columns)] = known.weights()[at];
        }
        return KnownMatrix.of(shape.rows(), columns, weights);
    }
}
