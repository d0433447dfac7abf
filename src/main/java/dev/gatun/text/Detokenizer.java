package dev.gatun.text;

/**
 * Turns tokens into text as they come. The pieces together are what {@link Tokenizer#decode} gives for all tokens; no
 * piece ends inside a character, and no space is lost or added between pieces. Not thread-safe; one instance a text.
 *
 * <p>A run of byte tokens is held back until it ends, because a fault in it changes all of it.
 */
public final class Detokenizer {
    private final TokenDecoder decoder;
    private final boolean skipSpecial;
    private final Utf8Run bytes = new Utf8Run();
    private int spacesToCut;

    private Detokenizer(TokenDecoder decoder, boolean skipSpecial, int spacesToCut) {
        this.decoder = decoder;
        this.skipSpecial = skipSpecial;
        this.spacesToCut = spacesToCut;
    }

    /**
     * For tokens that are the start of a text: the space that the tokenizer puts before a text is cut off again.
     *
     * @param skipSpecial whether special tokens become nothing
     */
    public static Detokenizer atStart(Tokenizer tokenizer, boolean skipSpecial) {
        TokenDecoder decoder = decoder(tokenizer);
        return new Detokenizer(decoder, skipSpecial, decoder.leadingSpaces());
    }

    /**
     * For tokens that go on after others, such as those generated after a prompt: a leading space is a real one.
     *
     * @param skipSpecial whether special tokens become nothing
     */
    public static Detokenizer continuing(Tokenizer tokenizer, boolean skipSpecial) {
        return new Detokenizer(decoder(tokenizer), skipSpecial, 0);
    }

    private static TokenDecoder decoder(Tokenizer tokenizer) {
        return switch (tokenizer) {
            case ByteFallbackTokenizer byteFallback -> byteFallback.decoder();
        };
    }

    /** Takes the next token; returns the text that became certain by it, often empty. */
    public String append(int id) {
        if (!decoder.contains(id) || (skipSpecial && decoder.isSpecial(id))) {
            return "";
        }
        return switch (decoder.texts().get(id)) {
            case TokenText.SingleByte(byte value) -> cutSpaces(bytes.append(value));
            case TokenText.Characters(String text) -> cutSpaces(bytes.finish() + text);
        };
    }

    /** Ends the text; returns what was held back. */
    public String finish() {
        return cutSpaces(bytes.finish());
    }

    private String cutSpaces(String text) {
        if (spacesToCut == 0 || text.isEmpty()) {
            return text;
        }
        int cut = 0;
        while (cut < spacesToCut && cut < text.length() && text.charAt(cut) == ' ') {
            cut++;
        }
        spacesToCut = cut == text.length() ? spacesToCut - cut : 0;
        return text.substring(cut);
    }
}
