package dev.gatun.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.quant.Dequantizer;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever happens to the files of a good model, it either opens, and then every weight can be read, or is refused with
 * one {@link CheckpointException}, and then nothing stays mapped.
 */
@Timeout(300) // against a hang; a run takes seconds
class MutationTest {
    private static final int ROUNDS = 1000;
    private static final Path MAPPINGS = Path.of("/proc/self/maps");

    @TempDir
    Path folder;

    @Test
    void aDamagedOffloadingModelOpensOrIsRefusedWhole() throws IOException {
        long seed = Seeds.next();
        MixtralConfig config = TinyCheckpoints.smallConfig();
        CheckpointWriter.writeOffloading(folder, config, TinyCheckpoints.quantized(config, seed));
        damage(seed);
    }

    @Test
    void aDamagedModelOfThreeBitsWithASideFileOpensOrIsRefusedWhole() throws IOException {
        long seed = Seeds.next();
        MixtralConfig config = TinyCheckpoints.tileableConfig();
        ModelWeights weights =
                TinyCheckpoints.quantized(config, new HqqScheme(4, 16, 8), new HqqScheme(3, 8, 16), seed);
        CheckpointWriter.writeOffloading(folder, config, weights);
        Files.writeString(folder.resolve(QuantizationFile.NAME), """
                {"attention": {"weight_quant_params": {"nbits": 4, "group_size": 16}, "scale_quant_params": {"group_size": 8}},
                "experts": {"weight_quant_params": {"nbits": 3, "group_size": 8}, "scale_quant_params": {"group_size": 16}},
                "row_order": "native"}
                """);
        damage(seed);
    }

    @Test
    void aDamagedHuggingFaceModelOpensOrIsRefusedWhole() throws IOException {
        long seed = Seeds.next();
        MixtralConfig config = TinyCheckpoints.smallConfig();
        CheckpointWriter.writeHuggingFace(folder, config, TinyCheckpoints.dense(config, FloatType.BF16, seed), 2);
        damage(seed);
    }

    @Test
    void aDamagedGatunModelOpensOrIsRefusedWhole() throws IOException {
        long seed = Seeds.next();
        MixtralConfig config = TinyCheckpoints.tileableConfig();
        NarrowScheme attention = new NarrowScheme(4, 8);
        GatunFolder.write(folder, config, TinyCheckpoints.narrow(config, attention, new NarrowScheme(2, 16), seed));
        damage(seed);
    }

    @Test
    void aDamagedGatunModelWithWideTilesOpensOrIsRefusedWhole() throws IOException {
        long seed = Seeds.next();
        MixtralConfig config = TinyCheckpoints.tileableConfig();
        HqqScheme attention = new HqqScheme(4, 8, 8);
        GatunFolder.write(folder, config, TinyCheckpoints.quantized(config, attention, new HqqScheme(2, 16, 8), seed));
        damage(seed);
    }

    private void damage(long seed) throws IOException {
        Files.writeString(folder.resolve("generation_config.json"), "{\"temperature\": 0.7, \"eos_token_id\": [2, 3]}");
        Map<Path, byte[]> good = contents();
        SplittableRandom random = new SplittableRandom(seed);
        int opened = 0;
        for (int round = 0; round < ROUNDS; round++) {
            Map<Path, byte[]> changed = change(good, random);
            String hint = "round " + round + ", " + changed.keySet() + ", " + Seeds.hint(seed);
            write(changed);
            opened += opens(hint) ? 1 : 0;
            for (Path file : changed.keySet()) {
                Files.write(file, good.get(file));
            }
        }
        assertThat(opens(Seeds.hint(seed))).as("the undamaged model opens").isTrue();
        assertThat(opened).as("of %d, %s", ROUNDS, Seeds.hint(seed)).isBetween(1, ROUNDS - 1);
    }

    /** New contents for one to three files; no bytes at all where a file is to be deleted. */
    private static Map<Path, byte[]> change(Map<Path, byte[]> good, SplittableRandom random) {
        List<Path> files = new ArrayList<>(good.keySet());
        Map<Path, byte[]> changed = new HashMap<>();
        Mutations mutations = new Mutations(random);
        for (int count = random.nextInt(1, 4); count > 0; count--) {
            Path file = files.get(random.nextInt(files.size()));
            byte[] bytes = changed.getOrDefault(file, good.get(file));
            switch (random.nextInt(30)) {
                case 0 -> changed.put(file, new byte[0]);
                case 1 -> {
                    Path other = files.get(random.nextInt(files.size()));
                    changed.put(file, good.get(other));
                    changed.put(other, good.get(file));
                }
                default ->
                    changed.put(file, mutations.mutate(bytes, file.toString().endsWith(".safetensors")));
            }
        }
        return changed;
    }

    private static void write(Map<Path, byte[]> changed) throws IOException {
        for (Map.Entry<Path, byte[]> file : changed.entrySet()) {
            if (file.getValue().length == 0) {
                Files.delete(file.getKey());
            } else {
                Files.write(file.getKey(), file.getValue());
            }
        }
    }

    private boolean opens(String hint) throws IOException {
        boolean open = false;
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            open = true;
            assertThat(mappings()).as("mapped files, " + hint).isNotEmpty();
            readEverything(checkpoint.weights());
            assertThat(checkpoint.description()).as(hint).doesNotContain("\n");
        } catch (CheckpointException refused) {
            assertThat(open).as(hint).isFalse();
            assertThat(refused.getMessage())
                    .as(hint)
                    .contains(folder.toString())
                    .doesNotContain("\n", "\r");
        } catch (RuntimeException | StackOverflowError | OutOfMemoryError other) {
            throw new AssertionError(hint, other);
        }
        assertThat(mappings()).as("mapped files left, " + hint).isEmpty();
        return open;
    }

    private static void readEverything(ModelWeights weights) {
        Stream.of(weights.embeddings(), weights.finalNorm(), weights.head()).forEach(Dequantizer::toFloats);
        for (LayerWeights layer : weights.layers()) {
            Stream.of(layer.query(), layer.key(), layer.value(), layer.output(), layer.router())
                    .forEach(Dequantizer::toFloats);
            Stream.of(layer.attentionNorm(), layer.expertNorm()).forEach(Dequantizer::toFloats);
            layer.experts().stream()
                    .flatMap(expert -> Stream.of(expert.gate(), expert.up(), expert.down()))
                    .forEach(Dequantizer::toFloats);
        }
    }

    private List<String> mappings() throws IOException {
        try (Stream<String> lines = Files.lines(MAPPINGS)) {
            return lines.filter(line -> line.contains(folder.getFileName().toString()))
                    .toList();
        }
    }

    private Map<Path, byte[]> contents() throws IOException {
        Map<Path, byte[]> contents = new TreeMap<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                contents.put(file, Files.readAllBytes(file));
            }
        }
        return contents;
    }
}
