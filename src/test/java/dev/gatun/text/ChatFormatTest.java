package dev.gatun.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which file a chat template is read from, and that its faults are told with that file. */
class ChatFormatTest {
    private static final List<ChatMessage> HELLO = List.of(new ChatMessage("user", "Hello"));

    @TempDir
    private Path folder;

    @Test
    void aFolderWithoutFilesHasNoTemplate() {
        assertThat(ChatFormat.read(folder)).isEmpty();
    }

    @Test
    void theTemplateInAFileOfItsOwnCounts() throws IOException {
        write(
                "tokenizer_config.json",
                "{\"bos_token\": {\"content\": \"<s>\"}, \"chat_template\": \"{{ bos_token }}old\"}");
        assertThat(ChatFormat.read(folder).orElseThrow().render(HELLO)).isEqualTo("<s>old");
        write("chat_template.jinja", "{{ bos_token }}new");
        assertThat(ChatFormat.read(folder).orElseThrow().render(HELLO)).isEqualTo("<s>new");
    }

    @Test
    void ofSeveralTemplatesTheDefaultOneIsTaken() throws IOException {
        write("tokenizer_config.json", """
                {"chat_template": [{"name": "rag", "template": "a"}, {"name": "default", "template": "b"}]}
                """);
        assertThat(ChatFormat.read(folder).orElseThrow().render(HELLO)).isEqualTo("b");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '^', textBlock = """
            [1]                             | not a JSON object
            ^^                              | not a JSON object
            {'chat_template':               | not valid JSON: Unexpected end-of-input
            {'a': 1, 'a': 2}                | not valid JSON: Duplicate Object property
            {'chat_template': '{% if %}'}   | chat template, line 1: `%}` stands where a value should; mend the template
            {'chat_template': '{{ x }}'}    | chat template, line 1: `x` (undefined) cannot be printed
            {'chat_template': '{{ raise_exception(1) }}'} | the chat template refuses the messages: 1
            """)
    void whatIsWrongInTheConfigurationIsToldWithItsName(String json, String complaint) throws IOException {
        write("tokenizer_config.json", json.replace('\'', '"'));
        assertRefused("tokenizer_config.json", complaint);
    }

    @Test
    void whatIsWrongInATemplateFileIsToldWithItsName() throws IOException {
        write("chat_template.jinja", "\n{{ x }}");
        assertRefused("chat_template.jinja", "chat template, line 2: `x` (undefined) cannot be printed");
        write("chat_template.jinja", "{% if");
        assertRefused("chat_template.jinja", "chat template, line 1: `%}` is missing");
        Files.write(folder.resolve("chat_template.jinja"), new byte[] {(byte) 0xff});
        assertRefused("chat_template.jinja", "it is not UTF-8");
        Files.write(folder.resolve("chat_template.jinja"), new byte[(1 << 24) + 1]);
        assertRefused("chat_template.jinja", "larger than 16777216 bytes, which no such file is");
    }

    private void write(String file, String text) throws IOException {
        Files.writeString(folder.resolve(file), text);
    }

    private void assertRefused(String file, String complaint) {
        assertThatThrownBy(() -> ChatFormat.read(folder).orElseThrow().render(HELLO))
                .isExactlyInstanceOf(TextException.class)
                .hasMessageStartingWith("`" + folder.resolve(file) + "`: ")
                .hasMessageContaining(complaint)
                .message()
                .doesNotContain("\n");
    }
}
