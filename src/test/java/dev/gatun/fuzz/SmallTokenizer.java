package dev.gatun.fuzz;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import tools.jackson.databind.json.JsonMapper;

/** The {@code tokenizer.json} of a vocabulary so small that it is read in no time. */
final class SmallTokenizer {
    private static final List<String> SPECIAL = List.of("<unk>", "<s>", "</s>");
    private static final List<String> PIECES =
            List.of("\u2581", "a", "b", "c", "d", "e", "h", "i", "n", "o", "s", "t", ".", "\u00e9", "\ud83d\ude00");
    private static final List<String> MERGES =
            List.of("\u2581 t", "h e", "\u2581t he", "i n", "n d", "\u2581 a", "a nd", "\u2581a nd", "\u2581 \u2581");

    private SmallTokenizer() {}

    /** With a normalizer as Mixtral's, 27 tokens, and 256 more if there is one for every byte. */
    static String json(boolean bytes) {
        return text(bytes, normalizer(), null);
    }

    /** The same with a pre-tokenizer instead of the normalizer. */
    static String withMetaspace() {
        return text(
                true,
                null,
                ordered("type", "Metaspace", "replacement", "\u2581", "prepend_scheme", "first", "split", true));
    }

    private static String text(boolean bytes, Map<String, Object> normalizer, Map<String, Object> preTokenizer) {
        Map<String, Object> root = new LinkedHashMap<>();
        root.put("version", "1.0");
        root.put("truncation", null);
        root.put("padding", null);
        root.put("added_tokens", SPECIAL.stream().map(SmallTokenizer::added).toList());
        root.put("normalizer", normalizer);
        root.put("pre_tokenizer", preTokenizer);
        root.put("post_processor", postProcessor());
        root.put("decoder", decoder());
        root.put("model", model(bytes));
        return JsonMapper.shared().writeValueAsString(root);
    }

    private static Map<String, Object> added(String content) {
        return ordered(
                "id",
                SPECIAL.indexOf(content),
                "content",
                content,
                "single_word",
                false,
                "lstrip",
                false,
                "rstrip",
                false,
                "normalized",
                false,
                "special",
                true);
    }

    private static Map<String, Object> normalizer() {
        return ordered(
                "type",
                "Sequence",
                "normalizers",
                List.of(ordered("type", "Prepend", "prepend", "\u2581"), replace(" ", "\u2581")));
    }

    private static Map<String, Object> replace(String from, String to) {
        return ordered("type", "Replace", "pattern", Map.of("String", from), "content", to);
    }

    private static Map<String, Object> postProcessor() {
        return ordered(
                "type",
                "TemplateProcessing",
                "single",
                List.of(
                        Map.of("SpecialToken", ordered("id", "<s>", "type_id", 0)),
                        Map.of("Sequence", ordered("id", "A", "type_id", 0))),
                "special_tokens",
                Map.of("<s>", ordered("id", "<s>", "ids", List.of(1), "tokens", List.of("<s>"))));
    }

    private static Map<String, Object> decoder() {
        return ordered(
                "type",
                "Sequence",
                "decoders",
                List.of(
                        replace("\u2581", " "),
                        Map.of("type", "ByteFallback"),
                        Map.of("type", "Fuse"),
                        ordered("type", "Strip", "content", " ", "start", 1, "stop", 0)));
    }

    private static Map<String, Object> model(boolean bytes) {
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        SPECIAL.forEach(piece -> vocabulary.put(piece, vocabulary.size()));
        for (int value = 0; bytes && value < 256; value++) {
            vocabulary.put("<0x%02X>".formatted(value), vocabulary.size());
        }
        PIECES.forEach(piece -> vocabulary.put(piece, vocabulary.size()));
        MERGES.forEach(merge -> vocabulary.put(merge.replace(" ", ""), vocabulary.size()));
        return ordered(
                "type",
                "BPE",
                "dropout",
                null,
                "unk_token",
                "<unk>",
                "fuse_unk",
                true,
                "byte_fallback",
                bytes,
                "vocab",
                vocabulary,
                "merges",
                MERGES);
    }

    private static SequencedMap<String, Object> ordered(Object... namesAndValues) {
        SequencedMap<String, Object> map = new LinkedHashMap<>();
        for (int at = 0; at < namesAndValues.length; at += 2) {
            map.put((String) namesAndValues[at], namesAndValues[at + 1]);
        }
        return map;
    }
}
