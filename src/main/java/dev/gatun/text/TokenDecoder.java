package dev.gatun.text;

import java.util.List;

/**
 * What each token says, and how the whole is trimmed.
 *
 * @param texts by id
 * @param special by id
 * @param leadingSpaces how many spaces at most are cut from the start of a decoded text
 */
record TokenDecoder(List<TokenText> texts, List<Boolean> special, int leadingSpaces) {
    TokenDecoder {
        texts = List.copyOf(texts);
        special = List.copyOf(special);
    }

    boolean contains(int id) {
        return id >= 0 && id < texts.size();
    }

    boolean isSpecial(int id) {
        return contains(id) && special.get(id);
    }
}
