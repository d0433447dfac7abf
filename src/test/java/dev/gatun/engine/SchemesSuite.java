package dev.gatun.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.CheckpointWriter;
import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.checkpoint.TinyCheckpoints;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.engine.cpu.CpuBackend;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.Dequantizer;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.JavaTiler;
import dev.gatun.quant.WeightMatrix;
import dev.gatun.quantize.OpenedSolver;
import dev.gatun.quantize.PartFormat;
import dev.gatun.quantize.Quantization;
import dev.gatun.quantize.QuantizationPlan;
import dev.gatun.quantize.SolverChoice;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A backend runs what the quantizer can write: every format of every part, from a folder on disk. Both experts are chosen for
 * every token, so that rounding cannot choose others.
 */
// Tests are patched into the module, which knows nothing of JUnit.
@SuppressWarnings("exports")
public abstract class SchemesSuite {
    private static final int[] BITS = {2, 3, 4, 8};
    private static final int[] GROUPS = {8, 16, 32, 64};
    private static final int CAPACITY = 64;

    /** All groups divide it, second levels of 256 groups too; w2's columns are no whole number of tiles. */
    private static final MixtralConfig CONFIG =
            new MixtralConfig(256, 192, 2, 4, 2, 32, 2, 2, 128, CAPACITY, 1e6, 1e-5, OptionalInt.empty(), false);

    @TempDir
    private static Path original;

    /** The backend that is tested. */
    protected abstract Backend tested(MixtralConfig config, ModelWeights weights);

    /** The difference that logits may have, as a share of their 2-norm. */
    protected abstract double tolerance();

    @BeforeAll
    static void write() {
        CheckpointWriter.writeHuggingFace(original, CONFIG, TinyCheckpoints.dense(CONFIG, FloatType.BF16, 11), 1);
    }

    /** Every format of experts; those of attention and of the head, of which there are fewer, come in turn. */
    static Stream<QuantizationPlan> plans() {
        List<PartFormat> experts = new ArrayList<>();
        List<PartFormat> attention = new ArrayList<>(List.of(PartFormat.asItIs()));
        for (int bits : BITS) {
            for (int group : GROUPS) {
                experts.add(PartFormat.wide(bits, group));
                experts.add(PartFormat.narrow(bits, group));
                attention.add(PartFormat.wide(bits, group));
            }
        }
        List<PartFormat> heads = List.of(PartFormat.asItIs(), PartFormat.wide(4, 64), PartFormat.wide(8, 64));
        List<SolverChoice> solvers = List.of(SolverChoice.LEAST_SQUARES, SolverChoice.HQQ);
        return IntStream.range(0, experts.size())
                .mapToObj(i -> new QuantizationPlan(
                        solvers.get(i / 2 % 2),
                        experts.get(i),
                        attention.get(i % attention.size()),
                        heads.get(i % heads.size())));
    }

    @ParameterizedTest
    @MethodSource("plans")
    void logitsAreThoseOfTheDequantizedWeights(QuantizationPlan plan, @TempDir Path folder) {
        Path target = folder.resolve("model");
        try (Checkpoint checkpoint = Checkpoint.open(original);
                OpenedSolver opened = OpenedSolver.cpu(plan.solver(), 2)) {
            new Quantization(checkpoint, plan, Optional.empty(), new JavaTiler(), 2)
                    .run(target, opened.solver(), (done, all) -> {});
        }
        try (Checkpoint model = Checkpoint.open(target);
                Backend expected = new CpuBackend(CONFIG, dequantized(model.weights()), 2, CpuLevel.best());
                Backend actual = tested(CONFIG, model.weights());
                KvCache one = expected.newKvCache(CAPACITY, KvPrecision.F32);
                KvCache other = actual.newKvCache(CAPACITY, KvPrecision.F32)) {
            // A chunk for each of the ways in which products are computed.
            for (int tokens : new int[] {40, 6, 1}) {
                int[] ids = new SplittableRandom(tokens)
                        .ints(tokens, 0, CONFIG.vocabularySize())
                        .toArray();
                assertThat(distance(logits(expected, one, ids), logits(actual, other, ids)))
                        .as(tokens + " tokens")
                        .isLessThan(tolerance());
            }
        }
    }

    private static float[] logits(Backend backend, KvCache cache, int[] ids) {
        float[] logits = new float[ids.length * CONFIG.vocabularySize()];
        backend.await(new ForwardPass(backend, CONFIG.layers()).run(ids, cache, ids.length), logits);
        return logits;
    }

    /** NaN if either has one, which is not less than any tolerance. */
    private static double distance(float[] expected, float[] actual) {
        double difference = 0;
        double size = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow((double) expected[i] - actual[i], 2);
            size += (double) expected[i] * expected[i];
        }
        return Math.sqrt(difference / size);
    }

    private static ModelWeights dequantized(ModelWeights weights) {
        List<LayerWeights> layers =
                weights.layers().stream().map(SchemesSuite::dequantized).toList();
        return new ModelWeights(weights.embeddings(), layers, weights.finalNorm(), dequantized(weights.head()));
    }

    private static LayerWeights dequantized(LayerWeights layer) {
        return new LayerWeights(
                layer.attentionNorm(),
                dequantized(layer.query()),
                dequantized(layer.key()),
                dequantized(layer.value()),
                dequantized(layer.output()),
                layer.expertNorm(),
                layer.router(),
                layer.experts().stream()
                        .map(expert -> new ExpertWeights(
                                dequantized(expert.gate()), dequantized(expert.up()), dequantized(expert.down())))
                        .toList());
    }

    private static DenseMatrix dequantized(WeightMatrix matrix) {
        return new DenseMatrix(
                FloatType.F32,
                matrix.rows(),
                matrix.columns(),
                Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, Dequantizer.toFloats(matrix)));
    }
}
