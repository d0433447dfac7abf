package dev.gatun.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.text.TestVocabulary.Oracle;
import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Our tokenizer against what Hugging Face's gives for the same file. */
class TokenizerTest {
    private static final int TEXTS = 3000;

    @ParameterizedTest
    @EnumSource
    void everyReferenceTextBecomesTheReferenceIdsAndBack(TestVocabulary vocabulary) {
        Tokenizer tokenizer = vocabulary.tokenizer();
        JsonNode vectors =
                JsonMapper.shared().readTree(vocabulary.vectors.toFile()).path("vectors");
        assertThat(vectors.size()).isEqualTo(442);
        for (JsonNode vector : vectors) {
            String text = vector.path("text").stringValue();
            int[] ids = ids(vector.path("ids"));
            assertThat(tokenizer.encode(text)).as("ids of <%s>", text).containsExactly(ids);
            assertThat(tokenizer.encodeWithBos(text))
                    .as("ids with BOS of <%s>", text)
                    .containsExactly(ids(vector.path("ids_with_bos")));
            assertThat(tokenizer.decode(ids, false))
                    .isEqualTo(vector.path("decoded").stringValue());
            assertThat(tokenizer.decode(ids, true))
                    .isEqualTo(vector.path("decoded_skip_special").stringValue());
        }
    }

    @ParameterizedTest
    @EnumSource
    void randomTextsBecomeTheIdsThatHuggingFaceGives(TestVocabulary vocabulary) throws IOException {
        Tokenizer tokenizer = vocabulary.tokenizer();
        long seed = new Random().nextLong();
        RandomText texts = new RandomText(seed);
        try (Oracle oracle = Oracle.load(vocabulary.file)) {
            for (int i = 0; i < TEXTS; i++) {
                String text = texts.next(40);
                assertThat(tokenizer.encode(text))
                        .as("seed %d, text <%s>", seed, text)
                        .containsExactly(oracle.encode(text));
                assertThat(tokenizer.encodeWithBos(text))
                        .as("seed %d, text <%s>, with BOS", seed, text)
                        .containsExactly(oracle.encodeWithBos(text));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void randomIdsBecomeTheTextThatHuggingFaceGives(TestVocabulary vocabulary) throws IOException {
        Tokenizer tokenizer = vocabulary.tokenizer();
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        try (Oracle oracle = Oracle.load(vocabulary.file)) {
            for (int i = 0; i < TEXTS; i++) {
                int[] ids = RandomIds.next(random, tokenizer.vocabularySize());
                for (boolean skipSpecial : new boolean[] {false, true}) {
                    assertThat(tokenizer.decode(ids, skipSpecial))
                            .as("seed %d, ids %s, skipSpecial %s", seed, ids, skipSpecial)
                            .isEqualTo(oracle.decode(ids, skipSpecial));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aTextSurvivesTheWayThereAndBack(TestVocabulary vocabulary) {
        Tokenizer tokenizer = vocabulary.tokenizer();
        long seed = new Random().nextLong();
        RandomText texts = new RandomText(seed);
        for (int i = 0; i < TEXTS; i++) {
            // Token texts are read as tokens, and the space mark comes back as the space that it stands for.
            String text = texts.next(40).replace('\u2581', ' ').replace("<", "(");
            assertThat(tokenizer.decode(tokenizer.encode(text), false))
                    .as("seed %d", seed)
                    .isEqualTo(text);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aLoneSurrogateIsReadAsTheReplacementCharacter(TestVocabulary vocabulary) {
        Tokenizer tokenizer = vocabulary.tokenizer();
        assertThat(tokenizer.encode("a\uD800b\uDC00")).containsExactly(tokenizer.encode("a\uFFFDb\uFFFD"));
    }

    @Test
    void aTextWithoutSpacesTakesNoSquareOfItsLength() {
        Tokenizer tokenizer = TestVocabulary.MISTRAL.tokenizer();
        String text = "abcdefghijklmnopqrstuvwxyz".repeat(100_000);
        assertThat(tokenizer.decode(tokenizer.encode(text), false)).isEqualTo(text);
    }

    @ParameterizedTest
    @EnumSource
    void specialTokensAreKnownByNameAndId(TestVocabulary vocabulary) {
        Tokenizer tokenizer = vocabulary.tokenizer();
        assertThat(tokenizer.id("<s>")).hasValue(1);
        assertThat(tokenizer.id("no such token")).isEmpty();
        assertThat(tokenizer.isSpecial(1)).isTrue();
        assertThat(tokenizer.isSpecial(tokenizer.id("\u2581the").orElseThrow())).isFalse();
        assertThat(tokenizer.isSpecial(-1)).isFalse();
        assertThat(tokenizer.isSpecial(tokenizer.vocabularySize())).isFalse();
    }

    private static int[] ids(JsonNode array) {
        return array.valueStream().mapToInt(JsonNode::intValue).toArray();
    }
}
