package dev.gatun.checkpoint;

import dev.gatun.checkpoint.NamedWeights.Value;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Writes model folders for tests in both layouts, without a tokenizer. */
public final class CheckpointWriter {
    private CheckpointWriter() {}

    /** Writes Hugging Face's layout: one {@code model.safetensors}, or several shards and an index. */
    public static void writeHuggingFace(Path folder, MixtralConfig config, ModelWeights weights, int shards) {
        writeConfig(folder, config);
        SequencedMap<String, Value> tensors = NamedWeights.trunk(weights, config.tiedEmbeddings());
        forEachExpert(weights, (prefix, expert) -> expert.forEach((name, value) -> tensors.put(prefix + name, value)));
        if (shards == 1) {
            write(folder.resolve("model.safetensors"), tensors);
            return;
        }
        List<String> names = new ArrayList<>(tensors.keySet());
        Map<String, String> index = new TreeMap<>();
        for (int shard = 0; shard < shards; shard++) {
            SequencedMap<String, Value> part = new LinkedHashMap<>();
            for (int i = shard; i < names.size(); i += shards) {
                part.put(names.get(i), tensors.get(names.get(i)));
            }
            writeShard(folder, shardName(shard + 1, shards), part, "", index);
        }
        writeIndex(folder, index);
    }

    /** Writes the offloading layout: a file per expert whose names begin at {@code w1}, and one for the rest. */
    public static void writeOffloading(Path folder, MixtralConfig config, ModelWeights weights) {
        writeConfig(folder, config);
        int files = config.layers() * config.experts() + 1;
        Map<String, String> index = new TreeMap<>();
        List<String> names = new ArrayList<>();
        forEachExpert(weights, (prefix, expert) -> {
            names.add(shardName(names.size() + 1, files));
            writeShard(folder, names.getLast(), expert, prefix, index);
        });
        writeShard(folder, shardName(files, files), NamedWeights.trunk(weights, config.tiedEmbeddings()), "", index);
        writeIndex(folder, index);
    }

    /** The name of a shard, counted from 1. */
    public static String shardName(int shard, int shards) {
        return "model-%05d-of-%05d.safetensors".formatted(shard, shards);
    }

    private interface ExpertVisitor {
        void visit(String prefix, SequencedMap<String, Value> tensors);
    }

    private static void forEachExpert(ModelWeights weights, ExpertVisitor visitor) {
        for (int layer = 0; layer < weights.layers().size(); layer++) {
            List<ExpertWeights> experts = weights.layers().get(layer).experts();
            for (int expert = 0; expert < experts.size(); expert++) {
                visitor.visit(NamedWeights.expertPrefix(layer, expert), NamedWeights.expert(experts.get(expert)));
            }
        }
    }

    private static void writeShard(
            Path folder, String file, Map<String, Value> tensors, String prefix, Map<String, String> index) {
        write(folder.resolve(file), tensors);
        tensors.keySet().forEach(name -> index.put(prefix + name, file));
    }

    private static void write(Path file, Map<String, Value> tensors) {
        SafetensorsWriter writer = new SafetensorsWriter();
        tensors.forEach((name, value) ->
                writer.add(name, value.type(), value.shape(), value.data().toArray(ValueLayout.JAVA_BYTE)));
        writer.write(file);
    }

    private static void writeIndex(Path folder, Map<String, String> index) {
        String entries = index.entrySet().stream()
                .map(entry -> "\"" + entry.getKey() + "\": \"" + entry.getValue() + "\"")
                .collect(Collectors.joining(",\n"));
        writeText(
                folder.resolve("model.safetensors.index.json"),
                "{\"metadata\": {}, \"weight_map\": {" + entries + "}}");
    }

    /** Writes {@code config.json} alone. */
    public static void writeConfig(Path folder, MixtralConfig config) {
        boolean derived = config.heads() * config.headSize() == config.hiddenSize();
        String window = config.slidingWindow().isPresent()
                ? String.valueOf(config.slidingWindow().getAsInt())
                : "null";
        writeText(folder.resolve("config.json"), """
                {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "hidden_act": "silu",
                "bos_token_id": 1, "eos_token_id": 2, %s
                "hidden_size": %d, "intermediate_size": %d, "num_hidden_layers": %d, "num_attention_heads": %d,
                "num_key_value_heads": %d, "num_local_experts": %d, "num_experts_per_tok": %d, "vocab_size": %d,
                "max_position_embeddings": %d, "rope_theta": %s, "rms_norm_eps": %s, "sliding_window": %s,
                "tie_word_embeddings": %b}
                """.formatted(
                        derived ? "" : "\"head_dim\": " + config.headSize() + ",",
                        config.hiddenSize(),
                        config.intermediateSize(),
                        config.layers(),
                        config.heads(),
                        config.kvHeads(),
                        config.experts(),
                        config.expertsPerToken(),
                        config.vocabularySize(),
                        config.maxPositions(),
                        config.ropeTheta(),
                        config.normEpsilon(),
                        window,
                        config.tiedEmbeddings()));
    }

    private static void writeText(Path file, String text) {
        try {
            Files.writeString(file, text);
        } catch (IOException problem) {
            throw new UncheckedIOException(problem);
        }
    }
}
