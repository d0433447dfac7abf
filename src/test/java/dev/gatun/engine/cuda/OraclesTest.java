package dev.gatun.engine.cuda;

import static dev.gatun.cpu.Reference.widen;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.checkpoint.Seeds;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.Dequantizer;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What kernels are compared with agrees with itself, for the shapes that they are compared in; no GPU is needed for that. */
class OraclesTest {
    private static final int CASES = Integer.getInteger("gatun.test.cases", 40);

    private static void forCases(BiConsumer<Oracles, Sample> law) {
        forCases(CASES, law);
    }

    private static void forCases(int cases, BiConsumer<Oracles, Sample> law) {
        try (Oracles oracles = new Oracles()) {
            for (int i = 0; i < cases; i++) {
                long seed = Seeds.next();
                Sample sample = new Sample(new SplittableRandom(seed));
                try {
                    law.accept(oracles, sample);
                } catch (AssertionError | RuntimeException e) {
                    throw new AssertionError(sample + " failed, " + Seeds.hint(seed) + ": " + e.getMessage(), e);
                }
            }
        }
    }

    @Test
    void productsOfTiles() {
        forCases((oracles, sample) -> {
            TileFormat format = sample.oneOf("format", TileFormat.values());
            int rows = format.groupSize() * sample.integer("groups", 1, 1, 12);
            TileShape shape = sample.tileShape(format, rows, sample.integer("columns", 4, 1, 150));
            checkProduct(oracles, sample, KnownMatrix.of(shape, sample.tiles().fill(shape)));
        });
    }

    @Test
    void productsOfDenseMatrices() {
        forCases((oracles, sample) -> {
            FloatType type = sample.oneOf("type", FloatType.values());
            int rows = sample.integer("rows", 1, 1, 300);
            checkProduct(
                    oracles, sample, KnownMatrix.of(sample.dense(type, rows, sample.integer("columns", 1, 1, 700))));
        });
    }

    @Test
    void productsOfAnyFormat() {
        forCases((oracles, sample) -> {
            int format = SampleAny.format(sample);
            int rows = SampleAny.rows(sample, format, 200);
            checkProduct(
                    oracles, sample, new SampleAny(sample, format, rows, sample.integer("columns", 1, 1, 300)).known);
        });
    }

    /** Of one token, of up to eight, of many; of the norm of them; on top of something; times something. */
    private static void checkProduct(Oracles oracles, Sample sample, KnownMatrix matrix) {
        int tokens =
                sample.flag("one") ? 1 : sample.flag("few") ? sample.integer("tokens", 2, 8) : sample.below(70) + 1;
        Expected x = Expected.input(matrix.columns(), sample.rows(tokens, matrix.columns()));
        if (sample.flag("norm")) {
            x = oracles.normed(sample.norm(matrix.columns()), 1e-5f, x);
            x.requireAgreement();
        }
        Expected product = oracles.product(matrix, x);
        product.requireAgreement();
        float[] others = sample.floats(tokens * matrix.rows(), 1);
        product.plus(others).requireAgreement();
        product.times(widen(others)).requireAgreement();
    }

    @Test
    void wholeExpertsOfAnyFormat() {
        forCases((oracles, sample) -> {
            int hidden = sample.integer("hidden", 4, 1, 40);
            int ffn = sample.integer("ffn", 4, 1, 50);
            int format = SampleAny.format(sample);
            KnownMatrix gate = new SampleAny(sample, format, ffn, hidden).known;
            KnownMatrix up = new SampleAny(sample, format, ffn, hidden).known;
            KnownMatrix down = new SampleAny(sample, format, hidden, ffn).known;
            int tokens = sample.flag("one") ? 1 : sample.integer("tokens", 2, 9);
            Expected x = Expected.input(hidden, sample.floats(tokens * hidden, 1));
            oracles.expert(gate, up, down, x).requireAgreement();
        });
    }

    @Test
    void theExpertsOfALayerInBothFormatsAndOnBothWays() {
        forCases((oracles, sample) -> {
            int count = sample.oneOf("experts", 1, 2, 8, 11, 128);
            int hidden = sample.integer("hidden", 16, 1, count > 11 ? 3 : 10);
            int ffn = sample.integer("ffn", 16, 1, count > 11 ? 3 : 18);
            TileFormat format = sample.flag("narrow") ? TileFormat.Q2N : TileFormat.Q2;
            SampleExperts layer = new SampleExperts(sample, format, hidden, ffn, count);
            int topK = sample.integer("top k", 1, Math.min(4, count));
            int tokens = sample.flag("one") ? 1 : sample.integer("tokens", 2, 40);
            int[] ids = sample.choices(tokens, topK, count);
            int absent = sample.flag("absent") ? ids[sample.below(ids.length)] : -1;
            if (sample.flag("unknown")) {
                ids[sample.below(ids.length)] = sample.oneOf("id", -1, count, Integer.MAX_VALUE, Integer.MIN_VALUE);
            }
            Choices choices = new Choices(topK, ids, sample.floats(ids.length, 0.5), absent);
            Expected x = Expected.input(hidden, sample.rows(tokens, hidden, sample.oneOf("largest", 1, 32)));
            oracles.experts(layer, x, choices, sample.floats(tokens * hidden, 1))
                    .requireAgreement();
        });
    }

    @Test
    void attentionOverACache() {
        forCases((oracles, sample) -> {
            int tokens = sample.flag("one") ? 1 : sample.integer("tokens", 1, 60);
            int headSize = sample.integer("head size", 8, 1, 32);
            int group = sample.integer("group", 1, 1, 17);
            int position = sample.integer("position", 1, 0, 700);
            CachedAttention in = new CachedAttention(sample, tokens, headSize, group, position, sample.flag("half"));
            oracles.attention(in).requireAgreement();
        });
    }

    @Test
    void attentionOverALongContext() {
        forCases(
                1,
                (oracles, sample) -> oracles.attention(new CachedAttention(sample, 2, 128, 4, 32766, true))
                        .requireAgreement());
    }

    @Test
    void expertsAreChosenFromTheBestDownAndShareTheWeight() {
        forCases((oracles, sample) -> {
            int experts = sample.integer("experts", 1, 1, 128);
            int topK = sample.integer("top k", 1, Math.min(8, experts));
            int tokens = sample.integer("tokens", 1, 9);
            float[] logits = sample.floats(tokens * experts, 3);
            Choices choices = oracles.route(logits, experts, topK);
            assertThat(choices.tokens()).isEqualTo(tokens);
            for (int t = 0; t < tokens; t++) {
                int first = t * experts;
                int[] best = IntStream.range(0, experts)
                        .boxed()
                        .sorted((a, b) -> Float.compare(logits[first + b], logits[first + a]))
                        .limit(topK)
                        .mapToInt(e -> e)
                        .toArray();
                assertThat(Arrays.copyOfRange(choices.ids(), t * topK, (t + 1) * topK))
                        .containsExactly(best);
                double[] shares = Arrays.stream(best)
                        .mapToDouble(e -> Math.exp(logits[first + e] - logits[first + best[0]]))
                        .toArray();
                double sum = Arrays.stream(shares).sum();
                Arrays.setAll(shares, i -> shares[i] / sum);
                float[] weights = Arrays.copyOfRange(choices.weights(), t * topK, (t + 1) * topK);
                Nearness.require("weights", weights, shares, 1e-6, 0);
            }
        });
    }

    @Test
    void rowsOfATableAreWidened() {
        forCases((oracles, sample) -> {
            DenseMatrix table =
                    sample.dense(sample.oneOf("type", FloatType.values()), 30, sample.integer("columns", 1, 99));
            int[] ids = {sample.below(30), sample.below(30), 29};
            float[] weights = Dequantizer.toFloats(table);
            float[] rows = oracles.embedded(table, ids);
            for (int i = 0; i < rows.length; i++) {
                assertThat(rows[i])
                        .isEqualTo(weights[ids[i / table.columns()] * table.columns() + i % table.columns()]);
            }
        });
    }

    @Test
    void headsAreTurnedAndStored() {
        forCases((oracles, sample) -> {
            int headSize = 2 * sample.integer("half size", 1, 1, 70);
            int heads = sample.integer("heads", 1, 8);
            int tokens = sample.integer("tokens", 1, 20);
            int position = sample.integer("position", 1, 0, 200);
            float[] frequencies = Oracles.frequencies(headSize);
            float[] x = sample.floats(tokens * heads * headSize, 1);
            oracles.turned(x, heads, headSize, position, frequencies).requireAgreement();
            oracles.stored(x, heads, headSize, position, position + tokens, sample.flag("half"))
                    .requireAgreement();
        });
    }

    @Test
    void placesThatTheLibraryLacksAreThoseOfTheDefinition() {
        try (Oracles oracles = new Oracles()) {
            float[] x = {1, 2, 3, 4};
            assertThat(oracles.turned(x, 1, 2, -1, new float[] {0.5f}).library())
                    .isNull();
            for (int position : new int[] {-1, 3}) {
                Expected stored = oracles.stored(x, 1, 2, position, 4, true);
                assertThat(stored.library()).isNull();
                stored.requireNear(x, 1e-6);
            }
        }
    }

    @Test
    void whatIsNearNeitherOracleIsRefused() {
        double[] exact = {3, 4, 0, 0};
        float[] library = {3, 4.01f, 0, 0};
        Expected expected = Expected.of(2, exact, library, 1e-2);
        expected.requireAgreement();
        expected.requireNear(new float[] {3, 4, 0, 0}, 1e-3);
        for (float wrong : new float[] {3.1f, Float.NaN, Float.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> expected.requireNear(new float[] {wrong, 4, 0, 0}, 1e-3))
                    .hasMessageContaining("row 0 against float64");
            assertThatThrownBy(() -> expected.requireNear(new float[] {3, 4, wrong, 0}, 1e-3))
                    .hasMessageContaining("row 1 against float64");
        }
        Expected apart = Expected.of(2, exact, library, 1e-6);
        assertThatThrownBy(() -> apart.requireNear(new float[] {3, 4, 0, 0}, 1e-3))
                .hasMessageContaining("row 0 against the CPU library");
        assertThatThrownBy(apart::requireAgreement).hasMessageContaining("of the CPU library");
        // Within the 2-norm, but one value has all of the error.
        float[] outlier = new float[200];
        outlier[7] = 0.9f;
        assertThatThrownBy(() -> Nearness.require("one", outlier, new double[200], 1e-2, 100))
                .hasMessageContaining("one: value 7");
    }
}
