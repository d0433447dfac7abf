package dev.gatun.text;

import dev.gatun.input.Quoted;
import dev.gatun.input.TextFile;
import dev.gatun.input.UnusableFileException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How a model's authors want conversations written: the chat template and the special tokens of a model folder, from
 * {@code chat_template.jinja} or {@code tokenizer_config.json}.
 */
public final class ChatFormat {
    private static final List<String> SPECIAL_TOKENS = List.of("bos_token", "eos_token", "unk_token", "pad_token");

    private static final int LONGEST = 1 << 24;

    private final Path file;
    private final ChatTemplate template;
    private final Map<String, String> specialTokens;

    private ChatFormat(Path file, ChatTemplate template, Map<String, String> specialTokens) {
        this.file = file;
        this.template = template;
        this.specialTokens = Map.copyOf(specialTokens);
    }

    /**
     * Reads a folder's chat format.
     *
     * @return empty when the folder has no template
     * @throws TextException if the files are no JSON or the template uses what {@link ChatTemplate} does not know
     */
    public static Optional<ChatFormat> read(Path folder) {
        Path configFile = folder.resolve("tokenizer_config.json");
        Path templateFile = folder.resolve("chat_template.jinja");
        JsonNode config = json(configFile);
        boolean isApart = Files.exists(templateFile);
        Optional<String> source = isApart
                ? Optional.of(readable(() -> TextFile.read(templateFile, LONGEST)))
                : templateOf(config.path("chat_template"));
        Path file = isApart ? templateFile : configFile;
        return source.map(
                text -> new ChatFormat(file, named(file, () -> ChatTemplate.parse(text)), specialTokens(config)));
    }

    /**
     * Writes a conversation, ready for the assistant's answer.
     *
     * @throws TextException if the template refuses it
     */
    public String render(List<ChatMessage> conversation) {
        return named(file, () -> template.render(conversation, true, specialTokens));
    }

    /** What a template complains of is told with its file. */
    private static <T> T named(Path file, Supplier<T> work) {
        try {
            return work.get();
        } catch (TextException complaint) {
            throw new TextException(Quoted.of(file) + ": " + complaint.getMessage(), complaint);
        }
    }

    private static Map<String, String> specialTokens(JsonNode config) {
        Map<String, String> tokens = new HashMap<>();
        for (String name : SPECIAL_TOKENS) {
            JsonNode token = config.path(name);
            String content = token.isObject() ? token.path("content").asString("") : token.asString("");
            if (!content.isEmpty()) {
                tokens.put(name, content);
            }
        }
        return tokens;
    }

    /** The template itself, or the one named "default" of several. */
    private static Optional<String> templateOf(JsonNode templates) {
        if (templates.isString()) {
            return Optional.of(templates.asString());
        }
        for (JsonNode entry : templates) {
            if (entry.path("name").asString("").equals("default")) {
                return Optional.of(entry.path("template").asString(""));
            }
        }
        return Optional.empty();
    }

    private static JsonNode json(Path file) {
        return Files.exists(file)
                ? readable(() -> TextFile.readObject(file, LONGEST))
                : JsonMapper.shared().createObjectNode();
    }

    private interface Reading<T> {
        T read() throws UnusableFileException;
    }

    private static <T> T readable(Reading<T> reading) {
        try {
            return reading.read();
        } catch (UnusableFileException problem) {
            throw new TextException(problem.getMessage(), problem);
        }
    }
}
