package dev.gatun.fuzz;

import dev.gatun.text.ChatFormat;
import dev.gatun.text.ChatMessage;
import dev.gatun.text.TextException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A chat template, in {@code tokenizer_config.json} or in a file of its own, which then renders a conversation.
 *
 * @param name its name here
 * @param apart whether the template is in a file of its own
 * @param templates good ones
 */
record ChatFormatFiles(String name, boolean apart, List<String> templates) implements Format {
    private static final String CONFIG = "tokenizer_config.json";
    private static final String TEMPLATE = "chat_template.jinja";
    private static final List<ChatMessage> CONVERSATION = List.of(
            new ChatMessage("user", "Why is\n the sky blue? {{ x }}"),
            new ChatMessage("assistant", "It is not. "),
            new ChatMessage("user", "\ud83d\ude00 'Oh'"));

    @Override
    public void write(Path folder, long seed) throws IOException {
        String template = templates.get(new SplittableRandom(seed).nextInt(templates.size()));
        ObjectNode config = JsonMapper.shared().createObjectNode();
        config.putObject("bos_token").put("content", "<s>");
        config.put("eos_token", "</s>").put("chat_template", template);
        Files.writeString(folder.resolve(CONFIG), config.toString());
        if (apart) {
            Files.writeString(folder.resolve(TEMPLATE), template);
        }
    }

    @Override
    public boolean damages(String file) {
        return true;
    }

    @Override
    public Mutation damage(String file) {
        Mutation template = new TemplateMutation(templates);
        return file.equals(TEMPLATE)
                ? Mutation.oneOf(template, template, template, template, new ByteMutation())
                : Mutation.oneOf(
                        (bytes, random) -> insideJson(bytes, template, random),
                        (bytes, random) -> insideJson(bytes, template, random),
                        Formats.json());
    }

    private static byte[] insideJson(byte[] bytes, Mutation template, SplittableRandom random) {
        JsonNode root;
        try {
            root = JsonMapper.shared().readTree(bytes);
        } catch (JacksonException damagedBefore) {
            return bytes;
        }
        if (!(root instanceof ObjectNode object)
                || !object.path("chat_template").isString()) {
            return bytes;
        }
        byte[] changed =
                template.apply(object.path("chat_template").stringValue().getBytes(StandardCharsets.UTF_8), random);
        object.put("chat_template", new String(changed, StandardCharsets.UTF_8));
        return object.toString().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void use(Path folder) {
        Optional<ChatFormat> format = ChatFormat.read(folder);
        format.ifPresent(chat -> chat.render(CONVERSATION));
    }

    @Override
    public boolean isRefusal(Throwable thrown) {
        return thrown instanceof TextException;
    }
}
