package dev.gatun.text;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Files that cannot be used are refused in one line that names the file and the reason. */
class TokenizerFileTest {
    @TempDir
    private Path folder;

    enum Bad {
        NO_OBJECT("`model` should be an object", root -> root.put("model", 1)),
        NO_LIST(
                "`model.merges` should be a list",
                root -> TokenizerJson.model(root).put("merges", 1)),
        NO_STRING(
                "`model.type` should be a string",
                root -> TokenizerJson.model(root).put("type", 1)),
        NO_SWITCH(
                "`model.fuse_unk` should be true or false",
                root -> TokenizerJson.model(root).put("fuse_unk", 1)),
        HUGE_SWITCH("sets `model.dropout`", root -> TokenizerJson.model(root).put("dropout", BigInteger.TEN.pow(900))),
        EMPTY_PATTERN(
                "`normalizer.pattern.String` is empty",
                root -> root.putObject("normalizer")
                        .put("type", "Replace")
                        .put("content", "")
                        .putObject("pattern")
                        .put("String", "")),
        REPLACEMENT("`pre_tokenizer.replacement` should be one character", root -> {
            TokenizerJson.metaspace(root, "first", true);
            ((ObjectNode) root.get("pre_tokenizer")).put("replacement", "ab");
        }),
        ODD_CHARACTERS(
                "`model.vocab.a\\u000ab\\u202e` should be an integer",
                root -> TokenizerJson.vocab(root).put("a\nb\u202e", "x")),
        TRUNCATION("sets `truncation`", root -> root.putObject("truncation").put("max_length", 5)),
        PADDING("sets `padding`", root -> root.putObject("padding").put("strategy", "BatchLongest")),
        UNKNOWN_SECTION("it has `extra`", root -> root.put("extra", 1)),
        NO_MODEL("`model` is missing", root -> root.remove("model")),
        MODEL_TYPE("its model is `Unigram`", root -> TokenizerJson.model(root).put("type", "Unigram")),
        MODEL_OPTION("it has `model.twist`", root -> TokenizerJson.model(root).put("twist", true)),
        DROPOUT("sets `model.dropout`", root -> TokenizerJson.model(root).put("dropout", 0.1)),
        SUFFIX(
                "sets `model.end_of_word_suffix`",
                root -> TokenizerJson.model(root).put("end_of_word_suffix", "</w>")),
        UNKNOWN_TOKEN(
                "`model.unk_token` is \"<what>\"",
                root -> TokenizerJson.model(root).put("unk_token", "<what>")),
        NO_UNKNOWN_TOKEN(
                "neither `model.unk_token` nor",
                root -> TokenizerJson.model(root).put("byte_fallback", false).putNull("unk_token")),
        MERGE_OF_NOTHING("`model.merges[0]` needs \"zq\"", root -> merges(root).set(0, "zq a")),
        MERGE_INTO_NOTHING("needs \"\u2581tzz\"", root -> {
            TokenizerJson.rename(root, "<0xE4>", "zz");
            merges(root).set(0, "\u2581t zz");
        }),
        MERGE_OF_ONE(
                "`model.merges[0]` should be two pieces", root -> merges(root).set(0, "a")),
        MERGES_ABSENT(
                "`model.merges` is missing", root -> TokenizerJson.model(root).remove("merges")),
        SAME_ID("have the same id 7", root -> TokenizerJson.vocab(root).put("he", 7)),
        GAP("there are 2048 tokens", root -> TokenizerJson.vocab(root).put("he", 5000)),
        NEGATIVE_ID("has id -1", root -> TokenizerJson.vocab(root).put("he", -1)),
        TEXT_FOR_ID(
                "`model.vocab.he` should be an integer",
                root -> TokenizerJson.vocab(root).put("he", "x")),
        ADDED_ID(
                "\"</s>\" has id 1, but",
                root -> ((ObjectNode) root.get("added_tokens").get(2)).put("id", 1)),
        ADDED_STRIP(
                "sets `added_tokens[2].rstrip`",
                root -> ((ObjectNode) root.get("added_tokens").get(2)).put("rstrip", true)),
        ADDED_EMPTY(
                "`added_tokens[2].content` is empty",
                root -> ((ObjectNode) root.get("added_tokens").get(2)).put("content", "")),
        NORMALIZER(
                "its normalizer is `NFKC`", root -> root.putObject("normalizer").put("type", "NFKC")),
        NORMALIZER_PATTERN(
                "is a regular expression",
                root -> root.putObject("normalizer")
                        .put("type", "Replace")
                        .put("content", "")
                        .putObject("pattern")
                        .put("Regex", "a+")),
        PRE_TOKENIZER(
                "its pre_tokenizer is `ByteLevel`",
                root -> root.putObject("pre_tokenizer").put("type", "ByteLevel")),
        PREFIXING("`pre_tokenizer.prepend_scheme` is `last`", root -> TokenizerJson.metaspace(root, "last", true)),
        POST_PROCESSOR(
                "its post_processor is `ByteLevel`",
                root -> root.putObject("post_processor").put("type", "ByteLevel")),
        TOKENS_AFTER(
                "puts tokens after the text",
                root -> ((ArrayNode) root.get("post_processor").get("single"))
                        .addObject()
                        .putObject("SpecialToken")
                        .put("id", "<s>")),
        LEADING_ID(
                "is 9999, which is no token",
                root -> ((ArrayNode) root.at("/post_processor/special_tokens/<s>/ids")).set(0, 9999)),
        NO_DECODER("it has no decoder", root -> root.putNull("decoder")),
        DECODER("its decoder is `ByteLevel`", root -> root.putObject("decoder").put("type", "ByteLevel")),
        DECODER_ORDER("in this order", root -> ((ArrayNode) root.at("/decoder/decoders")).remove(2)),
        DECODER_STEP(
                "has `Metaspace` as step 5",
                root -> ((ArrayNode) root.at("/decoder/decoders")).addObject().put("type", "Metaspace")),
        DECODER_STRIP(
                "strips something other", root -> ((ObjectNode) root.at("/decoder/decoders/3")).put("content", "x"));

        private final String reason;

        @SuppressWarnings("ImmutableEnumChecker") // the lambdas capture nothing
        private final Consumer<ObjectNode> change;

        Bad(String reason, Consumer<ObjectNode> change) {
            this.reason = reason;
            this.change = change;
        }

        private static ArrayNode merges(ObjectNode root) {
            return (ArrayNode) TokenizerJson.model(root).get("merges");
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatIsWrongOrNotImplementedIsNamed(Bad bad) throws IOException {
        assertRefused(TokenizerJson.write(folder, bad.change), bad.reason);
    }

    @Test
    void aMissingFileIsNamed() {
        assertRefused(folder.resolve("nothing.json"), "no such file");
    }

    @Test
    void whatIsNotJsonIsRefused() throws IOException {
        assertRefused(write("{\"version\": "), "not valid JSON: Unexpected end-of-input");
        assertRefused(write("{\"version\":\n x}"), "(line 2, column ");
        assertRefused(write("[]"), "not a JSON object");
        assertRefused(write(""), "not");
        assertRefused(write("{} {}"), "not valid JSON");
        assertRefused(write("{\"model\": " + "[".repeat(1000)), "not valid JSON: Document nesting depth (501)");
        Files.write(folder.resolve("written.json"), new byte[] {'{', (byte) 0xff, '}'});
        assertRefused(folder.resolve("written.json"), "it is not UTF-8");
    }

    @Test
    void aNameThatStandsTwiceIsRefused() throws IOException {
        assertRefused(write("{\"model\": {\"vocab\": {\"a\": 0, \"a\": 1}}}"), "Duplicate");
    }

    private Path write(String content) throws IOException {
        return Files.writeString(folder.resolve("written.json"), content);
    }

    private static void assertRefused(Path file, String reason) {
        assertThatThrownBy(() -> Tokenizer.load(file))
                .isInstanceOf(TextException.class)
                .hasMessageStartingWith("`" + file + "`: ")
                .hasMessageContaining(reason)
                .message()
                .doesNotContain("\n");
    }
}
