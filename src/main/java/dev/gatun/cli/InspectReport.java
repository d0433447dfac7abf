package dev.gatun.cli;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.Inventory;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.PartContents;
import dev.gatun.checkpoint.TensorGroup;
import dev.gatun.hub.HubCache;
import dev.gatun.offload.MemoryPlan;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;

/**
 * What a model folder holds, for people and for machines.
 *
 * @param plan what would be resident, where a budget was given
 */
record InspectReport(Checkpoint checkpoint, Inventory inventory, Optional<MemoryPlan> plan) {
    private static final String NEWLINE = System.lineSeparator();

    /** Tables. */
    String text() {
        return heading()
                + NEWLINE
                + parts()
                + NEWLINE
                + tensors()
                + plan.map(InspectReport::resident).orElse("");
    }

    private String name() {
        return HubCache.modelName(checkpoint.directory());
    }

    private String heading() {
        MixtralConfig config = checkpoint.config();
        return line(String.format(Locale.ROOT, "%s: %s", name(), checkpoint.description()))
                + line(String.format(
                        Locale.ROOT,
                        "%d layers of %d experts, %d per token; hidden %d, ffn %d, %d heads of %d, %d of keys and values, "
                                + "vocabulary %d, positions %d",
                        config.layers(),
                        config.experts(),
                        config.expertsPerToken(),
                        config.hiddenSize(),
                        config.intermediateSize(),
                        config.heads(),
                        config.headSize(),
                        config.kvHeads(),
                        config.vocabularySize(),
                        config.maxPositions()));
    }

    private String parts() {
        return row("part", "tensors", "weights", "size", "bits/weight", "format")
                + inventory.parts().stream().map(InspectReport::part).collect(Collectors.joining())
                + row(
                        "total",
                        String.valueOf(inventory.tensors()),
                        String.valueOf(inventory.weights()),
                        Units.gigabytes(inventory.bytes()),
                        bits(inventory.bitsPerWeight()),
                        "");
    }

    private static String part(PartContents part) {
        return row(
                part.part().label(),
                String.valueOf(part.tensors()),
                String.valueOf(part.weights()),
                Units.gigabytes(part.bytes()),
                bits(part.bitsPerWeight()),
                String.join("; ", part.formats()));
    }

    private static String row(String part, String tensors, String weights, String size, String bits, String format) {
        return line(
                String.format(Locale.ROOT, "%-10s %8s %14s %10s %12s  %s", part, tensors, weights, size, bits, format));
    }

    private static String bits(double bits) {
        return String.format(Locale.ROOT, "%.3f", bits);
    }

    private String tensors() {
        return inventory.parts().stream()
                .flatMap(part -> part.groups().stream())
                .map(InspectReport::tensor)
                .collect(Collectors.joining());
    }

    private static String tensor(TensorGroup group) {
        return line(String.format(
                Locale.ROOT,
                "%-64s %-4s %-18s %6d x %12d bytes",
                group.name(),
                group.type(),
                group.shape(),
                group.count(),
                group.bytes() / group.count()));
    }

    private static String resident(MemoryPlan plan) {
        return NEWLINE
                + line(String.format(
                        Locale.ROOT,
                        "with %.2f GiB of GPU memory and %d tokens of context: trunk %s, keys and values %s, %s",
                        plan.gpuMemory() / (double) (1 << 30),
                        plan.context(),
                        Units.gigabytes(plan.trunk()),
                        Units.gigabytes(plan.keyValues()),
                        plan.whereExpertsLie()));
    }

    private static String line(String text) {
        return text.stripTrailing() + NEWLINE;
    }

    /** One object. */
    String json() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("model", name());
        fields.put("description", checkpoint.description());
        fields.put("file_bytes", checkpoint.bytes());
        fields.put("tensor_bytes", inventory.bytes());
        fields.put("weights", inventory.weights());
        fields.put("bits_per_weight", inventory.bitsPerWeight());
        fields.put(
                "parts", inventory.parts().stream().map(InspectReport::fields).toList());
        plan.ifPresent(some -> fields.put("plan", fields(some)));
        return JsonMapper.shared().writeValueAsString(fields) + NEWLINE;
    }

    private static Map<String, Object> fields(PartContents part) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("part", part.part().label());
        fields.put("weights", part.weights());
        fields.put("bytes", part.bytes());
        fields.put("bits_per_weight", part.bitsPerWeight());
        fields.put("formats", part.formats());
        fields.put("tensors", part.groups().stream().map(InspectReport::fields).toList());
        return fields;
    }

    private static Map<String, Object> fields(TensorGroup group) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", group.name());
        fields.put("dtype", group.type().name());
        fields.put("shape", List.copyOf(group.shape()));
        fields.put("count", group.count());
        fields.put("bytes", group.bytes());
        return fields;
    }

    private static Map<String, Object> fields(MemoryPlan plan) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("gpu_memory", plan.gpuMemory());
        fields.put("context", plan.context());
        fields.put("trunk_bytes", plan.trunk());
        fields.put("embeddings_in_host", plan.embeddingsInHost());
        fields.put("key_value_bytes", plan.keyValues());
        fields.put("expert_bytes", plan.model().expert());
        fields.put("experts", plan.model().allExperts());
        fields.put("resident_experts", plan.slots());
        fields.put("host_mode", plan.hostMode().name().toLowerCase(Locale.ROOT));
        fields.put("host_memory", plan.hostMemory());
        return fields;
    }
}
