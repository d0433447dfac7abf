package dev.gatun.checkpoint;

import dev.gatun.input.Quoted;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * All tensors of a model folder by their full names. It remembers which were taken, because one that nothing takes
 * belongs to a model that computes something else.
 */
final class TensorTable {
    /** The file that is a whole model. */
    static final String SINGLE = "model.safetensors";

    /** An expert's file is found by its first matrix; the names inside it may leave out what comes before {@code w1}. */
    private static final Pattern EXPERT =
            Pattern.compile("(model\\.layers\\.\\d+\\.block_sparse_moe\\.experts\\.\\d+\\.)w1\\.W_q");

    private final Path folder;
    private final Optional<ShardIndex> index;
    private final Map<String, StoredTensor> tensors = new HashMap<>();
    private final Set<String> untaken = new HashSet<>();
    private Optional<GatunHeader> gatun = Optional.empty();
    private Optional<Path> first = Optional.empty();
    private long bytes;

    private TensorTable(Path folder, Optional<ShardIndex> index) {
        this.folder = folder;
        this.index = index;
    }

    /**
     * Maps every safetensors file of a model into the arena: the one that is the whole model, or those of the index.
     *
     * @throws CheckpointException if a file is missing or broken, or holds other tensors than the index says
     */
    static TensorTable map(Path folder, Arena arena) {
        Path single = folder.resolve(SINGLE);
        if (Files.exists(single)) {
            TensorTable table = new TensorTable(folder, Optional.empty());
            table.add(SafetensorsFile.map(single, arena), List.of());
            return table;
        }
        ShardIndex index = ShardIndex.read(folder)
                .orElseThrow(() -> new CheckpointException(Quoted.of(folder)
                        + ": has neither model.safetensors nor model.safetensors.index.json; download the index"));
        TensorTable table = new TensorTable(folder, Optional.of(index));
        Map<Path, List<String>> prefixes = expertPrefixes(index);
        for (Path shard : index.shards()) {
            table.add(SafetensorsFile.map(shard, arena), prefixes.getOrDefault(shard, List.of()));
        }
        table.requireAllOf(index);
        return table;
    }

    /**
     * Maps one file of a model that is not whole yet.
     *
     * @throws CheckpointException if it is missing or broken
     */
    static TensorTable ofShard(Path file, Arena arena) {
        TensorTable table = new TensorTable(file, Optional.empty());
        table.add(SafetensorsFile.map(file, arena), List.of());
        return table;
    }

    /** Bytes of all files. */
    long bytes() {
        return bytes;
    }

    /** All tensors by their full names, in the order of these. */
    SequencedMap<String, Tensor> tensors() {
        SequencedMap<String, Tensor> sorted = new TreeMap<>();
        tensors.forEach((name, stored) -> sorted.put(name, stored.tensor()));
        return Collections.unmodifiableSequencedMap(sorted);
    }

    /** What the files say of Gatun's format; empty if they are not in it. */
    Optional<GatunHeader> gatun() {
        return gatun;
    }

    boolean has(String name) {
        return tensors.containsKey(name);
    }

    Optional<String> find(Predicate<String> name) {
        return tensors.keySet().stream().filter(name).sorted().findFirst();
    }

    /** The tensor of this name, which the model cannot do without. */
    StoredTensor take(String name) {
        StoredTensor found = tensors.get(name);
        if (found == null) {
            throw new CheckpointException(Quoted.of(index.map(ShardIndex::file).orElse(folder)) + ": tensor "
                    + Quoted.of(name) + " is missing; download the folder again");
        }
        untaken.remove(name);
        return found;
    }

    /** Passes over tensors that may be there and that nothing needs. */
    void ignore(Predicate<String> names) {
        untaken.removeIf(names);
    }

    /** Refuses tensors that nothing has taken. */
    void requireAllTaken() {
        Stream<String> surplus = untaken.stream().sorted();
        surplus.findFirst().ifPresent(first -> {
            String more = untaken.size() == 1 ? "" : " (and " + (untaken.size() - 1) + " more)";
            throw new CheckpointException(
                    tensors.get(first).where() + more
                            + " is not part of a Mixtral as config.json describes it; get config.json and weights of one model");
        });
    }

    private void add(SafetensorsFile file, List<String> prefixes) {
        takeHeader(file);
        bytes += file.bytes();
        long offset = file.dataOffset();
        for (Tensor tensor : file.tensors().values()) {
            StoredTensor stored = new StoredTensor(file.path(), offset, tensor);
            offset += tensor.data().byteSize();
            String name = fullName(stored, prefixes);
            requireInItsFile(name, stored);
            StoredTensor other = tensors.putIfAbsent(name, stored);
            if (other != null) {
                throw new CheckpointException(
                        stored.where() + " is in " + Quoted.of(other.file()) + " as well; download the folder again");
            }
            untaken.add(name);
        }
    }

    /** All files of a model are of one making. */
    private void takeHeader(SafetensorsFile file) {
        Optional<GatunHeader> header = GatunHeader.read(file);
        if (first.isPresent() && !header.equals(gatun)) {
            throw new CheckpointException(Quoted.of(file.path()) + ": its metadata says other things than that of "
                    + Quoted.of(first.get().getFileName()) + "; get all files of one model");
        }
        gatun = header;
        first = Optional.of(first.orElse(file.path()));
    }

    private String fullName(StoredTensor stored, List<String> prefixes) {
        String name = stored.tensor().name();
        if (prefixes.isEmpty() || !name.matches("w[123]\\..*")) {
            return name;
        }
        if (prefixes.size() > 1) {
            throw new CheckpointException(stored.where() + " could be of " + prefixes.size()
                    + " experts, which the index finds in this one file; download the index again");
        }
        return prefixes.getFirst() + name;
    }

    private void requireInItsFile(String name, StoredTensor stored) {
        Optional<Path> expected = index.map(shards -> shards.files().get(name));
        if (expected.isPresent() && !expected.get().equals(stored.file())) {
            throw new CheckpointException(stored.where() + " should be in "
                    + Quoted.of(expected.get().getFileName()) + " by the index; download the folder again");
        }
    }

    private void requireAllOf(ShardIndex shards) {
        shards.files().keySet().stream()
                .filter(name -> !has(name))
                .min(String::compareTo)
                .ifPresent(name -> {
                    throw new CheckpointException(Quoted.of(shards.files().get(name)) + ": tensor " + Quoted.of(name)
                            + " is missing, though the index finds it there; download the file again");
                });
    }

    private static Map<Path, List<String>> expertPrefixes(ShardIndex index) {
        Map<Path, List<String>> prefixes = new HashMap<>();
        index.files().forEach((name, file) -> {
            Matcher expert = EXPERT.matcher(name);
            if (expert.matches()) {
                prefixes.merge(
                        file,
                        List.of(expert.group(1)),
                        (a, b) -> Stream.concat(a.stream(), b.stream()).toList());
            }
        });
        return prefixes;
    }
}
