package dev.gatun.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.engine.Backend;
import dev.gatun.engine.SchemesSuite;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.QuantizedMatrix;
import dev.gatun.quant.RandomMatrices;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The CPU runs every scheme that the quantizer writes. */
class CpuSchemesTest extends SchemesSuite {
    @Override
    protected Backend tested(MixtralConfig config, ModelWeights weights) {
        return new CpuBackend(config, weights, 2, CpuLevel.best());
    }

    /** Inputs are rounded to 15 or 16 bits of the largest near them. */
    @Override
    protected double tolerance() {
        return 2e-3;
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 8})
    void noMatrixTakesMoreThanItSays(int bits) {
        RandomMatrices random = new RandomMatrices(bits);
        List<QuantizedMatrix> matrices = List.of(
                random.hqq(new HqqScheme(bits, 64, 4), 128, 200), random.narrow(new NarrowScheme(bits, 64), 128, 200));
        for (QuantizedMatrix matrix : matrices) {
            assertThat(DescribedMatrices.of(matrix).bytes()).isBetween(matrix.bytes() * 9 / 10, matrix.computedBytes());
            double weights = (double) matrix.rows() * matrix.columns();
            assertThat(8 * matrix.computedBytes() / weights).isLessThan(bits + 1.8);
        }
    }
}
