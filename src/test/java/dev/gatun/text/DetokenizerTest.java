package dev.gatun.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The pieces of a stream against the whole. */
class DetokenizerTest {
    private static final int SEQUENCES = 3000;

    @ParameterizedTest
    @EnumSource
    void thePiecesTogetherAreTheDecodedText(TestVocabulary vocabulary) {
        Tokenizer tokenizer = vocabulary.tokenizer();
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int i = 0; i < SEQUENCES; i++) {
            int[] ids = RandomIds.next(random, tokenizer.vocabularySize());
            boolean skipSpecial = random.nextBoolean();
            assertThat(stream(Detokenizer.atStart(tokenizer, skipSpecial), ids))
                    .as("seed %d, ids %s", seed, Arrays.toString(ids))
                    .isEqualTo(tokenizer.decode(ids, skipSpecial));
        }
    }

    @ParameterizedTest
    @EnumSource
    void aContinuationIsWhatTheWholeTextAddsToThePrompt(TestVocabulary vocabulary) {
        Tokenizer tokenizer = vocabulary.tokenizer();
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        int[] prompt = tokenizer.encodeWithBos("A house");
        String promptText = tokenizer.decode(prompt, true);
        for (int i = 0; i < SEQUENCES; i++) {
            int[] ids = RandomIds.next(random, tokenizer.vocabularySize());
            String whole = tokenizer.decode(join(prompt, ids), true);
            assertThat(promptText + stream(Detokenizer.continuing(tokenizer, true), ids))
                    .as("seed %d, ids %s", seed, Arrays.toString(ids))
                    .isEqualTo(whole);
        }
    }

    @ParameterizedTest
    @EnumSource
    void noPieceEndsInsideACharacter(TestVocabulary vocabulary) {
        Tokenizer tokenizer = vocabulary.tokenizer();
        Detokenizer detokenizer = Detokenizer.atStart(tokenizer, false);
        for (int id : tokenizer.encode("x 😀👩‍👩‍👧𝔘 y 𠜎𠜱 z")) {
            String piece = detokenizer.append(id);
            assertThat(piece.codePoints()).noneMatch(c -> Character.getType(c) == Character.SURROGATE);
            assertThat(piece).doesNotContain("\uFFFD");
        }
    }

    @ParameterizedTest
    @EnumSource
    void textIsGivenAsSoonAsItIsCertain(TestVocabulary vocabulary) {
        Tokenizer tokenizer = vocabulary.tokenizer();
        Detokenizer detokenizer = Detokenizer.continuing(tokenizer, true);
        assertThat(detokenizer.append(tokenizer.id("\u2581the").orElseThrow())).isEqualTo(" the");
        assertThat(detokenizer.append(tokenizer.id("<0xF0>").orElseThrow())).isEmpty();
        assertThat(detokenizer.append(tokenizer.id("<0x41>").orElseThrow())).isEqualTo("\uFFFD\uFFFD");
        assertThat(detokenizer.append(tokenizer.id("<0x41>").orElseThrow())).isEqualTo("\uFFFD");
        assertThat(detokenizer.append(tokenizer.id("\u2581the").orElseThrow())).isEqualTo(" the");
        assertThat(detokenizer.append(tokenizer.id("<0x41>").orElseThrow())).isEmpty();
        assertThat(detokenizer.finish()).isEqualTo("A");
        assertThat(detokenizer.finish()).isEmpty();
    }

    private static String stream(Detokenizer detokenizer, int[] ids) {
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(detokenizer.append(id));
        }
        return text.append(detokenizer.finish()).toString();
    }

    private static int[] join(int[] first, int[] second) {
        TokenIds ids = new TokenIds();
        ids.addAll(first);
        ids.addAll(second);
        return ids.toArray();
    }
}
