package dev.gatun.checkpoint;

import dev.gatun.input.Quoted;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.TreeSet;

/**
 * Which file holds which tensor: {@code model.safetensors.index.json}, whose names are always the full ones.
 *
 * @param file the index
 * @param files file by full tensor name; each one a file of the folder itself
 */
record ShardIndex(Path file, Map<String, Path> files) {
    static final String NAME = "model.safetensors.index.json";
    private static final int LONGEST = 1 << 27;

    ShardIndex {
        files = Map.copyOf(files);
    }

    /** Reads the index of a folder; empty if it has none. */
    static Optional<ShardIndex> read(Path folder) {
        Path file = folder.resolve(NAME);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        JsonObject json = JsonObject.read(file, LONGEST);
        JsonObject weightMap = json.optionalObject("weight_map")
                .orElseThrow(() -> json.problem("has no `weight_map`; download the file again"));
        Map<String, Path> files = new LinkedHashMap<>();
        weightMap.allStrings().forEach((tensor, name) -> files.put(tensor, shard(json, folder, tensor, name)));
        if (files.isEmpty()) {
            throw json.problem("its `weight_map` is empty; download the file again");
        }
        return Optional.of(new ShardIndex(file, files));
    }

    /** The files, in the order of their names. */
    SequencedSet<Path> shards() {
        return new TreeSet<>(files.values());
    }

    private static Path shard(JsonObject json, Path folder, String tensor, String name) {
        return FolderFile.resolve(folder, name)
                .orElseThrow(() -> json.problem("it looks for tensor " + Quoted.of(tensor) + " in " + Quoted.of(name)
                        + ", which is not the name of a file in this folder; download the index again"));
    }
}
