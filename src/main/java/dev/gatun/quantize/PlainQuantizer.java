package dev.gatun.quantize;

import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerTensors;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.QuantizedMatrix;
import dev.gatun.quant.WeightMatrix;
import dev.gatun.quant.solver.Solver;
import dev.gatun.quant.solver.Target;
import dev.gatun.quant.solver.Workers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/** Quantizes every matrix by itself, and as many at once as its solver takes. */
final class PlainQuantizer implements ModelQuantizer {
    private static final int MATRICES = 3;

    private final Solver solver;
    private final Workers atOnce;

    PlainQuantizer(Solver solver) {
        this.solver = solver;
        this.atOnce = Workers.open(solver.matricesAtOnce());
    }

    /** A matrix and its name without {@code .weight}. */
    private record Original(String name, WeightMatrix matrix) {}

    @Override
    public boolean isSequential() {
        return false;
    }

    @Override
    public LayerWeights enter(int layer, LayerWeights original, Optional<Target> attention, Runnable between) {
        return attention
                .map(target -> withAttention(PlannedMatrix.attention(layer), original, target, between))
                .orElse(original);
    }

    private LayerWeights withAttention(String name, LayerWeights layer, Target target, Runnable between) {
        List<QuantizedMatrix> matrices = quantized(
                List.of(
                        new Original(name + "q_proj", layer.query()),
                        new Original(name + "k_proj", layer.key()),
                        new Original(name + "v_proj", layer.value()),
                        new Original(name + "o_proj", layer.output())),
                target,
                weights -> between.run());
        return new LayerWeights(
                layer.attentionNorm(),
                matrices.get(0),
                matrices.get(1),
                matrices.get(2),
                matrices.get(3),
                layer.expertNorm(),
                layer.router(),
                layer.experts());
    }

    @Override
    public List<ExpertWeights> quantize(int layer, List<ExpertWeights> originals, Target target, LongConsumer done) {
        List<Original> matrices = new ArrayList<>();
        for (int expert = 0; expert < originals.size(); expert++) {
            String prefix = LayerTensors.prefix(layer, expert);
            matrices.add(new Original(prefix + "w1", originals.get(expert).gate()));
            matrices.add(new Original(prefix + "w3", originals.get(expert).up()));
            matrices.add(new Original(prefix + "w2", originals.get(expert).down()));
        }
        List<QuantizedMatrix> results = quantized(matrices, target, done);
        List<ExpertWeights> experts = new ArrayList<>();
        for (int i = 0; i < results.size(); i += MATRICES) {
            experts.add(new ExpertWeights(results.get(i), results.get(i + 1), results.get(i + 2)));
        }
        return experts;
    }

    private List<QuantizedMatrix> quantized(List<Original> originals, Target target, LongConsumer done) {
        QuantizedMatrix[] results = new QuantizedMatrix[originals.size()];
        atOnce.run(results.length, i -> {
            Original original = originals.get(i);
            DenseMatrix weights = (DenseMatrix) original.matrix();
            results[i] = solver.quantize(original.name() + ".weight", weights, target);
            done.accept((long) weights.rows() * weights.columns());
        });
        return Arrays.asList(results);
    }

    @Override
    public void pass(int expert, ExpertWeights quantized) {
        // No matrix depends on another.
    }

    @Override
    public void close() {
        atOnce.close();
    }
}
