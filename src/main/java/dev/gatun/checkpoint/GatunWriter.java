package dev.gatun.checkpoint;

import dev.gatun.input.Quoted;
import dev.gatun.quant.ExpertBlock;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import tools.jackson.databind.json.JsonMapper;

/**
 * Writes a model in Gatun's own format: a shard for the trunk, one for the experts of each layer, and what lies beside them.
 *
 * <p>A run that ended early, however it did, is gone on with by opening the folder again: shards that are finished and whole
 * ({@link #hasTrunk}, {@link #hasLayer}) need not be written again. A shard counts as finished once its checksum is on the
 * disk, and as whole if it still has that checksum and was written with the same tiles and origin.
 *
 * <p>One thread writes to a folder, while another may ask what is written. Nothing needs to be closed.
 */
public final class GatunWriter {
    /** What lies beside the weights, as in any Hugging Face folder; config.json is the one that must be there. */
    static final List<String> BESIDE = List.of(
            "config.json",
            "generation_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "tokenizer.model",
            "added_tokens.json",
            "chat_template.jinja",
            "chat_template.json",
            "LICENSE");

    private final Path folder;
    private final int layers;
    private final GatunHeader header;
    private final Checksums before;
    private volatile Checksums sums = Checksums.none();

    /** Shards of the run before that are not gone on with: they need not be read again. */
    private final Set<String> notWhole = ConcurrentHashMap.newKeySet();

    private GatunWriter(Path folder, int layers, GatunHeader header, Checksums before) {
        this.folder = folder;
        this.layers = layers;
        this.header = header;
        this.before = before;
    }

    /**
     * Opens a folder to write to, and makes it if need be.
     *
     * @param layers of the model
     * @param block the block of every expert in tiles; empty if none is
     * @param origin what the model is made of and how, for people and to tell another making apart; may be empty
     * @throws CheckpointException if the folder holds a finished model, or cannot be made
     */
    public static GatunWriter open(Path folder, int layers, Optional<ExpertBlock> block, String origin) {
        requireNoModel(folder);
        try {
            Files.createDirectories(folder);
        } catch (IOException problem) {
            throw unwritable(folder, problem);
        }
        GatunHeader header = new GatunHeader(block.map(TileScheme::of), origin);
        return new GatunWriter(folder, layers, header, Checksums.read(folder).orElseGet(Checksums::none));
    }

    /**
     * Checks that a folder, which need not be there, has no finished model; {@link #open} does so as well.
     *
     * @throws CheckpointException if it has
     */
    public static void requireNoModel(Path folder) {
        if (Stream.of(TensorTable.SINGLE, ShardIndex.NAME).anyMatch(name -> Files.exists(folder.resolve(name)))) {
            throw new CheckpointException(
                    Quoted.of(folder) + ": this folder holds a model already; choose another one to write to");
        }
    }

    /** Whether the trunk is there, from a run before or this one; reads the whole shard when it is asked first. */
    public boolean hasTrunk() {
        return has(trunkFile());
    }

    /** Whether a layer's experts are there, from a run before or this one; reads the whole shard when it is asked first. */
    public boolean hasLayer(int layer) {
        return has(layerFile(layer));
    }

    private boolean has(String name) {
        if (!sums.sums().containsKey(name) && !notWhole.contains(name)) {
            if (isWhole(name)) {
                finished(name, before.sums().get(name));
            } else {
                notWhole.add(name);
            }
        }
        return sums.sums().containsKey(name);
    }

    private synchronized void finished(String name, String sum) {
        sums = sums.with(name, sum);
    }

    private boolean isWhole(String name) {
        if (!before.sums().containsKey(name) || !before.matches(folder, name, bytes -> {})) {
            return false;
        }
        try (Arena arena = Arena.ofConfined()) {
            return SafetensorsFile.map(folder.resolve(name), arena).metadata().equals(header.toMetadata());
        }
    }

    /**
     * Writes everything but the experts.
     *
     * @param tensors by the names of transformers 4.36, in any order; {@link NamedTensor#of} makes those of a matrix
     * @throws CheckpointException if the file cannot be written; nothing of it is left then
     */
    public void writeTrunk(List<NamedTensor> tensors) {
        // Wide elements first, so that all lie aligned, as other writers do it.
        write(
                trunkFile(),
                tensors.stream()
                        .sorted(Comparator.comparingInt(
                                        (NamedTensor tensor) -> -tensor.type().bytes())
                                .thenComparing(NamedTensor::name))
                        .toList());
    }

    /**
     * Writes the experts of a layer.
     *
     * @param tensors in the order in which they are to lie: {@link NamedTensor#tiles} for each expert, or those of its three
     *     matrices
     * @throws CheckpointException if the file cannot be written; nothing of it is left then
     */
    public void writeLayer(int layer, List<NamedTensor> tensors) {
        write(layerFile(layer), tensors);
    }

    /**
     * The experts of a layer that is written.
     *
     * @param config the model's shape
     * @param arena holds the mapped file; shared between threads
     * @throws IllegalStateException if it is not written
     * @throws CheckpointException if the file is not as it was written
     */
    public List<ExpertWeights> experts(MixtralConfig config, int layer, Arena arena) {
        if (!hasLayer(layer)) {
            throw new IllegalStateException(layerFile(layer) + " is not written");
        }
        return WeightReader.experts(config, TensorTable.ofShard(folder.resolve(layerFile(layer)), arena), layer, arena);
    }

    private void write(String name, List<NamedTensor> tensors) {
        Path file = folder.resolve(name);
        try {
            finished(name, ShardFile.write(file, header.toMetadata(), tensors));
            // What the run before finished and this one has not come to yet stays known.
            Checksums known = sums;
            for (Map.Entry<String, String> other : before.sums().entrySet()) {
                known = known.sums().containsKey(other.getKey()) ? known : known.with(other.getKey(), other.getValue());
            }
            known.write(folder);
        } catch (IOException problem) {
            throw unwritable(file, problem);
        }
    }

    /**
     * Ends the model: copies what lies beside the weights, and writes the index and all checksums.
     *
     * @param source the folder with config.json, tokenizer.json and the like
     * @throws IllegalStateException if a shard is missing
     * @throws CheckpointException if a file cannot be read or written
     */
    public void finish(Path source) {
        List<String> shards = Stream.concat(
                        Stream.of(trunkFile()), IntStream.range(0, layers).mapToObj(this::layerFile))
                .toList();
        for (String shard : shards) {
            if (!sums.sums().containsKey(shard)) {
                throw new IllegalStateException(shard + " is not written");
            }
        }
        try {
            for (String name : BESIDE) {
                copy(source.resolve(name), name);
            }
            byte[] index = index(shards);
            // The index last: a folder that has one is finished.
            Checksums all = sums.with(ShardIndex.NAME, Checksums.of(index));
            all.write(folder);
            DurableFile.write(folder.resolve(ShardIndex.NAME), index);
        } catch (IOException problem) {
            throw unwritable(folder, problem);
        }
    }

    private void copy(Path file, String name) throws IOException {
        if (Files.isRegularFile(file)) {
            finished(name, DurableFile.write(folder.resolve(name), Files.readAllBytes(file)));
        } else if (name.equals("config.json")) {
            throw new CheckpointException(Quoted.of(file) + ": no such file; download it again");
        }
    }

    private byte[] index(List<String> shards) {
        Map<String, String> weightMap = new LinkedHashMap<>();
        long bytes = 0;
        try (Arena arena = Arena.ofConfined()) {
            for (String shard : shards) {
                SafetensorsFile file = SafetensorsFile.map(folder.resolve(shard), arena);
                file.tensors().keySet().forEach(tensor -> weightMap.put(tensor, shard));
                bytes += file.bytes() - file.dataOffset();
            }
        }
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("total_size", bytes);
        metadata.putAll(header.toMetadata());
        Map<String, Object> index = new LinkedHashMap<>();
        index.put("metadata", metadata);
        index.put("weight_map", weightMap);
        return JsonMapper.shared()
                .writerWithDefaultPrettyPrinter()
                .writeValueAsString(index)
                .getBytes(StandardCharsets.UTF_8);
    }

    private String trunkFile() {
        return shardFile(1);
    }

    private String layerFile(int layer) {
        return shardFile(layer + 2);
    }

    private String shardFile(int number) {
        return String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", number, layers + 1);
    }

    private static CheckpointException unwritable(Path file, IOException problem) {
        return new CheckpointException(
                Quoted.of(file) + ": cannot be written: " + Quoted.oneLine(problem.toString())
                        + "; check its permissions and the room on the disk",
                problem);
    }
}
