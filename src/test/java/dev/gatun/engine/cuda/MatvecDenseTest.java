package dev.gatun.engine.cuda;

import dev.gatun.cuda.LaunchShape;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.FloatType;
import org.junit.jupiter.api.Test;

class MatvecDenseTest extends OnKernels {
    MatvecDenseTest() {
        super("matvec_dense");
    }

    @Test
    void anyShapeIsTheProductInFloats() {
        forCases(sample -> check(sample, 1 << sample.integer("T", 0, 3)));
    }

    private void check(Sample sample, int most) {
        int tokens = sample.integer("tokens", 1, 1, most);
        FloatType type = sample.oneOf("type", FloatType.values());
        int rows = sample.integer("rows", 1, 1, 300);
        int columns = sample.flag("wide") ? sample.integer("columns", 8, 1, 150) : sample.integer("columns", 1, 1, 700);
        boolean accumulate = sample.flag("accumulate");
        DenseMatrix matrix = sample.dense(type, rows, columns);
        float[] x = sample.rows(tokens, columns);
        float[] before = sample.floats(tokens * rows, 1);
        Region y = accumulate ? gpu.output(before) : gpu.outputFloats(before.length);
        gpu.run(
                "gatun_matvec_dense_t" + most,
                LaunchShape.of(sample.integer("grid", 1, 40), 256),
                gpu.input(matrix.values()),
                FloatTypes.code(type),
                rows,
                columns,
                gpu.input(x),
                y,
                tokens,
                accumulate ? 1 : 0);
        Expected product = oracles.product(KnownMatrix.of(matrix), Expected.input(columns, x));
        (accumulate ? product.plus(before) : product).requireNear(y.floats(), 1e-5);
    }
}
