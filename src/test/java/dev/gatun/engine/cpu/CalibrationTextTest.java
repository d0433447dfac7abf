package dev.gatun.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.checkpoint.SampleModels;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.engine.Activations;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.solver.Target;
import dev.gatun.quant.solver.Workers;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CalibrationTextTest {
    private static final HqqScheme ATTENTION = new HqqScheme(4, 64, 256);
    private static final NarrowScheme EXPERTS = new NarrowScheme(2, 16);
    private static final int BOS = 1;
    private static final int THREADS = 2;

    private static LayerWeights withExperts(LayerWeights layer, List<ExpertWeights> experts) {
        return new LayerWeights(
                layer.attentionNorm(),
                layer.query(),
                layer.key(),
                layer.value(),
                layer.output(),
                layer.expertNorm(),
                layer.router(),
                experts);
    }

    @Test
    void theNextLayerSeesWhatTheQuantizedModelComputes() {
        int[] tokens = IntStream.range(0, CalibrationText.WINDOW + 88)
                .map(i -> 259 + i * 37 % 1600)
                .toArray();
        try (Checkpoint checkpoint = Checkpoint.open(SampleModels.huggingFace());
                Workers workers = Workers.open(THREADS);
                Arena arena = Arena.ofShared();
                CalibrationText text = CalibrationText.open(
                        checkpoint.config(), checkpoint.weights(), tokens, BOS, THREADS, CpuLevel.best())) {
            List<LayerWeights> quantized = new ArrayList<>();
            for (LayerWeights layer : checkpoint.weights().layers().subList(0, 2)) {
                LayerWeights attending = text.quantizeAttention(layer, "a.", Target.of(ATTENTION, arena, workers));
                CalibratedExperts experts = text.enter(attending);
                quantized.add(withExperts(
                        attending,
                        IntStream.range(0, layer.experts().size())
                                .mapToObj(e -> experts.quantize(
                                        e, "e.", layer.experts().get(e), Target.of(EXPERTS, arena, workers)))
                                .toList()));
            }
            assertStreams(text, checkpoint, quantized, tokens);
        }
    }

    private static void assertStreams(
            CalibrationText text, Checkpoint checkpoint, List<LayerWeights> quantized, int[] tokens) {
        ModelWeights all = checkpoint.weights();
        List<LayerWeights> layers = new ArrayList<>(all.layers());
        layers.set(0, quantized.get(0));
        layers.set(1, quantized.get(1));
        ModelWeights weights = new ModelWeights(all.embeddings(), layers, all.finalNorm(), all.head());
        try (CpuBackend backend = new CpuBackend(checkpoint.config(), weights, THREADS, CpuLevel.best())) {
            for (int window = 0; window < 2; window++) {
                int from = window * (CalibrationText.WINDOW - 1);
                int to = Math.min(from + CalibrationText.WINDOW - 1, tokens.length);
                int[] ids = IntStream.concat(IntStream.of(BOS), Arrays.stream(tokens, from, to))
                        .toArray();
                try (KvCache cache = backend.newKvCache(ids.length, KvPrecision.F32)) {
                    Activations hidden = backend.embed(ids);
                    for (int layer = 0; layer < 2; layer++) {
                        backend.attend(layer, hidden, cache);
                        backend.experts(layer, hidden, backend.route(layer, hidden));
                    }
                    assertNear(
                            text.streams().get(window).toArray(),
                            ((CpuActivations) hidden).values().toArray());
                }
            }
        }
    }

    private static void assertNear(float[] actual, float[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.length; i++) {
            assertThat(actual[i]).isCloseTo(expected[i], within(2e-3f));
        }
    }

    @Test
    void anExpertThatIsPassedMovesTheStreamsAsWhenItWasQuantized() {
        int[] tokens = IntStream.range(0, 90).map(i -> 259 + i * 37 % 1600).toArray();
        try (Checkpoint checkpoint = Checkpoint.open(SampleModels.huggingFace());
                Workers workers = Workers.open(THREADS);
                Arena arena = Arena.ofShared();
                CalibrationText first = open(checkpoint, tokens);
                CalibrationText second = open(checkpoint, tokens)) {
            LayerWeights layer = checkpoint.weights().layers().getFirst();
            CalibratedExperts quantizing = first.enter(layer);
            CalibratedExperts passing = second.enter(layer);
            for (int expert = 0; expert < layer.experts().size(); expert++) {
                passing.pass(
                        expert,
                        quantizing.quantize(
                                expert, "e.", layer.experts().get(expert), Target.of(EXPERTS, arena, workers)));
            }
            assertThat(second.streams().getFirst().toArray())
                    .containsExactly(first.streams().getFirst().toArray());
        }
    }

    private static CalibrationText open(Checkpoint checkpoint, int[] tokens) {
        return CalibrationText.open(checkpoint.config(), checkpoint.weights(), tokens, BOS, THREADS, CpuLevel.best());
    }

    @Test
    void aTextWithoutTokensIsRefused() {
        try (Checkpoint checkpoint = Checkpoint.open(SampleModels.huggingFace())) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> CalibrationText.open(
                            checkpoint.config(), checkpoint.weights(), new int[0], BOS, 1, CpuLevel.best()));
        }
    }
}
