package dev.gatun.engine.cuda;

import dev.gatun.cuda.LaunchShape;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.FloatType;
import java.util.Arrays;
import java.util.Locale;
import org.junit.jupiter.api.Test;

class BatchDenseTest extends OnBatches {
    BatchDenseTest() {
        super("batch_dense", "rows");
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
        FloatType type = sample.oneOf("type", FloatType.values());
        int width = type == FloatType.F32 ? sample.oneOf("n", 16, 64) : sample.oneOf("n", 16, 64, 128);
        int rows = sample.integer("rows", 1, 13, 600);
        int columns = sample.integer("columns", 4, 1, 100);
        boolean accumulate = sample.flag("accumulate");
        DenseMatrix matrix = sample.dense(type, rows, columns);
        KnownMatrix known = KnownMatrix.of(matrix);
        double largest = Arrays.stream(known.weights()).map(Math::abs).max().orElseThrow();
        int exponent = type == FloatType.F16 ? 0 : 14 - Math.getExponent(largest);
        float[] before = sample.floats(tokens * rows, 1);
        Region y = accumulate ? gpu.output(before) : gpu.outputFloats(before.length);
        Rows x = new Rows(sample, tokens, columns, false);
        Struct arguments = new Struct(56)
                .addresses(gpu.input(matrix.values()), x.halves, x.factors, y)
                .numbers(rows, columns, tokens, exponent, accumulate ? 1 : 0, 0);
        gpu.twice(() -> {
            x.launch();
            gpu.launch(
                    "gatun_batch_dense_" + type.toString().toLowerCase(Locale.ROOT) + "_n" + width,
                    LaunchShape.of(tiles(rows, 2 * width) * tiles(tokens, width), 256)
                            .sharing(65536),
                    arguments.bytes());
        });
        Expected product = oracles.product(known, x.values);
        (accumulate ? product.plus(before) : product).requireNear(y.floats(), TOLERANCE);
    }
}
