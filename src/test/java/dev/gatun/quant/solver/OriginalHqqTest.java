package dev.gatun.quant.solver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.SampleModels;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.Dequantizer;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.QuantizedMatrix;
import dev.gatun.quant.WeightMatrix;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The original HQQ library's own quantization of the small model. */
class OriginalHqqTest {
    @Test
    void hqqIsNoWorseThanTheOriginalLibraryAndLeastSquaresMuchBetter() {
        try (Checkpoint original = Checkpoint.open(SampleModels.huggingFace());
                Checkpoint reference = Checkpoint.open(SampleModels.offloading());
                Workers workers = Workers.open(2)) {
            for (Function<LayerWeights, List<WeightMatrix>> part : List.<Function<LayerWeights, List<WeightMatrix>>>of(
                    OriginalHqqTest::attention, OriginalHqqTest::experts)) {
                List<WeightMatrix> weights = all(original, part);
                List<WeightMatrix> theirs = all(reference, part);
                double theirError = meanError(weights, theirs);
                assertThat(meanError(weights, ours(new HqqSolver(), weights, theirs, workers)))
                        .isLessThanOrEqualTo(theirError * 1.0001);
                assertThat(meanError(weights, ours(new LeastSquaresSolver(), weights, theirs, workers)))
                        .isLessThan(theirError * 0.94);
            }
        }
    }

    private static List<WeightMatrix> all(Checkpoint checkpoint, Function<LayerWeights, List<WeightMatrix>> part) {
        return checkpoint.weights().layers().stream()
                .map(part)
                .flatMap(List::stream)
                .toList();
    }

    private static List<WeightMatrix> attention(LayerWeights layer) {
        return List.of(layer.query(), layer.key(), layer.value(), layer.output());
    }

    /** Some of them. */
    private static List<WeightMatrix> experts(LayerWeights layer) {
        ExpertWeights expert = layer.experts().getFirst();
        return List.of(expert.gate(), expert.up(), expert.down());
    }

    private static List<QuantizedMatrix> ours(
            Solver solver, List<WeightMatrix> weights, List<WeightMatrix> theirs, Workers workers) {
        return IntStream.range(0, weights.size())
                .mapToObj(i -> solver.quantize(
                        "w",
                        (DenseMatrix) weights.get(i),
                        Target.of(((HqqMatrix) theirs.get(i)).scheme(), Arena.ofAuto(), workers)))
                .toList();
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
