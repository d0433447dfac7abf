package dev.gatun.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowMatrix;
import dev.gatun.quant.WeightMatrix;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
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

    private void assertReadAs(MixtralConfig config, ModelWeights written, long seed) {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.config()).as(Seeds.hint(seed)).isEqualTo(config);
            assertSame(written, checkpoint.weights(), seed);
        } catch (CheckpointException refused) {
            throw new AssertionError(Seeds.hint(seed), refused);
        }
    }

    private static void assertSame(ModelWeights written, ModelWeights read, long seed) {
        assertSame(written.embeddings(), read.embeddings(), seed);
        assertSame(written.head(), read.head(), seed);
        assertSame(written.finalNorm(), read.finalNorm(), seed);
        assertThat(read.layers()).hasSameSizeAs(written.layers());
        for (int i = 0; i < read.layers().size(); i++) {
            assertSame(written.layers().get(i), read.layers().get(i), seed);
        }
    }

    private static void assertSame(LayerWeights written, LayerWeights read, long seed) {
        assertSame(written.attentionNorm(), read.attentionNorm(), seed);
        assertSame(written.query(), read.query(), seed);
        assertSame(written.key(), read.key(), seed);
        assertSame(written.value(), read.value(), seed);
        assertSame(written.output(), read.output(), seed);
        assertSame(written.expertNorm(), read.expertNorm(), seed);
        assertSame(written.router(), read.router(), seed);
        assertThat(read.experts()).hasSameSizeAs(written.experts());
        for (int i = 0; i < read.experts().size(); i++) {
            assertSame(written.experts().get(i).gate(), read.experts().get(i).gate(), seed);
            assertSame(written.experts().get(i).up(), read.experts().get(i).up(), seed);
            assertSame(written.experts().get(i).down(), read.experts().get(i).down(), seed);
        }
    }

    private static void assertSame(WeightMatrix written, WeightMatrix read, long seed) {
        assertThat(read).as(Seeds.hint(seed)).hasSameClassAs(written);
        assertThat(read.rows()).as(Seeds.hint(seed)).isEqualTo(written.rows());
        assertThat(read.columns()).as(Seeds.hint(seed)).isEqualTo(written.columns());
        switch (written) {
            case DenseMatrix dense -> {
                assertThat(((DenseMatrix) read).type()).isEqualTo(dense.type());
                assertSame(dense.values(), ((DenseMatrix) read).values(), seed);
            }
            case HqqMatrix hqq -> assertSame(hqq, (HqqMatrix) read, seed);
            case NarrowMatrix narrow -> throw new IllegalArgumentException("no offloading checkpoint holds " + narrow);
        }
    }

    private static void assertSame(HqqMatrix written, HqqMatrix read, long seed) {
        assertThat(read.scheme()).as(Seeds.hint(seed)).isEqualTo(written.scheme());
        assertSame(written.codes(), read.codes(), seed);
        assertSame(written.scaleCodes(), read.scaleCodes(), seed);
        assertSame(written.scaleScales(), read.scaleScales(), seed);
        assertSame(written.scaleZeros(), read.scaleZeros(), seed);
        assertSame(written.zeroCodes(), read.zeroCodes(), seed);
        assertThat(read.zeroScale()).isEqualTo(written.zeroScale());
        assertThat(read.zeroZero()).isEqualTo(written.zeroZero());
    }

    private static void assertSame(MemorySegment written, MemorySegment read, long seed) {
        assertThat(read.mismatch(written)).as(Seeds.hint(seed)).isEqualTo(-1);
    }
}
