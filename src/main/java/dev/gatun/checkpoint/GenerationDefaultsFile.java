package dev.gatun.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/** Reads {@code generation_config.json}, which a model may lack. */
final class GenerationDefaultsFile {
    private GenerationDefaultsFile() {}

    /**
     * Reads the defaults of a folder.
     *
     * @param config the folder's {@code config.json}, which names special tokens too
     */
    static GenerationDefaults read(Path folder, JsonObject config, int vocabularySize) {
        Path file = folder.resolve("generation_config.json");
        JsonObject json = Files.exists(file) ? JsonObject.read(file, 1 << 24) : config;
        // Old transformers wrote sampling parameters into config.json, where they do not count.
        boolean given = json != config;
        GenerationDefaults defaults;
        try {
            defaults = given ? sampling(json, config) : tokensAlone(config);
        } catch (IllegalArgumentException problem) {
            throw json.problem(problem.getMessage() + "; mend or delete the file");
        }
        requireInVocabulary(json, defaults, vocabularySize);
        return defaults;
    }

    private static GenerationDefaults sampling(JsonObject json, JsonObject config) {
        return new GenerationDefaults(
                json.optionalBoolean("do_sample"),
                json.optionalDouble("temperature"),
                json.optionalDouble("top_p"),
                json.optionalInt("top_k"),
                json.optionalDouble("min_p"),
                json.optionalDouble("repetition_penalty"),
                endTokens(json).or(() -> endTokens(config)).orElse(List.of()),
                json.has("bos_token_id") ? json.optionalInt("bos_token_id") : config.optionalInt("bos_token_id"));
    }

    private static GenerationDefaults tokensAlone(JsonObject config) {
        return new GenerationDefaults(
                Optional.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalInt.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                endTokens(config).orElse(List.of()),
                config.optionalInt("bos_token_id"));
    }

    private static Optional<List<Integer>> endTokens(JsonObject json) {
        return json.oneOrMoreInts("eos_token_id");
    }

    private static void requireInVocabulary(JsonObject json, GenerationDefaults defaults, int vocabularySize) {
        for (int id : defaults.endTokens()) {
            requireInVocabulary(json, "eos_token_id", id, vocabularySize);
        }
        defaults.beginToken().ifPresent(id -> requireInVocabulary(json, "bos_token_id", id, vocabularySize));
    }

    private static void requireInVocabulary(JsonObject json, String key, int id, int vocabularySize) {
        if (id >= vocabularySize) {
            throw json.problem("`" + key + "` is " + id + ", but the vocabulary has " + vocabularySize
                    + " tokens; mend the file or download it again");
        }
    }
}
