package dev.gatun.text;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Finds the text of added tokens in a text: the leftmost first, the longest of those that begin at one place. */
final class AddedTokens {
    /** A token to find. */
    record Entry(String content, int id) {}

    /**
     * A stretch of a text.
     *
     * @param id the token that it is, or -1 for text without one
     * @param text what it says
     * @param start where it begins
     */
    record Stretch(int id, String text, int start) {
        boolean isToken() {
            return id >= 0;
        }
    }

    private final Map<Character, List<Entry>> byFirst = new HashMap<>();

    AddedTokens(List<Entry> entries) {
        for (Entry entry : entries) {
            byFirst.computeIfAbsent(entry.content().charAt(0), _ -> new ArrayList<>())
                    .add(entry);
        }
        byFirst.values()
                .forEach(list -> list.sort(
                        Comparator.comparingInt((Entry entry) -> entry.content().length())
                                .reversed()));
    }

    /** Cuts a text into added tokens and what lies between them; no stretch is empty. */
    List<Stretch> cut(String text) {
        List<Stretch> stretches = new ArrayList<>();
        int start = 0;
        int at = byFirst.isEmpty() ? text.length() : 0;
        while (at < text.length()) {
            int id = -1;
            int length = 1;
            for (Entry entry : byFirst.getOrDefault(text.charAt(at), List.of())) {
                if (text.startsWith(entry.content(), at)) {
                    id = entry.id();
                    length = entry.content().length();
                    break;
                }
            }
            if (id >= 0) {
                addText(stretches, text, start, at);
                stretches.add(new Stretch(id, text.substring(at, at + length), at));
                start = at + length;
            }
            at += length;
        }
        addText(stretches, text, start, text.length());
        return stretches;
    }

    private static void addText(List<Stretch> stretches, String text, int start, int end) {
        if (start < end) {
            stretches.add(new Stretch(-1, text.substring(start, end), start));
        }
    }
}
