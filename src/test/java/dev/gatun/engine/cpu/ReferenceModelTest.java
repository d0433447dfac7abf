package dev.gatun.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.cpu.CpuLevel;
import dev.gatun.engine.Activations;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.Perplexity;
import dev.gatun.engine.ReferenceFolder;
import dev.gatun.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** The small trained Mixtral, unquantized and quantized, against what the reference libraries compute for it. */
@Execution(ExecutionMode.SAME_THREAD)
class ReferenceModelTest {
    private static final int THREADS = 2;

    enum Which {
        UNQUANTIZED(1e-3, 1e-3),
        // One token's scaled inputs are rounded to 16 bits where there are vectors.
        QUANTIZED(5e-3, 5e-3);

        final double perplexityTolerance;
        final double logitTolerance;

        Which(double perplexityTolerance, double logitTolerance) {
            this.perplexityTolerance = perplexityTolerance;
            this.logitTolerance = logitTolerance;
        }

        ReferenceFolder folder() {
            return this == UNQUANTIZED ? ReferenceFolder.unquantized() : ReferenceFolder.quantized();
        }
    }

    static Stream<Arguments> modelsAndLevels() {
        return Stream.of(Which.values())
                .flatMap(which -> CpuLevel.available().stream().map(level -> Arguments.of(which, level)));
    }

    static Stream<CpuLevel> levels() {
        return CpuLevel.available().stream();
    }

    @ParameterizedTest
    @MethodSource("modelsAndLevels")
    void lastLogitsAreTheReferences(Which which, CpuLevel level) {
        try (CpuModel model = CpuModel.open(which.folder().model(), THREADS, level)) {
            for (ReferenceFolder.Prompt prompt : which.folder().prompts()) {
                try (KvCache cache = model.backend().newKvCache(512, KvPrecision.F32)) {
                    float[] logits = model.feed(prompt.ids(), cache, 1, 512);
                    assertNear(
                            prompt.name(),
                            logits,
                            which.folder().floats("logits-last.safetensors", prompt.name()),
                            which.logitTolerance);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("levels")
    void logitsOfEveryPositionAreTheReferences(CpuLevel level) {
        ReferenceFolder folder = Which.UNQUANTIZED.folder();
        try (CpuModel model = CpuModel.open(folder.model(), THREADS, level)) {
            for (String name : List.of("short", "unicode")) {
                int[] ids = folder.prompt(name).ids();
                try (KvCache cache = model.backend().newKvCache(512, KvPrecision.F32)) {
                    float[] expected = folder.floats("logits-" + name + ".safetensors", "logits");
                    assertNear(name, model.feed(ids, cache, ids.length, 512), expected, 1e-3);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("levels")
    void hiddenStatesAreTheReferences(CpuLevel level) {
        ReferenceFolder folder = Which.UNQUANTIZED.folder();
        int[] ids = folder.prompt("medium").ids();
        try (CpuModel model = CpuModel.open(folder.model(), THREADS, level);
                KvCache cache = model.backend().newKvCache(512, KvPrecision.F32)) {
            Activations hidden = model.backend().embed(ids);
            assertHidden(folder, "embeddings", hidden);
            for (int layer = 0; layer < model.checkpoint().config().layers(); layer++) {
                model.backend().attend(layer, hidden, cache);
                model.backend().experts(layer, hidden, model.backend().route(layer, hidden));
                assertHidden(folder, "layers." + layer, hidden);
            }
        }
    }

    private static void assertHidden(ReferenceFolder folder, String name, Activations hidden) {
        float[] expected = folder.floats("hidden-medium.safetensors", name);
        assertNear(name, ((CpuActivations) hidden).values().toArray(), expected, 1e-3);
    }

    private static void assertNear(String what, float[] actual, float[] expected, double tolerance) {
        assertThat(actual).hasSameSizeAs(expected);
        double largest = 0;
        for (int i = 0; i < actual.length; i++) {
            double difference = Math.abs(actual[i] - expected[i]);
            // Not "greater than": a NaN must count.
            largest = difference <= largest ? largest : difference;
        }
        assertThat(largest).as("largest difference of " + what).isLessThanOrEqualTo(tolerance);
    }

    @ParameterizedTest
    @MethodSource("levels")
    void routersChooseAsTheReference(CpuLevel level) {
        ReferenceFolder folder = Which.UNQUANTIZED.folder();
        try (CpuModel model = CpuModel.open(folder.model(), THREADS, level)) {
            for (String name : List.of("medium", "long")) {
                int[] ids = folder.prompt(name).ids();
                List<Integer> layersHeard = new ArrayList<>();
                model.backend().observe((layer, tokens, chosen, weights) -> {
                    layersHeard.add(layer);
                    assertThat(tokens).isEqualTo(ids.length);
                    assertRouting(folder, "router-" + name + ".safetensors", layer, chosen, weights);
                });
                try (KvCache cache = model.backend().newKvCache(512, KvPrecision.F32)) {
                    model.feed(ids, cache, 1, 512);
                }
                assertThat(layersHeard).containsExactly(0, 1, 2, 3, 4);
            }
        }
    }

    private static void assertRouting(ReferenceFolder folder, String file, int layer, int[] ids, float[] weights) {
        float[] logits = folder.floats(file, "layers." + layer + ".logits");
        int[] expectedIds = folder.ints(file, "layers." + layer + ".indices");
        float[] expectedWeights = folder.floats(file, "layers." + layer + ".weights");
        int compared = 0;
        for (int token = 0; token < ids.length / 2; token++) {
            if (margin(logits, token * 8) > 1e-4) {
                compared++;
                for (int choice = token * 2; choice < token * 2 + 2; choice++) {
                    assertThat(ids[choice])
                            .as("layer %d token %d", layer, token)
                            .isEqualTo(expectedIds[choice]);
                    assertThat(weights[choice]).isCloseTo(expectedWeights[choice], within(1e-3f));
                }
            }
        }
        assertThat(compared).as("tokens with a clear choice").isGreaterThan(ids.length / 2 * 9 / 10);
    }

    /** The smallest gap among the three largest logits: below it, rounding may choose otherwise. */
    private static double margin(float[] logits, int offset) {
        float[] sorted = java.util.Arrays.copyOfRange(logits, offset, offset + 8);
        java.util.Arrays.sort(sorted);
        return Math.min(sorted[7] - sorted[6], sorted[6] - sorted[5]);
    }

    @ParameterizedTest
    @MethodSource("modelsAndLevels")
    void greedyContinuationsAreTheReferencesWhileItsChoiceIsClear(Which which, CpuLevel level) {
        try (CpuModel model = CpuModel.open(which.folder().model(), THREADS, level)) {
            for (ReferenceFolder.Prompt prompt : which.folder().prompts()) {
                int clear = clearSteps(prompt.greedyMargins());
                try (KvCache cache = model.backend().newKvCache(512, KvPrecision.F32)) {
                    float[] logits = model.feed(prompt.ids(), cache, 1, 512);
                    for (int step = 0; step < clear; step++) {
                        int id = argmax(logits);
                        assertThat(id).as("%s, step %d", prompt.name(), step).isEqualTo(prompt.greedyIds()[step]);
                        logits = model.feed(new int[] {id}, cache, 1, 1);
                    }
                }
            }
        }
    }

    private static int clearSteps(double[] margins) {
        for (int step = 0; step < margins.length; step++) {
            if (margins[step] < 1e-3) {
                return step;
            }
        }
        return margins.length;
    }

    private static int argmax(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            best = logits[i] > logits[best] ? i : best;
        }
        return best;
    }

    /** All windows where vectors make it quick; the first ones, compared one by one, on the portable level. */
    @ParameterizedTest
    @MethodSource("modelsAndLevels")
    void perplexityIsTheReferences(Which which, CpuLevel level) throws IOException {
        int[] text = Tokenizer.load(which.folder().model().resolve("tokenizer.json"))
                .encode(Files.readString(Path.of(System.getProperty("gatun.test.data"), "heldout.txt")));
        int most = level == CpuLevel.PORTABLE ? 2 : Integer.MAX_VALUE;
        try (CpuModel model = CpuModel.open(which.folder().model(), THREADS, level)) {
            Perplexity perplexity = new Perplexity(model.backend(), 5, 2048);
            assertPerplexity(which, perplexity, Windows.withBos(text), "bos", most);
            assertPerplexity(which, perplexity, Windows.plain(text), "plain", level == CpuLevel.best() ? most : 1);
        }
    }

    private static void assertPerplexity(
            Which which, Perplexity perplexity, List<int[]> windows, String kind, int most) {
        JsonNode expected = which.folder().json("perplexity.json").path(kind);
        assertThat(windows).hasSize(expected.path("windows").size());
        int count = Math.min(most, windows.size());
        double sum = 0;
        double expectedSum = 0;
        long predicted = 0;
        for (int i = 0; i < count; i++) {
            sum += perplexity.negativeLogLikelihood(windows.get(i));
            expectedSum += expected.path("windows").get(i).get(1).asDouble();
            predicted += windows.get(i).length - 1;
        }
        double measured = Math.exp(sum / predicted);
        double reference = Math.exp(expectedSum / predicted);
        System.out.printf(
                "%s %s perplexity of %d windows: %.4f, reference %.4f%n", which, kind, count, measured, reference);
        assertThat(measured).isCloseTo(reference, within(reference * which.perplexityTolerance));
    }

    @ParameterizedTest
    @EnumSource
    void anyNumberOfThreadsGivesTheSameBits(Which which) {
        int[] ids = which.folder().prompt("unicode").ids();
        float[] expected = null;
        for (int threads : new int[] {1, 2, 5}) {
            try (CpuModel model = CpuModel.open(which.folder().model(), threads, CpuLevel.best());
                    KvCache cache = model.backend().newKvCache(512, KvPrecision.F16)) {
                model.feed(ids, cache, 1, 512);
                float[] logits = model.feed(new int[] {7}, cache, 1, 1);
                expected = expected == null ? logits : expected;
                assertThat(logits).as(threads + " threads").containsExactly(expected);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void chunksOfAnySizeGiveTheSameLogits(Which which) {
        int[] ids = which.folder().prompt("long").ids();
        try (CpuModel model = CpuModel.open(which.folder().model(), THREADS, CpuLevel.best())) {
            float[] whole = null;
            for (int chunk : new int[] {512, 100, 7, 1}) {
                try (KvCache cache = model.backend().newKvCache(512, KvPrecision.F32)) {
                    float[] logits = model.feed(ids, cache, 1, chunk);
                    whole = whole == null ? logits : whole;
                    assertNear("chunks of " + chunk, logits, whole, which.logitTolerance);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aTruncatedCacheGoesOnAsIfNothingHadCome(Which which) {
        int[] ids = which.folder().prompt("medium").ids();
        try (CpuModel model = CpuModel.open(which.folder().model(), THREADS, CpuLevel.best());
                KvCache cache = model.backend().newKvCache(512, KvPrecision.F16)) {
            model.feed(ids, cache, 1, 512);
            float[] straight = model.feed(new int[] {300, 301}, cache, 1, 512);
            cache.truncate(ids.length);
            model.feed(new int[] {9, 8, 7, 6, 5}, cache, 1, 512);
            cache.truncate(ids.length);
            assertThat(model.feed(new int[] {300, 301}, cache, 1, 512)).containsExactly(straight);
        }
    }
}
