package dev.gatun.cli;

import dev.gatun.Generation;
import dev.gatun.GenerationStatistics;
import dev.gatun.Model;
import dev.gatun.StopReason;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;

/** What is said before and after a generation. */
final class Report {
    private Report() {}

    /** Model, backend, and why that backend. */
    static String opening(Model model) {
        return opening(
                model.name(),
                model.description(),
                model.backend().description(),
                model.backend().reason());
    }

    /** The same of a model that does not run. */
    static String opening(String model, String description, String backend, String reason) {
        return "%s (%s) on %s; %s".formatted(model, description, backend, reason);
    }

    /** What makes it slower than it could be, a line each. */
    static String notes(List<String> notes) {
        return notes.stream()
                .map(note -> "note: " + note + System.lineSeparator())
                .collect(Collectors.joining());
    }

    /** Rates, times, memory, why it ended, and the seed. */
    static String closing(Generation generation) {
        GenerationStatistics statistics = generation.statistics();
        return String.format(
                Locale.ROOT,
                "prompt %d tokens, %.1f tokens/s; %sgenerated %d tokens, %.1f tokens/s; peak memory %s; %s; seed %d",
                statistics.promptTokens(),
                statistics.promptRate(),
                statistics.generatedTokens() == 0
                        ? ""
                        : "first token after " + statistics.timeToFirstToken().toMillis() + " ms; ",
                statistics.generatedTokens(),
                statistics.decodeRate(),
                PeakMemory.ofThisProcess().map(bytes -> (bytes >> 20) + " MiB").orElse("unknown"),
                words(generation.stopReason()),
                generation.seed());
    }

    /** The same for machines. */
    static String json(Model model, String prompt, Generation generation) {
        GenerationStatistics statistics = generation.statistics();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("model", model.name());
        fields.put("backend", model.backend().name());
        fields.put("backend_description", model.backend().description());
        fields.put("backend_reason", model.backend().reason());
        fields.put("host_memory", model.backend().hostMemory());
        fields.put("backend_notes", model.backend().notes());
        fields.put("prompt", prompt);
        fields.put("text", generation.text());
        fields.put("stop_reason", generation.stopReason().name().toLowerCase(Locale.ROOT));
        fields.put("seed", generation.seed());
        fields.put("prompt_tokens", statistics.promptTokens());
        fields.put("prompt_tokens_per_second", statistics.promptRate());
        fields.put("generated_tokens", statistics.generatedTokens());
        fields.put("decode_tokens_per_second", statistics.decodeRate());
        fields.put("time_to_first_token_seconds", statistics.timeToFirstToken().toNanos() / 1e9);
        statistics.promptOffload().ifPresent(cost -> fields.put("prompt_offload", cost.asMap()));
        statistics.decodeOffload().ifPresent(cost -> fields.put("decode_offload", cost.asMap()));
        PeakMemory.ofThisProcess().ifPresent(bytes -> fields.put("peak_memory_bytes", bytes));
        return JsonMapper.shared().writeValueAsString(fields);
    }

    private static String words(StopReason reason) {
        return switch (reason) {
            case END_OF_TEXT -> "ended by the model";
            case STOP_TEXT -> "ended at a stop text";
            case MAX_TOKENS -> "ended at the token limit";
            case CONTEXT_FULL -> "ended because the context is full";
            case CANCELLED -> "cancelled";
        };
    }
}
