package dev.gatun.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/**
 * What every backend must do: the small trained Mixtral, unquantized and quantized, against what the reference libraries
 * compute for it.
 */
// Tests are patched into the module, which knows nothing of JUnit.
@SuppressWarnings("exports")
@Execution(ExecutionMode.SAME_THREAD)
public abstract class ReferenceSuite {
    private static final int BOS = 1;
    private static final int WINDOW = 1024;

    /** The model in its two forms. */
    public enum Which {
        UNQUANTIZED,
        QUANTIZED;

        public ReferenceFolder folder() {
            return this == UNQUANTIZED ? ReferenceFolder.unquantized() : ReferenceFolder.quantized();
        }
    }

    /** The model on the backend. */
    protected abstract OpenModel open(Which which);

    /** The largest difference of a logit. */
    protected abstract double logitTolerance(Which which);

    /** The largest relative difference of the perplexity. */
    protected abstract double perplexityTolerance(Which which);

    /** A greedy choice is clear if the best logit leads by this much. */
    protected abstract double clearMargin();

    /** A router's choice is clear if its logits are this far apart. */
    protected abstract double clearRouterMargin();

    /** The largest difference of an expert's weight. */
    protected abstract double routerTolerance();

    /** Windows of the text to evaluate at most. */
    protected abstract int windows();

    /** Where keys and values are stored for comparisons. */
    protected KvPrecision precision() {
        return KvPrecision.F32;
    }

    @ParameterizedTest
    @EnumSource
    void lastLogitsAreTheReferences(Which which) {
        try (OpenModel model = open(which)) {
            for (ReferenceFolder.Prompt prompt : which.folder().prompts()) {
                try (KvCache cache = model.backend().newKvCache(512, precision())) {
                    float[] logits = model.feed(prompt.ids(), cache, 1, 512);
                    assertNear(
                            prompt.name(),
                            logits,
                            which.folder().floats("logits-last.safetensors", prompt.name()),
                            logitTolerance(which));
                }
            }
        }
    }

    @Test
    void logitsOfEveryPositionAreTheReferences() {
        ReferenceFolder folder = Which.UNQUANTIZED.folder();
        try (OpenModel model = open(Which.UNQUANTIZED)) {
            for (String name : List.of("short", "unicode")) {
                int[] ids = folder.prompt(name).ids();
                try (KvCache cache = model.backend().newKvCache(512, precision())) {
                    float[] expected = folder.floats("logits-" + name + ".safetensors", "logits");
                    assertNear(
                            name, model.feed(ids, cache, ids.length, 512), expected, logitTolerance(Which.UNQUANTIZED));
                }
            }
        }
    }

    /** Fails unless no two values differ by more than {@code tolerance}. */
    protected static void assertNear(String what, float[] actual, float[] expected, double tolerance) {
        assertThat(actual).hasSameSizeAs(expected);
        double largest = 0;
        for (int i = 0; i < actual.length; i++) {
            double difference = Math.abs(actual[i] - expected[i]);
            // Not "greater than": a NaN must count.
            largest = difference <= largest ? largest : difference;
        }
        assertThat(largest).as("largest difference of " + what).isLessThanOrEqualTo(tolerance);
    }

    @Test
    void routersChooseAsTheReference() {
        ReferenceFolder folder = Which.UNQUANTIZED.folder();
        try (OpenModel model = open(Which.UNQUANTIZED)) {
            for (String name : List.of("medium", "long")) {
                int[] ids = folder.prompt(name).ids();
                RoutingComparison comparison =
                        new RoutingComparison(folder, name, ids.length, clearRouterMargin(), routerTolerance());
                model.backend().observe(comparison);
                try (KvCache cache = model.backend().newKvCache(512, precision())) {
                    model.feed(ids, cache, 1, 512);
                }
                comparison.assertComplete(model.checkpoint().config().layers());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void greedyContinuationsAreTheReferencesWhileItsChoiceIsClear(Which which) {
        try (OpenModel model = open(which)) {
            for (ReferenceFolder.Prompt prompt : which.folder().prompts()) {
                int clear = clearSteps(prompt.greedyMargins());
                try (KvCache cache = model.backend().newKvCache(512, precision())) {
                    float[] logits = model.feed(prompt.ids(), cache, 1, 512);
                    for (int step = 0; step < clear; step++) {
                        int id = OpenModel.likeliest(logits);
                        assertThat(id).as("%s, step %d", prompt.name(), step).isEqualTo(prompt.greedyIds()[step]);
                        logits = model.feed(new int[] {id}, cache, 1, 1);
                    }
                }
            }
        }
    }

    private int clearSteps(double[] margins) {
        for (int step = 0; step < margins.length; step++) {
            if (margins[step] < clearMargin()) {
                return step;
            }
        }
        return margins.length;
    }

    @ParameterizedTest
    @EnumSource
    void perplexityIsTheReferences(Which which) throws IOException {
        int[] text = which.folder().heldOut();
        int[] begun = IntStream.concat(IntStream.of(BOS), IntStream.of(text)).toArray();
        try (OpenModel model = open(which)) {
            assertPerplexity(which, model, TextWindow.of(text, OptionalInt.of(BOS), WINDOW, WINDOW - 1), "bos");
            assertPerplexity(which, model, TextWindow.of(begun, OptionalInt.empty(), WINDOW, WINDOW), "plain");
        }
    }

    private void assertPerplexity(Which which, OpenModel model, List<TextWindow> windows, String kind) {
        JsonNode expected = which.folder().json("perplexity.json").path(kind);
        assertThat(windows).hasSize(expected.path("windows").size());
        int count = Math.min(windows(), windows.size());
        double sum = 0;
        double expectedSum = 0;
        long predicted = 0;
        for (int i = 0; i < count; i++) {
            sum += negativeLogLikelihood(model, windows.get(i));
            expectedSum += expected.path("windows").get(i).get(1).asDouble();
            predicted += windows.get(i).scored();
        }
        double measured = Math.exp(sum / predicted);
        double reference = Math.exp(expectedSum / predicted);
        System.out.printf(
                "%s %s perplexity of %d windows: %.4f, reference %.4f%n", which, kind, count, measured, reference);
        assertThat(measured).isCloseTo(reference, within(reference * perplexityTolerance(which)));
    }

    private double negativeLogLikelihood(OpenModel model, TextWindow window) {
        try (KvCache cache = model.backend().newKvCache(WINDOW, precision())) {
            WindowScorer.Pass pass = (chunk, rows) -> model.feed(chunk, cache, rows, chunk.length);
            int vocabulary = model.checkpoint().config().vocabularySize();
            return DoubleStream.of(new WindowScorer(pass, vocabulary).score(window))
                    .sum();
        }
    }

    @ParameterizedTest
    @EnumSource
    void chunksOfAnySizeGiveTheSameLogits(Which which) {
        int[] ids = which.folder().prompt("long").ids();
        try (OpenModel model = open(which)) {
            float[] whole = null;
            for (int chunk : new int[] {512, 100, 7, 1}) {
                try (KvCache cache = model.backend().newKvCache(512, precision())) {
                    float[] logits = model.feed(ids, cache, 1, chunk);
                    whole = whole == null ? logits : whole;
                    assertNear("chunks of " + chunk, logits, whole, logitTolerance(which));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aTruncatedCacheGoesOnAsIfNothingHadCome(Which which) {
        int[] ids = which.folder().prompt("medium").ids();
        try (OpenModel model = open(which);
                KvCache cache = model.backend().newKvCache(512, KvPrecision.F16)) {
            model.feed(ids, cache, 1, 512);
            float[] straight = model.feed(new int[] {300, 301}, cache, 1, 512);
            cache.truncate(ids.length);
            model.feed(new int[] {9, 8, 7, 6, 5}, cache, 1, 512);
            cache.truncate(ids.length);
            assertThat(model.feed(new int[] {300, 301}, cache, 1, 512)).containsExactly(straight);
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyRunGivesTheSameBits(Which which) {
        int[] ids = which.folder().prompt("long").ids();
        float[] first = run(which, ids);
        assertThat(run(which, ids)).containsExactly(first);
    }

    private float[] run(Which which, int[] ids) {
        try (OpenModel model = open(which);
                KvCache cache = model.backend().newKvCache(512, KvPrecision.F16)) {
            model.feed(ids, cache, 1, 512);
            model.feed(new int[] {4, 5, 6}, cache, 1, 512);
            return model.feed(new int[] {7}, cache, 1, 1);
        }
    }
}
