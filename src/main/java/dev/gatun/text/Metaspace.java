package dev.gatun.text;

import java.util.ArrayList;
import java.util.List;

/**
 * The pre-tokenizer that writes spaces as another character, puts one before a text that has none there, and may cut
 * before each.
 *
 * @param replacement the character for a space
 * @param prefixing where one is put before the text
 * @param split whether every such character begins a word of its own
 */
record Metaspace(char replacement, Prefixing prefixing, boolean split) {
    /** Which stretches of text between added tokens get a space before them. */
    enum Prefixing {
        ALWAYS,
        FIRST,
        NEVER
    }

    /**
     * The words of a stretch of text.
     *
     * @param first whether the whole text begins with this stretch
     */
    List<String> words(String stretch, boolean first) {
        String marked = stretch.replace(' ', replacement);
        boolean prefix = prefixing == Prefixing.ALWAYS || (prefixing == Prefixing.FIRST && first);
        if (prefix && !marked.isEmpty() && marked.charAt(0) != replacement) {
            marked = replacement + marked;
        }
        return split ? cut(marked) : List.of(marked);
    }

    private List<String> cut(String marked) {
        List<String> words = new ArrayList<>();
        int start = 0;
        while (start < marked.length()) {
            int end = marked.indexOf(replacement, start + 1);
            end = end < 0 ? marked.length() : end;
            words.add(marked.substring(start, end));
            start = end;
        }
        return words;
    }
}
