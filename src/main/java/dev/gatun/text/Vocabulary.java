package dev.gatun.text;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.OptionalInt;

/** The ids of pieces. Immutable. */
final class Vocabulary {
    private static final int ABSENT = -1;
    private static final int BASIC_PLANE = 0x10000;

    private final Map<String, Integer> ids;
    /** The ids of one-character pieces, by UTF-16 unit: the first step of the encoder asks for each character. */
    private final int[] basicCharacters = new int[BASIC_PLANE];

    Vocabulary(Map<String, Integer> ids) {
        this.ids = Map.copyOf(ids);
        for (int unit = 0; unit < BASIC_PLANE; unit++) {
            basicCharacters[unit] = ids.getOrDefault(String.valueOf((char) unit), ABSENT);
        }
    }

    int size() {
        return ids.size();
    }

    OptionalInt id(String piece) {
        Integer id = ids.get(piece);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /** The id of the piece that is just this code point, or -1. */
    int character(int codePoint) {
        return codePoint < BASIC_PLANE
                ? basicCharacters[codePoint]
                : ids.getOrDefault(Character.toString(codePoint), ABSENT);
    }

    /** The ids of the byte pieces, {@code <0x00>} to {@code <0xFF>}; -1 for those that are missing. */
    int[] bytePieces() {
        int[] bytes = new int[256];
        for (int value = 0; value < bytes.length; value++) {
            bytes[value] = ids.getOrDefault("<0x%02X>".formatted(value), ABSENT);
        }
        return bytes;
    }

    static byte[] utf8(int codePoint) {
        return Character.toString(codePoint).getBytes(StandardCharsets.UTF_8);
    }
}
