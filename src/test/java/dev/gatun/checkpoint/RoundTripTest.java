package dev.gatun.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.RandomMatrices;
import dev.gatun.quant.WeightMatrix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.io.TempDir;

/** What was written is what is read, for any shape. */
class RoundTripTest {
    @TempDir
    Path folder;

    @RepeatedTest(20)
    void anyHuggingFaceModelIsReadAsItWasWritten() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        MixtralConfig config = TinyCheckpoints.randomConfig(random.nextLong());
        FloatType type = List.of(FloatType.F32, FloatType.F16, FloatType.BF16).get(random.nextInt(3));
        ModelWeights weights = TinyCheckpoints.dense(config, type, random.nextLong());
        CheckpointWriter.writeHuggingFace(folder, config, weights, random.nextInt(1, 4));
        assertReadAs(config, weights, seed);
    }

    @RepeatedTest(20)
    void anyOffloadingModelIsReadAsItWasWritten() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        MixtralConfig config = TinyCheckpoints.randomConfig(random.nextLong());
        ModelWeights weights = TinyCheckpoints.quantized(config, random.nextLong());
        CheckpointWriter.writeOffloading(folder, config, weights);
        assertReadAs(config, weights, seed);
    }

    @RepeatedTest(5)
    void codesOfEveryWidthAreReadAsTheyWereWritten() {
        long seed = Seeds.next();
        MixtralConfig config = TinyCheckpoints.smallConfig();
        for (int bits : new int[] {2, 4, 8}) {
            ModelWeights weights =
                    TinyCheckpoints.quantized(config, new HqqScheme(bits, 16, 4), new HqqScheme(bits, 8, 2), seed);
            CheckpointWriter.writeOffloading(folder, config, weights);
            assertReadAs(config, weights, seed);
        }
    }

    @RepeatedTest(3)
    void quantizedTensorsMayLieInOneFileByTheirFullNames() {
        long seed = Seeds.next();
        MixtralConfig config = TinyCheckpoints.smallConfig();
        ModelWeights weights = TinyCheckpoints.quantized(config, seed);
        CheckpointWriter.writeHuggingFace(folder, config, weights, 1);
        assertReadAs(config, weights, seed);
    }

    @RepeatedTest(3)
    void aTiedHeadThatIsStoredAllTheSameMayOnlyRepeatTheEmbeddings() throws IOException {
        MixtralConfig untied = TinyCheckpoints.smallConfig();
        ModelWeights weights = TinyCheckpoints.dense(untied, FloatType.BF16, Seeds.next());
        // A head that is equal, but not the same object, so that the writer writes it.
        DenseMatrix head = new DenseMatrix(
                FloatType.BF16, 40, 16, weights.embeddings().values().asSlice(0));
        ModelWeights repeated = new ModelWeights(weights.embeddings(), weights.layers(), weights.finalNorm(), head);
        CheckpointWriter.writeHuggingFace(folder, untied, repeated, 1);
        Path config = folder.resolve("config.json");
        Files.writeString(
                config,
                Files.readString(config).replace("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true"));
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.weights().head())
                    .isSameAs(checkpoint.weights().embeddings());
        }
    }

    @RepeatedTest(5)
    void matricesOfGatunsOwnSchemeAreReadAsTheyWereWritten() {
        long seed = Seeds.next();
        MixtralConfig config = TinyCheckpoints.smallConfig();
        int round = 0;
        for (int bits : new int[] {2, 4, 8}) {
            ModelWeights weights =
                    TinyCheckpoints.narrow(config, new NarrowScheme(8, 16), new NarrowScheme(bits, 8), seed);
            folder = folder.resolve("bits" + round++);
            GatunFolder.write(folder, config, weights);
            assertReadAs(config, weights, seed);
        }
    }

    @RepeatedTest(5)
    void anyModelIsReadAsItWasWrittenInGatunsFormat() {
        long seed = Seeds.next();
        MixtralConfig config = TinyCheckpoints.randomConfig(seed);
        ModelWeights weights = TinyCheckpoints.quantized(config, seed);
        GatunFolder.writeMatrices(folder, config, weights);
        assertReadAs(config, weights, seed);
    }

    @RepeatedTest(3)
    void aHeadInFewBitsIsReadAsItWasWritten() {
        long seed = Seeds.next();
        RandomMatrices random = new RandomMatrices(seed);
        MixtralConfig config = TinyCheckpoints.smallConfig();
        ModelWeights dense = TinyCheckpoints.dense(config, FloatType.BF16, seed);
        WeightMatrix hqq = random.hqq(new HqqScheme(4, 8, 4), config.vocabularySize(), config.hiddenSize());
        WeightMatrix narrow = random.narrow(new NarrowScheme(8, 20), config.vocabularySize(), config.hiddenSize());
        for (WeightMatrix head : List.of(hqq, narrow)) {
            folder = folder.resolve("head");
            ModelWeights weights = new ModelWeights(dense.embeddings(), dense.layers(), dense.finalNorm(), head);
            GatunFolder.write(folder, config, weights);
            assertReadAs(config, weights, seed);
        }
    }

    private void assertReadAs(MixtralConfig config, ModelWeights written, long seed) {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.config()).as(Seeds.hint(seed)).isEqualTo(config);
            SameWeights.assertSame(written, checkpoint.weights(), seed);
        } catch (CheckpointException refused) {
            throw new AssertionError(Seeds.hint(seed), refused);
        }
    }
}
