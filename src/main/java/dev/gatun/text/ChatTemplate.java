package dev.gatun.text;

import dev.gatun.input.Quoted;
import dev.gatun.text.template.Template;
import dev.gatun.text.template.TemplateException;
import dev.gatun.text.template.Value;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model's chat template: what turns a conversation into the one text that the model was trained on. It is the {@code
 * chat_template} of a {@code tokenizer_config.json}, in the part of the Jinja language that such templates use, set up as
 * Hugging Face does: {@code trim_blocks}, {@code lstrip_blocks}, {@code raise_exception}, their {@code tojson}.
 *
 * <p>The rule is that a wrong prompt is worse than none. What is not supported throws, and so does printing what is
 * undefined, where Jinja would print nothing. Not supported, among others: macros, {@code with}, {@code include}, {@code
 * strftime_now}, tools and documents (both are {@code None}), messages other than text. A template that runs away is
 * stopped. Immutable: one instance serves any number of threads.
 */
public final class ChatTemplate {
    private final Template template;

    private ChatTemplate(Template template) {
        this.template = template;
    }

    /**
     * Parses a template.
     *
     * @throws TextException if it is no template, or uses a statement or syntax that is not supported
     */
    public static ChatTemplate parse(String source) {
        try {
            return new ChatTemplate(Template.parse(source));
        } catch (TemplateException e) {
            throw failure(e);
        }
    }

    /**
     * The prompt for a conversation.
     *
     * @param messages the conversation, in order
     * @param addGenerationPrompt whether the prompt ends with what makes the assistant speak next, if the template has it
     * @param specialTokens what the template calls them, such as {@code bos_token}, and their text
     * @throws TextException if the template refuses the conversation, fails, or uses what is not supported
     */
    public String render(List<ChatMessage> messages, boolean addGenerationPrompt, Map<String, String> specialTokens) {
        Map<String, Value> variables = new HashMap<>();
        specialTokens.forEach((name, text) -> variables.put(name, new Value.Text(text)));
        variables.put(
                "messages",
                Value.Sequence.list(messages.stream().map(ChatTemplate::value).toList()));
        variables.put("add_generation_prompt", new Value.Bool(addGenerationPrompt));
        variables.put("tools", new Value.None());
        variables.put("documents", new Value.None());
        long characters = messages.stream()
                .mapToLong(message -> message.content().length())
                .sum();
        try {
            return template.render(variables, characters);
        } catch (TemplateException e) {
            throw failure(e);
        }
    }

    private static Value value(ChatMessage message) {
        Map<String, Value> fields = new LinkedHashMap<>();
        fields.put("role", new Value.Text(message.role()));
        fields.put("content", new Value.Text(message.content()));
        return Value.Dict.of(fields);
    }

    private static TextException failure(TemplateException e) {
        String what = Quoted.oneLine(e.getMessage());
        if (e.raised()) {
            return new TextException("the chat template refuses the messages: " + what, e);
        }
        String place = e.line() > 0 ? ", line " + e.line() : "";
        return new TextException(
                "chat template" + place + ": " + what + "; mend the template, or send a plain prompt", e);
    }
}
