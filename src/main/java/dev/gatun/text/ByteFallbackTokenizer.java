package dev.gatun.text;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Byte-pair encoding over characters, with byte pieces for those that the vocabulary lacks (Mistral, Mixtral, Llama 2). */
final class ByteFallbackTokenizer implements Tokenizer {
    /**
     * Everything the file says.
     *
     * @param tokens all tokens, added ones included
     * @param model pieces and merges
     * @param rawTokens added tokens that are looked for in the text as given
     * @param normalizedTokens added tokens that are looked for after normalization, their content normalized
     * @param normalizer what changes each stretch between raw tokens, in order
     * @param metaspace how stretches become words; empty if each is one word
     * @param leadingIds what {@link #encodeWithBos} puts first
     * @param decoder the way back
     */
    record Definition(
            Vocabulary tokens,
            BpeModel model,
            AddedTokens rawTokens,
            AddedTokens normalizedTokens,
            List<NormalizerStep> normalizer,
            Optional<Metaspace> metaspace,
            List<Integer> leadingIds,
            TokenDecoder decoder) {}

    private final Definition definition;
    private final int[] bytePieces;

    ByteFallbackTokenizer(Definition definition) {
        this.definition = definition;
        this.bytePieces = definition.model().vocabulary().bytePieces();
    }

    TokenDecoder decoder() {
        return definition.decoder();
    }

    @Override
    public int[] encode(String text) {
        TokenIds ids = new TokenIds();
        encode(text, ids);
        return ids.toArray();
    }

    @Override
    public int[] encodeWithBos(String text) {
        TokenIds ids = new TokenIds();
        definition.leadingIds().forEach(ids::add);
        encode(text, ids);
        return ids.toArray();
    }

    private void encode(String text, TokenIds ids) {
        BpeEncoder encoder = new BpeEncoder(definition.model(), bytePieces, ids);
        for (AddedTokens.Stretch stretch : definition.rawTokens().cut(withoutLoneSurrogates(text))) {
            if (stretch.isToken()) {
                ids.add(stretch.id());
            } else {
                encodeNormalized(stretch, encoder, ids);
            }
        }
    }

    private void encodeNormalized(AddedTokens.Stretch raw, BpeEncoder encoder, TokenIds ids) {
        String normalized = raw.text();
        for (NormalizerStep step : definition.normalizer()) {
            normalized = step.apply(normalized);
        }
        for (AddedTokens.Stretch stretch : definition.normalizedTokens().cut(normalized)) {
            if (stretch.isToken()) {
                ids.add(stretch.id());
            } else {
                boolean first = raw.start() == 0 && stretch.start() == 0;
                words(stretch.text(), first).forEach(encoder::encode);
            }
        }
    }

    private List<String> words(String stretch, boolean first) {
        return definition
                .metaspace()
                .map(metaspace -> metaspace.words(stretch, first))
                .orElse(List.of(stretch));
    }

    private static String withoutLoneSurrogates(String text) {
        int[] lone = text.codePoints()
                .filter(codePoint -> codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE)
                .limit(1)
                .toArray();
        if (lone.length == 0) {
            return text;
        }
        return text.codePoints()
                .map(codePoint -> Character.getType(codePoint) == Character.SURROGATE ? 0xFFFD : codePoint)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    @Override
    public String decode(int[] ids, boolean skipSpecial) {
        Detokenizer detokenizer = Detokenizer.atStart(this, skipSpecial);
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(detokenizer.append(id));
        }
        return text.append(detokenizer.finish()).toString();
    }

    @Override
    public int vocabularySize() {
        return definition.tokens().size();
    }

    @Override
    public OptionalInt id(String token) {
        return definition.tokens().id(token);
    }

    @Override
    public boolean isSpecial(int id) {
        return decoder().isSpecial(id);
    }
}
