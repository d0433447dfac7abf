package dev.gatun.checkpoint;

import static dev.gatun.checkpoint.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.hub.FileSelection;
import dev.gatun.quant.Dequantizer;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.JavaTiler;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.QuantizedMatrix;
import dev.gatun.quant.TiledMatrix;
import dev.gatun.quant.WeightMatrix;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GatunFormatTest {
    private static final MixtralConfig SMALL = TinyCheckpoints.tileableConfig();
    private static final String TRUNK = "model-00001-of-00003.safetensors";
    private static final String LAYER = "model-00002-of-00003.safetensors";
    private static final String TILES = "model.layers.0.block_sparse_moe.experts.0.tiles";

    @TempDir
    Path folder;

    private static ModelWeights narrow(long seed) {
        return TinyCheckpoints.narrow(SMALL, new NarrowScheme(4, 16), new NarrowScheme(2, 16), seed);
    }

    private static ModelWeights wide(long seed) {
        return TinyCheckpoints.quantized(SMALL, new HqqScheme(4, 8, 8), new HqqScheme(2, 16, 8), seed);
    }

    private static void convert(Path source, Path target) {
        convert(source, target, (shards, all) -> {});
    }

    private static void convert(Path source, Path target, GatunConversion.Listener listener) {
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            new GatunConversion(checkpoint, new JavaTiler()).run(target, listener);
        }
    }

    @Test
    void theQuantizedModelConvertedIsTheSameModelInTiles() {
        Path target = folder.resolve("converted");
        convert(SampleModels.offloading(), target);
        try (Checkpoint published = Checkpoint.open(SampleModels.offloading());
                Checkpoint converted = Checkpoint.open(target)) {
            assertThat(converted.config()).isEqualTo(published.config());
            assertThat(converted.generationDefaults()).isEqualTo(published.generationDefaults());
            assertThat(converted.description())
                    .startsWith("Mixtral, Gatun checkpoint, attention 4-bit, experts 2-bit, ");
            for (int layer = 0; layer < published.config().layers(); layer++) {
                LayerWeights before = published.weights().layers().get(layer);
                LayerWeights after = converted.weights().layers().get(layer);
                SameWeights.assertSame(withoutExperts(before), withoutExperts(after), 0);
                for (int expert = 0; expert < before.experts().size(); expert++) {
                    assertTilesOf(before.experts().get(expert), after.experts().get(expert));
                }
            }
        }
        assertThat(target.resolve("tokenizer.json"))
                .hasSameBinaryContentAs(SampleModels.offloading().resolve("tokenizer.json"));
    }

    private static LayerWeights withoutExperts(LayerWeights layer) {
        return new LayerWeights(
                layer.attentionNorm(),
                layer.query(),
                layer.key(),
                layer.value(),
                layer.output(),
                layer.expertNorm(),
                layer.router(),
                List.of());
    }

    private static void assertTilesOf(ExpertWeights written, ExpertWeights read) {
        ExpertBlock block = written.block().orElseThrow();
        MemorySegment tiles = Arena.ofAuto().allocate(block.bytes(), 16);
        block.tile(
                (QuantizedMatrix) written.gate(),
                (QuantizedMatrix) written.up(),
                (QuantizedMatrix) written.down(),
                tiles);
        StoredBlock stored = read.stored().orElseThrow();
        assertThat(stored.offset() % 4096).isZero();
        assertThat(stored.bytes().mismatch(tiles)).isEqualTo(-1);
        MemorySegment copy = Arena.ofAuto().allocate(block.bytes(), 16);
        read.write(block, new JavaTiler(), copy);
        assertThat(copy.mismatch(tiles)).isEqualTo(-1);
    }

    @RepeatedTest(5)
    void weightsInTilesAreThoseThatWereTiled() {
        long seed = Seeds.next();
        ModelWeights weights = narrow(seed);
        GatunFolder.write(folder, SMALL, weights);
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            for (int layer = 0; layer < SMALL.layers(); layer++) {
                for (int expert = 0; expert < SMALL.experts(); expert++) {
                    ExpertWeights written =
                            weights.layers().get(layer).experts().get(expert);
                    ExpertWeights read =
                            checkpoint.weights().layers().get(layer).experts().get(expert);
                    assertSameValues(written.gate(), read.gate(), seed);
                    assertSameValues(written.up(), read.up(), seed);
                    assertSameValues(written.down(), read.down(), seed);
                }
            }
            Inventory inventory = Inventory.of(checkpoint);
            assertThat(inventory.parts())
                    .filteredOn(part -> part.part() == ModelPart.EXPERTS)
                    .singleElement()
                    .satisfies(part -> {
                        assertThat(part.tensors()).isEqualTo(SMALL.layers() * SMALL.experts());
                        assertThat(part.formats()).containsExactly("2-bit tiles, groups of 16, 4-bit scales");
                    });
        }
    }

    private static void assertSameValues(WeightMatrix written, WeightMatrix read, long seed) {
        assertThat(read).as(Seeds.hint(seed)).isInstanceOf(TiledMatrix.class);
        assertThat(Dequantizer.toDoubles(read)).as(Seeds.hint(seed)).containsExactly(Dequantizer.toDoubles(written));
        assertThat(Dequantizer.toFloats(read)).as(Seeds.hint(seed)).containsExactly(Dequantizer.toFloats(written));
    }

    @Test
    void aModelThatHasNoTilesIsConvertedToo() {
        Path target = folder.resolve("converted");
        convert(SampleModels.huggingFace(), target);
        try (Checkpoint original = Checkpoint.open(SampleModels.huggingFace());
                Checkpoint converted = Checkpoint.open(target)) {
            SameWeights.assertSame(original.weights(), converted.weights(), 0);
        }
    }

    @Test
    void anInterruptedConversionGoesOnWhereItWasAndTrustsNothingThatIsNotWhole() throws IOException {
        Path whole = folder.resolve("whole");
        convert(SampleModels.offloading(), whole);
        Path target = folder.resolve("target");
        assertThatThrownBy(() -> convert(SampleModels.offloading(), target, (shards, all) -> {
                    assertThat(all).isEqualTo(6);
                    if (shards == 4) {
                        throw new CancellationException("enough");
                    }
                }))
                .hasMessage("enough");
        assertRefused(target).contains("unfinished");
        Path good = target.resolve("model-00002-of-00006.safetensors");
        Path damaged = target.resolve("model-00003-of-00006.safetensors");
        byte[] bytes = Files.readAllBytes(damaged);
        bytes[bytes.length / 2] ^= 4;
        Files.write(damaged, bytes);
        // One that was renamed, but not recorded; and one that was not finished.
        Files.write(target.resolve("model-00005-of-00006.safetensors"), new byte[100]);
        Files.write(target.resolve("model-00006-of-00006.safetensors.part"), new byte[100]);
        FileTime old = FileTime.fromMillis(1_000_000_000_000L);
        Files.setLastModifiedTime(good, old);
        convert(SampleModels.offloading(), target);
        assertThat(Files.getLastModifiedTime(good)).isEqualTo(old);
        assertThat(contents(target)).isEqualTo(contents(whole));
    }

    /** Checksums by name: equal where all files are. */
    private static Map<String, String> contents(Path folder) throws IOException {
        Map<String, String> contents = new TreeMap<>();
        try (Stream<Path> files = Files.list(folder)) {
            files.forEach(file -> contents.put(file.getFileName().toString(), Checksums.of(file, bytes -> {})));
        }
        return contents;
    }

    @Test
    void shardsOfAnotherMakingAreWrittenAgain() throws IOException {
        ModelWeights weights = narrow(1);
        GatunFolder.write(folder, SMALL, weights);
        Files.delete(folder.resolve(ShardIndex.NAME));
        assertThat(GatunWriter.open(folder, 2, Optional.of(block(weights)), "a test")
                        .hasTrunk())
                .isTrue();
        assertThat(GatunWriter.open(folder, 2, Optional.of(block(weights)), "another test")
                        .hasTrunk())
                .isFalse();
        assertThat(GatunWriter.open(folder, 2, Optional.of(block(wide(1))), "a test")
                        .hasLayer(0))
                .isFalse();
        assertThat(GatunWriter.open(folder, 3, Optional.of(block(weights)), "a test")
                        .hasLayer(0))
                .isFalse();
    }

    /** Reading a shard of gigabytes takes its time. */
    @Test
    void aShardThatIsNotWholeIsReadOnce() throws IOException {
        ModelWeights weights = narrow(1);
        GatunFolder.write(folder, SMALL, weights);
        Files.delete(folder.resolve(ShardIndex.NAME));
        Path trunk = folder.resolve("model-00001-of-00003.safetensors");
        byte[] whole = Files.readAllBytes(trunk);
        Files.write(trunk, Arrays.copyOf(whole, whole.length - 1));
        GatunWriter writer = GatunWriter.open(folder, 2, Optional.of(block(weights)), "a test");
        assertThat(writer.hasTrunk()).isFalse();
        Files.write(trunk, whole);
        assertThat(writer.hasTrunk()).as("what it was when it was read").isFalse();
        assertThat(GatunWriter.open(folder, 2, Optional.of(block(weights)), "a test")
                        .hasTrunk())
                .isTrue();
    }

    private static ExpertBlock block(ModelWeights weights) {
        return weights.layers().getFirst().experts().getFirst().block().orElseThrow();
    }

    @Test
    void aFolderWithAModelIsNotWrittenTo() {
        GatunFolder.write(folder, SMALL, narrow(1));
        assertThatThrownBy(() -> GatunWriter.open(folder, 2, Optional.empty(), ""))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("holds a model already");
    }

    @Test
    void aModelThatLacksAShardIsNotFinished() {
        GatunWriter writer = GatunWriter.open(folder, 2, Optional.empty(), "");
        assertThatThrownBy(() -> writer.finish(SampleModels.offloading())).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void everyFileHasItsChecksum() throws IOException {
        GatunFolder.write(folder, SMALL, wide(2));
        Checksums checksums = Checksums.read(folder).orElseThrow();
        Map<String, String> contents = contents(folder);
        contents.remove(Checksums.NAME);
        assertThat(checksums.sums()).containsExactlyInAnyOrderEntriesOf(contents);
        assertThat(checksums.matches(folder, LAYER, bytes -> {})).isTrue();
        Headers.overwrite(folder.resolve(LAYER), TILES, (short) 77);
        assertThat(checksums.matches(folder, LAYER, bytes -> {})).isFalse();
        Files.delete(folder.resolve(TRUNK));
        assertThat(checksums.matches(folder, TRUNK, bytes -> {})).isFalse();
    }

    /** Else a model that was downloaded would lack what its checksums name. */
    @Test
    void whatLiesBesideTheWeightsIsDownloaded() {
        assertThat(GatunWriter.BESIDE).allMatch(new FileSelection.Needed()::has);
        assertThat(new FileSelection.Needed().has(Checksums.NAME)).isTrue();
    }

    @Test
    void checksumsOfBinaryFilesAreTheSame() throws IOException {
        GatunFolder.write(folder, SMALL, narrow(2));
        Path file = folder.resolve(Checksums.NAME);
        Checksums written = Checksums.read(folder).orElseThrow();
        Files.writeString(file, Files.readString(file).replace("  ", " *"));
        assertThat(Checksums.read(folder)).contains(written);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            00 file                     | not a SHA-256
            SUM  ../file                | not a SHA-256
            SUM  a/b                    | not a SHA-256
            SUM file                    | not a SHA-256
            """)
    void checksumsThatLeadElsewhereAreRefused(String line, String named) throws IOException {
        Files.writeString(folder.resolve(Checksums.NAME), line.replace("SUM", "0".repeat(64)) + "\n");
        assertThatThrownBy(() -> Checksums.read(folder))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(named);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\'', textBlock = """
            "gatun.version":"3"         | "gatun.version":"4"        | in version `4` of Gatun's format
            "gatun.version":"3"         | "gatun.version":"2"        | in version `2` of Gatun's format
            "gatun.version":"3"         | "gatun.version":"1"        | in version `1` of Gatun's format
            "gatun.tiles":"q2n"         | "gatun.tiles":"q3"         | which is none of q2, q2n, q4
            "gatun.tiles":"q2n"         | "gatun.tiles":"q4"         | nothing computes them
            "gatun.pairs":"0,0"         | "gatun.pairs":"0"          | which is not two numbers
            "gatun.pairs":"0,0"         | "gatun.pairs":"0,99999999999" | which is not two numbers
            "gatun.pairs":"0,0"         | "gatun.pairs":"0,-1"       | second-level pairs
            "gatun.pairs":"0,0"         | "gatun.pairs":"0,8"        | 8 second-level pairs in Q2N
            "gatun.tiles":"q2n"         | "gatun.tilez":"q2n"        | does not say of what format
            "gatun.tiles":"q2n"         | "gatun.tiles":"q2"         | second-level pairs in Q2
            "gatun.version":"3",        | ''                         | does not say of what format
            """)
    void metadataThatMakesNoSenseIsRefused(String good, String bad, String named) throws IOException {
        GatunFolder.write(folder, SMALL, narrow(3));
        editAll(good, bad);
        assertRefused(folder).contains(named);
    }

    private void editAll(String good, String bad) throws IOException {
        for (int shard = 1; shard <= 3; shard++) {
            Headers.edit(
                    folder.resolve(CheckpointWriter.shardName(shard, 3)),
                    header -> padded(header, header.replace(good, bad)));
        }
    }

    /** Only narrow tiles lay in another order. */
    @Test
    void versionTwoIsReadWhereItIsTheSame() throws IOException {
        ModelWeights weights = wide(3);
        GatunFolder.write(folder, SMALL, weights);
        editAll("\"gatun.version\":\"3\"", "\"gatun.version\":\"2\"");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertTilesOf(
                    weights.layers().getFirst().experts().getFirst(),
                    checkpoint.weights().layers().getFirst().experts().getFirst());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "2"})
    void otherVersionsAreReadWhereThereAreNoTiles(String version) throws IOException {
        ModelWeights weights = narrow(3);
        GatunFolder.writeMatrices(folder, SMALL, weights);
        editAll("\"gatun.version\":\"3\"", "\"gatun.version\":\"" + version + "\"");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            SameWeights.assertSame(weights, checkpoint.weights(), 0);
        }
    }

    @Test
    void versionOneIsRefusedWhereTilesLayInAnotherOrder() throws IOException {
        GatunFolder.write(folder, SMALL, wide(3));
        editAll("\"gatun.version\":\"3\"", "\"gatun.version\":\"1\"");
        assertRefused(folder).contains("in version `1` of Gatun's format");
    }

    /** Of 96 groups of 48 columns. */
    @Test
    void pairsOfDownThatAreNoMultipleOfItsColumnsAreRefused() throws IOException {
        ModelWeights weights = wide(3);
        GatunFolder.write(folder, SMALL, weights);
        editAll("," + block(weights).down().pairs() + "\"", ",32\"");
        assertRefused(folder).contains("48 columns and 32 second-level pairs");
    }

    /** So that the data stays aligned. */
    private static String padded(String before, String after) {
        String text = after.stripTrailing();
        return text + " ".repeat(before.length() - text.length());
    }

    @Test
    void shardsOfTwoModelsAreRefused() throws IOException {
        GatunFolder.write(folder, SMALL, narrow(3));
        Headers.edit(folder.resolve(LAYER), header -> padded(header, header.replace("\"a test\"", "\"one more\"")));
        assertRefused(folder).contains(LAYER, "says other things than that of `" + TRUNK);
    }

    @Test
    void tilesThatDoNotLieOrFitAsTheyShouldAreRefused() throws IOException {
        GatunFolder.write(folder, SMALL, narrow(3));
        Path shard = folder.resolve(LAYER);
        byte[] good = Files.readAllBytes(shard);
        Headers.edit(shard, header -> header.stripTrailing() + " ");
        assertRefused(folder).contains(TILES, "does not begin at a multiple of 4096");
        Files.write(shard, good);
        Headers.edit(shard, header -> padded(header, header.replaceFirst("\"U8\"", "\"I8\"")));
        assertRefused(folder).contains(TILES, "elements of I8");
        Files.write(shard, good);
        Path config = folder.resolve("config.json");
        Files.writeString(
                config, Files.readString(config).replace("\"intermediate_size\": 48", "\"intermediate_size\": 480"));
        assertRefused(folder).contains("an expert of this model in tiles takes");
        Files.writeString(
                config, Files.readString(config).replace("\"intermediate_size\": 480", "\"intermediate_size\": 50"));
        assertRefused(folder).contains("tiles do not divide");
    }

    @Test
    void aSecondLevelThatIsNotSmallNumbersIsRefused() throws IOException {
        ModelWeights weights = narrow(3);
        GatunFolder.write(folder, SMALL, weights);
        ExpertBlock block = block(weights);
        byte[] good = Files.readAllBytes(folder.resolve(LAYER));
        long blockAt = Files.size(folder.resolve(LAYER)) - SMALL.experts() * block.bytes();
        long second = blockAt + block.downOffset() + block.down().secondOffset();
        for (int half : new int[] {0x7e00, 0x7c00, 0x7bff}) {
            byte[] bad = good.clone();
            bad[Math.toIntExact(second)] = (byte) half;
            bad[Math.toIntExact(second + 1)] = (byte) (half >> 8);
            Files.write(folder.resolve(LAYER), bad);
            assertRefused(folder).contains(TILES, "NaN or too large");
        }
    }

    @Test
    void twoTensorsOfOneNameAreRefused() {
        NamedTensor tensor = new NamedTensor("a", TensorType.U8, List.of(1L), MemorySegment.ofArray(new byte[1]));
        assertThatThrownBy(() -> ShardFile.write(folder.resolve("x"), Map.of(), List.of(tensor, tensor)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void aShardThatCannotBeWrittenLeavesNothing() {
        List<NamedTensor> tensors = IntStream.range(0, 3)
                .mapToObj(i -> new NamedTensor("t" + i, TensorType.U8, List.of(1L), MemorySegment.ofArray(new byte[1])))
                .toList();
        GatunWriter writer = GatunWriter.open(folder.resolve("new"), 1, Optional.empty(), "");
        assertThatThrownBy(() -> {
                    Files.delete(folder.resolve("new"));
                    writer.writeTrunk(tensors);
                })
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("cannot be written");
    }
}
