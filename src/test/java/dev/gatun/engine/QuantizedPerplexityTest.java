package dev.gatun.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.engine.cpu.CalibratedExperts;
import dev.gatun.engine.cpu.CalibrationText;
import dev.gatun.engine.cpu.CpuBackend;
import dev.gatun.engine.cpu.DefaultCalibration;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.QuantizationScheme;
import dev.gatun.quant.WeightMatrix;
import dev.gatun.quant.solver.HqqSolver;
import dev.gatun.quant.solver.LeastSquaresSolver;
import dev.gatun.quant.solver.Solver;
import dev.gatun.quant.solver.Target;
import dev.gatun.quant.solver.Workers;
import dev.gatun.text.Tokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The perplexity of the small model when it is quantized here, beside that of the original HQQ library's files. */
class QuantizedPerplexityTest {
    private static final Path FOLDER = ReferenceFolder.unquantized().model();
    private static final int BOS = 1;
    private static final int LENGTH = 1024;
    private static final int THREADS = 2;
    private static final HqqScheme WIDE = new HqqScheme(2, 16, 128);
    private static final NarrowScheme NARROW = new NarrowScheme(2, 16);
    private static final HqqScheme ATTENTION = new HqqScheme(4, 64, 256);

    /** Windows of the text: enough for a margin of half a percent. All 27 are what targets are stated for. */
    private static final int WINDOWS = Integer.getInteger("gatun.test.windows", 6);

    /** Tokens of the calibration text: a tenth of it, which is enough for the target. */
    private static final int CALIBRATION = Integer.getInteger("gatun.test.calibration", 10_000);

    /** What becomes of the model. */
    @FunctionalInterface
    private interface Quantizing {
        ModelWeights of(Checkpoint checkpoint, Arena arena, Workers workers);
    }

    /** On the windows that are evaluated, over that of the original library's files. */
    private static double relativePerplexity(String what, Quantizing quantizing) throws IOException {
        int[] text = ReferenceFolder.unquantized().heldOut();
        List<TextWindow> windows =
                TextWindow.of(text, OptionalInt.of(BOS), LENGTH, LENGTH - 1).subList(0, WINDOWS);
        try (Arena arena = Arena.ofShared();
                Workers workers = Workers.open(THREADS);
                OpenModel model = OpenModel.open(
                        FOLDER,
                        checkpoint -> new CpuBackend(
                                checkpoint.config(),
                                quantizing.of(checkpoint, arena, workers),
                                THREADS,
                                CpuLevel.best()))) {
            double sum = 0;
            long predicted = 0;
            for (TextWindow window : windows) {
                sum += negativeLogLikelihood(model, window);
                predicted += window.scored();
            }
            double measured = Math.exp(sum / predicted);
            double reference = reference();
            System.out.printf(
                    "%s: perplexity of %d windows %.4f, of the original library's files %.4f%n",
                    what, windows.size(), measured, reference);
            return measured / reference;
        }
    }

    private static double negativeLogLikelihood(OpenModel model, TextWindow window) {
        try (KvCache cache = model.backend().newKvCache(LENGTH, KvPrecision.F32)) {
            WindowScorer.Pass pass = (chunk, rows) -> model.feed(chunk, cache, rows, chunk.length);
            int vocabulary = model.checkpoint().config().vocabularySize();
            return DoubleStream.of(new WindowScorer(pass, vocabulary).score(window))
                    .sum();
        }
    }

    private static int[] tokens(String text) {
        return Tokenizer.load(FOLDER.resolve("tokenizer.json")).encode(text);
    }

    private static double reference() {
        JsonNode windows =
                ReferenceFolder.quantized().json("perplexity.json").path("bos").path("windows");
        double sum = 0;
        long predicted = 0;
        for (int i = 0; i < WINDOWS; i++) {
            predicted += windows.get(i).get(0).asLong();
            sum += windows.get(i).get(1).asDouble();
        }
        return Math.exp(sum / predicted);
    }

    private static ModelWeights withLayers(ModelWeights weights, List<LayerWeights> layers) {
        return new ModelWeights(weights.embeddings(), layers, weights.finalNorm(), weights.head());
    }

    private static LayerWeights with(LayerWeights layer, List<WeightMatrix> attention, List<ExpertWeights> experts) {
        return new LayerWeights(
                layer.attentionNorm(),
                attention.get(0),
                attention.get(1),
                attention.get(2),
                attention.get(3),
                layer.expertNorm(),
                layer.router(),
                experts);
    }

    /** Quantizes matrices one by one. */
    private record OneByOne(Solver solver, Arena arena, Workers workers) {
        List<WeightMatrix> attention(LayerWeights layer) {
            return Stream.of(layer.query(), layer.key(), layer.value(), layer.output())
                    .map(matrix -> quantized(matrix, ATTENTION))
                    .toList();
        }

        ExpertWeights expert(ExpertWeights expert, QuantizationScheme scheme) {
            return new ExpertWeights(
                    quantized(expert.gate(), scheme), quantized(expert.up(), scheme), quantized(expert.down(), scheme));
        }

        private WeightMatrix quantized(WeightMatrix matrix, QuantizationScheme scheme) {
            return solver.quantize("a matrix", (DenseMatrix) matrix, Target.of(scheme, arena, workers));
        }
    }

    private static Quantizing plain(Solver solver, QuantizationScheme scheme) {
        return (checkpoint, arena, workers) -> {
            OneByOne quantizer = new OneByOne(solver, arena, workers);
            return withLayers(
                    checkpoint.weights(),
                    checkpoint.weights().layers().stream()
                            .map(layer -> with(
                                    layer,
                                    quantizer.attention(layer),
                                    layer.experts().stream()
                                            .map(expert -> quantizer.expert(expert, scheme))
                                            .toList()))
                            .toList());
        };
    }

    private static Quantizing calibrated(QuantizationScheme scheme) {
        return (checkpoint, arena, workers) -> {
            int[] all = tokens(DefaultCalibration.text());
            int[] tokens = Arrays.copyOf(all, Math.min(CALIBRATION, all.length));
            ModelWeights weights = checkpoint.weights();
            Target attention = Target.of(ATTENTION, arena, workers);
            Target experts = Target.of(scheme, arena, workers);
            List<LayerWeights> layers = new ArrayList<>();
            try (CalibrationText text =
                    CalibrationText.open(checkpoint.config(), weights, tokens, BOS, THREADS, CpuLevel.best())) {
                for (LayerWeights original : weights.layers()) {
                    LayerWeights attending = text.quantizeAttention(original, "attention.", attention);
                    CalibratedExperts calibrated = text.enter(attending);
                    layers.add(new LayerWeights(
                            original.attentionNorm(),
                            attending.query(),
                            attending.key(),
                            attending.value(),
                            attending.output(),
                            original.expertNorm(),
                            original.router(),
                            IntStream.range(0, original.experts().size())
                                    .mapToObj(expert -> calibrated.quantize(
                                            expert,
                                            "expert.",
                                            original.experts().get(expert),
                                            experts))
                                    .toList()));
                }
            }
            return withLayers(weights, layers);
        };
    }

    @Test
    void hqqIsAsGoodAsTheOriginalLibrary() throws IOException {
        assertThat(relativePerplexity("HQQ, 3.02 bits", plain(new HqqSolver(), WIDE)))
                .isLessThan(1.005);
    }

    /** The target: 18.6, with the original library's at 19.08. */
    @Test
    void leastSquaresIsMuchBetterAtTheSameBits() throws IOException {
        assertThat(relativePerplexity("least squares, 3.02 bits", plain(new LeastSquaresSolver(), WIDE)))
                .isLessThan(18.6 / 19.08);
    }

    /** The target: 18.9. */
    @Test
    void leastSquaresIsBetterWithFewerBits() throws IOException {
        assertThat(relativePerplexity("least squares, 2.53 bits", plain(new LeastSquaresSolver(), NARROW)))
                .isLessThan(18.9 / 19.08);
    }

    /** The target: 18.0. */
    @Test
    void errorFeedbackClosesHalfOfTheGapToTheUnquantizedModelWithFewerBits() throws IOException {
        assertThat(relativePerplexity("error feedback, 2.53 bits", calibrated(NARROW)))
                .isLessThan(18.0 / 19.08);
    }
}
