package dev.gatun.text;

import java.nio.file.Path;
import java.util.OptionalInt;

/**
 * Text to token ids and back, exactly as the Hugging Face {@code tokenizers} library does it for the same
 * {@code tokenizer.json}. Immutable: one instance serves any number of threads.
 *
 * <p>What a file asks for and Gatun does not implement is refused by {@link #load}, never ignored. Not offered: offsets,
 * pairs of texts, truncation, padding, training.
 */
public sealed interface Tokenizer permits ByteFallbackTokenizer {
    /**
     * Reads a {@code tokenizer.json}: byte-pair encoding with byte fallback, as in Mistral, Mixtral and Llama 2.
     *
     * @throws TextException if the file is missing, is not JSON, contradicts itself or asks for what is not implemented
     */
    static Tokenizer load(Path tokenizerJson) {
        return TokenizerReader.read(tokenizerJson);
    }

    /**
     * The ids of a text, with nothing put before or after it. The text of an added token such as {@code </s>} becomes
     * that token. A surrogate without its other half is read as U+FFFD.
     */
    int[] encode(String text);

    /** {@link #encode} with the special tokens before it that the file's post-processor asks for, if it does. */
    int[] encodeWithBos(String text);

    /**
     * The text of some ids. Bytes that are not UTF-8 become U+FFFD, one for each byte of their run; ids that no token
     * has become nothing.
     *
     * @param skipSpecial whether special tokens become nothing, too
     */
    String decode(int[] ids, boolean skipSpecial);

    /** How many tokens there are; their ids are 0 to this, exclusive. */
    int vocabularySize();

    /** The id of the token with exactly this content. */
    OptionalInt id(String token);

    /** Whether this is the id of a special token, such as {@code <s>}; false for ids that no token has. */
    boolean isSpecial(int id);
}
