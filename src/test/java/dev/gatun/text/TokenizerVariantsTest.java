package dev.gatun.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.text.TestVocabulary.Oracle;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Every switch of the file format that is implemented, against Hugging Face's library. */
class TokenizerVariantsTest {
    private static final int TEXTS = 600;

    @TempDir
    private Path folder;

    enum Variant {
        NO_NORMALIZER(root -> root.putNull("normalizer")),
        NO_POST_PROCESSOR(root -> root.putNull("post_processor")),
        ONE_NORMALIZER(
                root -> root.putObject("normalizer").put("type", "Prepend").put("prepend", "ab ")),
        METASPACE_ALWAYS(root -> TokenizerJson.metaspace(root, "always", false)),
        METASPACE_ALWAYS_SPLIT(root -> TokenizerJson.metaspace(root, "always", true)),
        METASPACE_FIRST(root -> TokenizerJson.metaspace(root, "first", false)),
        METASPACE_FIRST_SPLIT(root -> TokenizerJson.metaspace(root, "first", true)),
        METASPACE_NEVER(root -> TokenizerJson.metaspace(root, "never", false)),
        MERGES_AS_PAIRS(Variant::mergesAsPairs),
        SAME_TOKEN_FROM_SEVERAL_MERGES(Variant::severalMerges),
        MERGES_ACROSS_WORDS(Variant::mergesAcrossWords),
        IGNORE_MERGES(root -> {
            TokenizerJson.metaspace(root, "always", true);
            TokenizerJson.model(root).put("ignore_merges", true);
            TokenizerJson.model(root).putArray("merges");
        }),
        ADDED_TOKENS(root -> {
            TokenizerJson.addToken(root, "[INST]", false);
            TokenizerJson.addToken(root, "[INST] ", false);
            TokenizerJson.addToken(root, "aaa", false);
            TokenizerJson.addToken(root, "ing", false);
        }),
        NORMALIZED_ADDED_TOKENS(root -> {
            TokenizerJson.addToken(root, "[INST]", true);
            TokenizerJson.addToken(root, "x", true);
            TokenizerJson.addToken(root, "the", true);
        }),
        NORMALIZED_ADDED_TOKENS_WITHOUT_NORMALIZER(root -> {
            TokenizerJson.metaspace(root, "first", false);
            TokenizerJson.addToken(root, "[INST]", true);
            TokenizerJson.addToken(root, "the ", true);
        }),
        NO_BYTES(root -> TokenizerJson.model(root).put("byte_fallback", false)),
        NO_BYTES_NO_FUSING(
                root -> TokenizerJson.model(root).put("byte_fallback", false).put("fuse_unk", false)),
        SOME_BYTES(root -> {
            TokenizerJson.rename(root, "<0xE4>", "qqzzqq");
            TokenizerJson.rename(root, "<0x9F>", "zzqqzz");
        });

        @SuppressWarnings("ImmutableEnumChecker") // the lambdas capture nothing
        private final Consumer<ObjectNode> change;

        Variant(Consumer<ObjectNode> change) {
            this.change = change;
        }

        private static void mergesAsPairs(ObjectNode root) {
            List<JsonNode> merges =
                    root.path("model").path("merges").valueStream().toList();
            ArrayNode pairs = TokenizerJson.model(root).putArray("merges");
            for (JsonNode merge : merges) {
                String[] pair = merge.stringValue().split(" ", -1);
                pairs.addArray().add(pair[0]).add(pair[1]);
            }
        }

        /** All ways to cut each piece in two, shuffled: stale entries of the heap then often make the right token. */
        private static void severalMerges(ObjectNode root) {
            ArrayNode merges = (ArrayNode) root.path("model").path("merges");
            Random random = new Random(1);
            for (String piece : TokenizerJson.vocab(root).propertyNames()) {
                for (int cut = 1; cut < piece.length(); cut++) {
                    String left = piece.substring(0, cut);
                    String right = piece.substring(cut);
                    if (TokenizerJson.vocab(root).has(left)
                            && TokenizerJson.vocab(root).has(right)) {
                        merges.insert(random.nextInt(merges.size()), left + " " + right);
                    }
                }
            }
        }

        private static void mergesAcrossWords(ObjectNode root) {
            TokenizerJson.rename(root, "<0xE4>", "e\u2581");
            TokenizerJson.rename(root, "<0xE5>", "e\u2581the");
            ArrayNode merges = (ArrayNode) root.path("model").path("merges");
            merges.insert(0, "e \u2581").insert(1, "e \u2581the");
        }
    }

    @ParameterizedTest
    @EnumSource
    void randomTextsBecomeTheIdsThatHuggingFaceGives(Variant variant) throws IOException {
        Path file = TokenizerJson.write(folder, variant.change);
        Tokenizer tokenizer = Tokenizer.load(file);
        long seed = new Random().nextLong();
        RandomText texts = new RandomText(seed);
        try (Oracle oracle = Oracle.load(file)) {
            for (int i = 0; i < TEXTS; i++) {
                String text = texts.next(25) + (i % 2 == 0 ? "" : " The house the house, standing.");
                int[] ids = oracle.encodeWithBos(text);
                assertThat(tokenizer.encodeWithBos(text))
                        .as("seed %d, text <%s>", seed, text)
                        .containsExactly(ids);
                assertThat(tokenizer.decode(ids, true))
                        .as("seed %d, text <%s>", seed, text)
                        .isEqualTo(oracle.decode(ids, true));
            }
        }
    }
}
