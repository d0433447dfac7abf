package dev.gatun.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How a model's authors want conversations written: the chat template and the special tokens of a model folder, from
 * {@code chat_template.jinja} or {@code tokenizer_config.json}.
 */
public final class ChatFormat {
    private static final List<String> SPECIAL_TOKENS = List.of("bos_token", "eos_token", "unk_token", "pad_token");

    private final ChatTemplate template;
    private final Map<String, String> specialTokens;

    private ChatFormat(ChatTemplate template, Map<String, String> specialTokens) {
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
        JsonNode config = json(folder.resolve("tokenizer_config.json"));
        Optional<String> source = Optional.ofNullable(text(folder.resolve("chat_template.jinja")))
                .or(() -> templateOf(config.path("chat_template")));
        return source.map(text -> new ChatFormat(ChatTemplate.parse(text), specialTokens(config)));
    }

    /**
     * Writes a conversation, ready for the assistant's answer.
     *
     * @throws TextException if the template refuses it
     */
    public String render(List<ChatMessage> conversation) {
        return template.render(conversation, true, specialTokens);
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
        String content = text(file);
        JsonMapper mapper = JsonMapper.shared();
        if (content == null) {
            return mapper.createObjectNode();
        }
        try {
            return mapper.readTree(content);
        } catch (JacksonException broken) {
            throw new TextException(
                    "`" + file + "`: not JSON (" + broken.getOriginalMessage() + "); download it again");
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (NoSuchFileException none) {
            return null;
        } catch (IOException unreadable) {
            throw new TextException("`" + file + "`: cannot be read: " + unreadable.getMessage());
        }
    }
}
