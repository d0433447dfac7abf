package dev.gatun.quant.solver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.SampleModels;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.Dequantizer;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.WeightMatrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The original HQQ library's own quantization of the small model. */
class OriginalHqqTest {
    private static final Map<String, Function<LayerWeights, Stream<WeightMatrix>>> PARTS = Map.of(
            "attention",
            OriginalHqqTest::attention,
            "experts",
            layer -> layer.experts().stream().flatMap(OriginalHqqTest::expert));

    private final Checkpoint original = Checkpoint.open(SampleModels.huggingFace());
    private final Checkpoint reference = Checkpoint.open(SampleModels.offloading());
    private final Workers workers = Workers.open(2);

    @AfterEach
    void close() {
        workers.close();
        reference.close();
        original.close();
    }

    /** Codes, scales, zeros and the second level of all 140 matrices. */
    @ParameterizedTest
    @ValueSource(strings = {"attention", "experts"})
    void hqqIsTheOriginalByteForByte(String part) {
        List<WeightMatrix> weights = all(original, PARTS.get(part));
        List<WeightMatrix> theirs = all(reference, PARTS.get(part));
        for (int i = 0; i < weights.size(); i++) {
            HqqMatrix expected = (HqqMatrix) theirs.get(i);
            HqqMatrix actual = (HqqMatrix) ours(new HqqSolver(), weights.get(i), expected);
            String matrix = part + ", matrix " + i;
            assertSame(actual.codes(), expected.codes(), matrix + ", codes");
            assertSame(actual.scaleCodes(), expected.scaleCodes(), matrix + ", scales");
            assertSame(actual.scaleScales(), expected.scaleScales(), matrix + ", scales of scales");
            assertSame(actual.scaleZeros(), expected.scaleZeros(), matrix + ", zeros of scales");
            assertSame(actual.zeroCodes(), expected.zeroCodes(), matrix + ", zeros");
            assertThat(actual.zeroScale()).as(matrix).isEqualTo(expected.zeroScale());
            assertThat(actual.zeroZero()).as(matrix).isEqualTo(expected.zeroZero());
        }
    }

    private static void assertSame(MemorySegment actual, MemorySegment expected, String what) {
        assertThat(actual.mismatch(expected))
                .as("the byte from which on they differ: %s", what)
                .isEqualTo(-1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"attention", "experts"})
    void leastSquaresIsMuchBetter(String part) {
        List<WeightMatrix> weights = some(all(original, PARTS.get(part)));
        List<WeightMatrix> theirs = some(all(reference, PARTS.get(part)));
        List<WeightMatrix> better = IntStream.range(0, weights.size())
                .mapToObj(i -> ours(new LeastSquaresSolver(), weights.get(i), (HqqMatrix) theirs.get(i)))
                .toList();
        assertThat(meanError(weights, better)).isLessThan(meanError(weights, theirs) * 0.94);
    }

    private static List<WeightMatrix> some(List<WeightMatrix> all) {
        return all.subList(0, 20);
    }

    private static List<WeightMatrix> all(Checkpoint checkpoint, Function<LayerWeights, Stream<WeightMatrix>> part) {
        return checkpoint.weights().layers().stream().flatMap(part).toList();
    }

    private static Stream<WeightMatrix> attention(LayerWeights layer) {
        return Stream.of(layer.query(), layer.key(), layer.value(), layer.output());
    }

    private static Stream<WeightMatrix> expert(ExpertWeights expert) {
        return Stream.of(expert.gate(), expert.up(), expert.down());
    }

    private WeightMatrix ours(Solver solver, WeightMatrix weights, HqqMatrix theirs) {
        return solver.quantize("w", (DenseMatrix) weights, Target.of(theirs.scheme(), Arena.ofAuto(), workers));
    }

    private static double meanError(List<WeightMatrix> weights, List<? extends WeightMatrix> quantized) {
        double sum = 0;
        long count = 0;
        for (int i = 0; i < weights.size(); i++) {
            float[] expected = Dequantizer.toFloats(weights.get(i));
            float[] actual = Dequantizer.toFloats(quantized.get(i));
            for (int j = 0; j < expected.length; j++) {
                sum += Math.abs(actual[j] - expected[j]);
            }
            count += expected.length;
        }
        return sum / count;
    }
}
