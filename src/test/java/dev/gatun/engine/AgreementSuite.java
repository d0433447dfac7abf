package dev.gatun.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.GatunFolder;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.checkpoint.Seeds;
import dev.gatun.checkpoint.TinyCheckpoints;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.RandomMatrices;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Two backends compute the same for random models of every format and shape, whatever the chunks. All experts are chosen for
 * every token, so that rounding cannot choose others.
 */
// Tests are patched into the module, which knows nothing of JUnit.
@SuppressWarnings("exports")
public abstract class AgreementSuite {
    private static final int CASES = 6;
    private static final int CAPACITY = 128;
    private static final double OUTLIER = 30;

    /** What the weights are. */
    public enum Kind {
        F32,
        F16,
        BF16,
        /** Each matrix of a scheme of its own. */
        ANY_HQQ,
        /** The published schemes, which have tiles of their own on a GPU. */
        PUBLISHED_HQQ,
        /** Gatun's own scheme in all matrices that are quantized. */
        NARROW,
        /** The same with codes that have no tiles: of 3 bits, and of 8. */
        NARROW_UNTILED,
        /** Codes of 3 bits. */
        THREE_BITS
    }

    /** The backend that is compared with. */
    protected abstract Backend reference(MixtralConfig config, ModelWeights weights);

    /** The backend that is tested. */
    protected abstract Backend tested(MixtralConfig config, ModelWeights weights);

    /**
     * The median difference of a chunk's logits, as a share of their 2-norm; the largest may be {@link #OUTLIER} times that,
     * since some random models magnify what rounding does.
     */
    protected abstract double tolerance();

    @ParameterizedTest
    @EnumSource
    void logitsAgreeWhateverTheModelAndItsChunks(Kind kind) {
        List<Double> differences = new ArrayList<>();
        for (int i = 0; i < CASES; i++) {
            long seed = Seeds.next();
            SplittableRandom random = new SplittableRandom(seed);
            MixtralConfig config = config(random);
            ModelWeights weights = weights(kind, config, random.nextLong());
            try (Backend expected = reference(config, weights);
                    Backend actual = tested(config, weights)) {
                KvPrecision precision = random.nextBoolean() ? KvPrecision.F16 : KvPrecision.F32;
                differences.addAll(compare(
                        config, expected, actual, precision, random, kind + " " + config + "; " + Seeds.hint(seed)));
            }
        }
        assertMedian(differences, "median, " + kind);
    }

    private void assertMedian(List<Double> differences, String what) {
        Collections.sort(differences);
        assertThat(differences.get(differences.size() / 2)).as(what).isLessThanOrEqualTo(tolerance());
    }

    /** Of multiples that the published schemes and all backends take. */
    private static MixtralConfig config(SplittableRandom random) {
        int headSize = 8 << random.nextInt(4);
        int kvHeads = 64 / headSize * random.nextInt(1, 3);
        int heads = kvHeads * random.nextInt(1, 4);
        int experts = random.nextInt(1, 7);
        return new MixtralConfig(
                64 * random.nextInt(1, 5),
                16 * random.nextInt(1, 12),
                random.nextInt(1, 4),
                heads,
                kvHeads,
                headSize,
                experts,
                experts,
                random.nextInt(3, 400),
                CAPACITY,
                random.nextBoolean() ? 1e6 : 1e4,
                1e-5,
                random.nextBoolean() ? OptionalInt.empty() : OptionalInt.of(random.nextInt(1, 60)),
                random.nextBoolean());
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 8})
    void logitsOfHeadsInFewBitsAgree(int bits) {
        List<Double> differences = new ArrayList<>();
        for (int i = 0; i < CASES; i++) {
            long seed = Seeds.next();
            SplittableRandom random = new SplittableRandom(seed);
            MixtralConfig config = untied(config(random), 64 * random.nextInt(1, 6));
            ModelWeights dense = TinyCheckpoints.dense(config, FloatType.F16, random.nextLong());
            HqqMatrix head = new RandomMatrices(seed)
                    .hqq(new HqqScheme(bits, 64, 8), config.vocabularySize(), config.hiddenSize());
            ModelWeights weights = new ModelWeights(dense.embeddings(), dense.layers(), dense.finalNorm(), head);
            try (Backend expected = reference(config, weights);
                    Backend actual = tested(config, weights)) {
                differences.addAll(
                        compare(config, expected, actual, KvPrecision.F32, random, config + "; " + Seeds.hint(seed)));
            }
        }
        assertMedian(differences, "median");
    }

    private static MixtralConfig untied(MixtralConfig config, int vocabulary) {
        return new MixtralConfig(
                config.hiddenSize(),
                config.intermediateSize(),
                config.layers(),
                config.heads(),
                config.kvHeads(),
                config.headSize(),
                config.experts(),
                config.expertsPerToken(),
                vocabulary,
                config.maxPositions(),
                config.ropeTheta(),
                config.normEpsilon(),
                config.slidingWindow(),
                false);
    }

    /** Experts as they lie in Gatun's own format. */
    @ParameterizedTest
    @EnumSource(names = {"PUBLISHED_HQQ", "NARROW"})
    void logitsOfExpertsInTilesAgree(Kind kind, @TempDir Path folder) {
        List<Double> differences = new ArrayList<>();
        for (int i = 0; i < CASES; i++) {
            long seed = Seeds.next();
            SplittableRandom random = new SplittableRandom(seed);
            MixtralConfig config = config(random);
            Path model = folder.resolve(String.valueOf(i));
            GatunFolder.write(model, config, weights(kind, config, random.nextLong()));
            try (Checkpoint checkpoint = Checkpoint.open(model);
                    Backend expected = reference(config, checkpoint.weights());
                    Backend actual = tested(config, checkpoint.weights())) {
                differences.addAll(
                        compare(config, expected, actual, KvPrecision.F32, random, config + "; " + Seeds.hint(seed)));
            }
        }
        assertMedian(differences, "median");
    }

    private static ModelWeights weights(Kind kind, MixtralConfig config, long seed) {
        return switch (kind) {
            case F32 -> TinyCheckpoints.dense(config, FloatType.F32, seed);
            case F16 -> TinyCheckpoints.dense(config, FloatType.F16, seed);
            case BF16 -> TinyCheckpoints.dense(config, FloatType.BF16, seed);
            case ANY_HQQ -> TinyCheckpoints.quantized(config, seed);
            case NARROW -> TinyCheckpoints.narrow(config, new NarrowScheme(4, 8), new NarrowScheme(2, 16), seed);
            case NARROW_UNTILED ->
                TinyCheckpoints.narrow(config, new NarrowScheme(8, 16), new NarrowScheme(3, 16), seed);
            case THREE_BITS ->
                TinyCheckpoints.quantized(config, new HqqScheme(3, 64, 4), new HqqScheme(3, 16, 8), seed);
            case PUBLISHED_HQQ ->
                TinyCheckpoints.quantized(config, new HqqScheme(4, 64, 4), new HqqScheme(2, 16, 8), seed);
        };
    }

    private List<Double> compare(
            MixtralConfig config,
            Backend expected,
            Backend actual,
            KvPrecision precision,
            SplittableRandom random,
            String what) {
        List<Double> differences = new ArrayList<>();
        try (KvCache one = expected.newKvCache(CAPACITY, precision);
                KvCache other = actual.newKvCache(CAPACITY, precision)) {
            for (int chunk : new int[] {random.nextInt(1, 80), random.nextInt(1, 9), 1}) {
                int[] tokens = random.ints(chunk, 0, config.vocabularySize()).toArray();
                int rows = random.nextInt(1, chunk + 1);
                float[] first = logits(expected, one, config, tokens, rows);
                float[] second = logits(actual, other, config, tokens, rows);
                differences.add(distance(first, second));
                assertThat(differences.getLast())
                        .as("%d rows of %d tokens, %s", rows, chunk, what)
                        .isLessThanOrEqualTo(OUTLIER * tolerance());
            }
        }
        return differences;
    }

    private static float[] logits(Backend backend, KvCache cache, MixtralConfig config, int[] tokens, int rows) {
        float[] logits = new float[rows * config.vocabularySize()];
        backend.await(new ForwardPass(backend, config.layers()).run(tokens, cache, rows), logits);
        return logits;
    }

    /** NaN if either has one, which is not less than any tolerance. */
    private static double distance(float[] expected, float[] actual) {
        double difference = 0;
        double size = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += ((double) expected[i] - actual[i]) * ((double) expected[i] - actual[i]);
            size += (double) expected[i] * expected[i];
        }
        return Math.sqrt(difference / size);
    }
}
