package dev.gatun.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Chat templates against what Jinja 2 renders, and what they must refuse. */
class ChatTemplateTest {
    private static final Map<String, String> TOKENS = Map.of("bos_token", "<s>", "eos_token", "</s>");
    private static final List<ChatMessage> HELLO = List.of(new ChatMessage("user", "Hello"));

    static Stream<JsonNode> references() {
        return JsonMapper.shared()
                .readTree(TestVocabulary.data("chat-template-vectors.json").toFile())
                .path("cases")
                .valueStream();
    }

    @ParameterizedTest
    @MethodSource("references")
    void everyReferenceRendersAsJinjaRendersIt(JsonNode reference) {
        List<ChatMessage> messages = reference
                .path("messages")
                .valueStream()
                .map(message -> new ChatMessage(
                        message.path("role").stringValue(),
                        message.path("content").stringValue()))
                .toList();
        boolean prompt = reference.path("add_generation_prompt").booleanValue();
        ChatTemplate template = ChatTemplate.parse(reference.path("template").stringValue());
        if (reference.has("text")) {
            assertThat(template.render(messages, prompt, TOKENS))
                    .isEqualTo(reference.path("text").stringValue());
        } else {
            String reason = reference.path("name").stringValue().equals("language")
                    ? ""
                    : reference.path("error").stringValue();
            assertThatThrownBy(() -> template.render(messages, prompt, TOKENS))
                    .isInstanceOf(TextException.class)
                    .hasMessageContaining(reason);
        }
    }

    @Test
    void theDemosTemplateMarksTurnsAndRefusesWrongRoles() {
        Path config = Path.of(System.getProperty("gatun.demo"), "hqq-small", "tokenizer_config.json");
        ChatTemplate template = ChatTemplate.parse(JsonMapper.shared()
                .readTree(config.toFile())
                .path("chat_template")
                .stringValue());
        List<ChatMessage> talk = List.of(
                new ChatMessage("user", "Hi"), new ChatMessage("assistant", "Ho"), new ChatMessage("user", "Why?"));
        assertThat(template.render(talk, true, TOKENS)).isEqualTo("<s>[INST] Hi [/INST] Ho</s>[INST] Why? [/INST]");
        assertThatThrownBy(() -> template.render(talk.subList(1, 3), true, TOKENS))
                .isInstanceOf(TextException.class)
                .hasMessageContaining("Roles must alternate: user, assistant, user, assistant, …");
        assertThatThrownBy(() ->
                        template.render(List.of(talk.getFirst(), new ChatMessage("system", "Be brief.")), true, TOKENS))
                .isInstanceOf(TextException.class)
                .hasMessageContaining("The roles are user and assistant only.");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% macro m() %}{% endmacro %}",
                "{% include 'x' %}",
                "{% with x = 1 %}{% endwith %}",
                "{% raw %}{% endraw %}",
                "{% for x in [1] recursive %}{% endfor %}",
                "{% if true %}",
                "{% endif %}",
                "{% for x in [1] %}{% endif %}",
                "{% break %}",
                "{% set loop = 1 %}",
                "{% set none = 1 %}",
                "{{ 1 ** 2 }}",
                "{{ }}",
                "{{ 1 2 }}",
                "{{ 'a }}",
                "{{ a.b. }}",
                "{{ (1 }}",
                "{{ [1, }}",
                "{{ f(a=1, 2) }}",
                "{{ f(a=1, a=2) }}",
                "{{ 99999999999999999999 }}",
                "{{ '\\u12' }}",
                "{{ '\\N{DASH}' }}",
                "{{ x",
                "{# x",
                "{{ a ? b }}",
                "{{ x | a.b }}",
                "{{ x is odd is even }}"
            })
    void whatIsNoTemplateOrNotSupportedIsRefusedWhenParsed(String source) {
        assertThatThrownBy(() -> ChatTemplate.parse("line one\n" + source))
                .isInstanceOf(TextException.class)
                .hasMessageStartingWith("chat template, line 2: ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ nothing }}",
                "{{ 'a' ~ nothing }}",
                "{{ messages[9] }}",
                "{{ messages[0].nothing }}",
                "{{ nothing | upper }}",
                "{{ nothing | length }}",
                "{{ [nothing] }}",
                "{% for x in nothing %}{% endfor %}",
                "{{ 'a' in nothing }}",
                "{{ nothing is iterable }}",
                "{{ 'a' if false }}",
                "{{ 'a' | indent(2) }}",
                "{{ 'a' | trim('a', 'b') }}",
                "{{ 'a' | upper(x=1) }}",
                "{{ 'a' | replace('', 'b') }}",
                "{{ 'a' is lower }}",
                "{{ 'a'.zfill(3) }}",
                "{{ 'a'.upper }}",
                "{{ 'a'['type'] }}",
                "{{ messages.append(1) }}",
                "{{ messages[0].items }}",
                "{{ messages[0].update({}) }}",
                "{{ messages[0].items() }}",
                "{{ range(3) }}",
                "{{ [1] | select }}",
                "{% set x = [1] | select %}{{ x | list }}{{ x | list }}",
                "{{ strftime_now('%d') }}",
                "{{ dict(a=1) }}",
                "{{ namespace(a=1) }}",
                "{{ 'x'() }}",
                "{{ loop.depth }}",
                "{% for x in [1] %}{{ loop.depth }}{% endfor %}",
                "{% set x = {} %}{% set x.a = 1 %}",
                "{% for a, b in [[1]] %}{% endfor %}",
                "{{ 'a' < 1 }}",
                "{{ '%s' % 1 }}",
                "{{ 1 / 0 }}",
                "{{ 1.0 / 0 }}",
                "{{ 9223372036854775807 + 1 }}",
                "{{ {1: 2} }}",
                "{{ 1e300 }}",
                "{{ '1_000' | int }}"
            })
    void whatIsNotKnownNeverRendersAsSomethingElse(String source) {
        assertThatThrownBy(() -> ChatTemplate.parse("line one\n" + source).render(HELLO, true, TOKENS))
                .isInstanceOf(TextException.class)
                .hasMessageStartingWith("chat template, line 2: ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
                "{% for a in range(1000000000000) %}{% endfor %}",
                "{{ 'a' * 9000000000000000000 }}",
                "{{ 'a' * 9223372036854775807 * 2 }}",
                "{% set n = namespace(s='aa') %}{% for i in range(100) %}{% set n.s = n.s + n.s %}{% endfor %}",
                "{% set n = namespace(s='aa') %}{% for i in range(100) %}{% set n.s = n.s | replace('a', n.s) %}{% endfor %}",
                "{% set n = namespace(s=['a']) %}{% for i in range(100) %}{% set n.s = n.s + n.s %}{% endfor %}",
                "{% set n = namespace(s=['a']) %}{% for i in range(50) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s }}",
                "{% set n = namespace(s=['a']) %}{% for i in range(50) %}{% set n.s = [n.s, n.s] %}{% endfor %}{{ n.s | tojson }}",
                "{% set n = namespace(s=['a'], t=['a']) %}{% for i in range(50) %}{% set n.s = [n.s, n.s] %}"
                        + "{% set n.t = [n.t, n.t] %}{% endfor %}{{ n.s == n.t }}",
                "{% set n = namespace(s=[]) %}{% for i in range(100000) %}{% set n.s = [n.s] %}{% endfor %}{{ n.s }}",
                "{% set n = namespace(s='ab') %}{% for i in range(20) %}{% set n.s = n.s * 2 %}{% endfor %}{{ n.s.split('b') | join(n.s) }}"
            })
    void aTemplateThatRunsAwayIsStopped(String source) {
        assertThatThrownBy(() -> ChatTemplate.parse(source).render(HELLO, true, TOKENS))
                .isInstanceOf(TextException.class)
                .message()
                .hasSizeLessThan(300);
    }

    @ParameterizedTest
    @ValueSource(strings = {"(", "[", "not ", "-", "{'a':", "1 if 1 else ", "x[", "f(", "1+", "x.y.", "x|f|", "1<"})
    void anExpressionNestedTooDeeplyIsRefused(String part) {
        assertThatThrownBy(() -> ChatTemplate.parse("{{ " + part.repeat(200_000)))
                .isInstanceOf(TextException.class);
    }

    @Test
    void theLongestExpressionsThatAreTakenCanBeRendered() {
        assertThat(ChatTemplate.parse("{{ 0" + " + 1".repeat(490) + " }}").render(HELLO, true, TOKENS))
                .isEqualTo("490");
        assertThat(ChatTemplate.parse("{{ " + "(".repeat(90) + "1" + ")".repeat(90) + " }}")
                        .render(HELLO, true, TOKENS))
                .isEqualTo("1");
    }

    @Test
    void blocksNestedTooDeeplyAreRefused() {
        assertThatThrownBy(() -> ChatTemplate.parse("{% if 1 %}".repeat(50_000)))
                .isInstanceOf(TextException.class);
    }

    @Test
    void aLongConversationIsRendered() {
        List<ChatMessage> talk = Stream.generate(() -> new ChatMessage("user", "word ".repeat(200)))
                .limit(2000)
                .toList();
        ChatTemplate template =
                ChatTemplate.parse("{% for m in messages %}{{ m.role + ': ' + m.content | trim + '\n' }}{% endfor %}");
        assertThat(template.render(talk, true, TOKENS)).hasSize(2000 * (6 + 999 + 1));
    }
}
