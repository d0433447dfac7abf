package dev.gatun.text;

import java.util.OptionalInt;

/**
 * What the {@code model} section of a {@code tokenizer.json} says.
 *
 * @param vocabulary the pieces that text can become; added tokens only if the model lists them, too
 * @param merges which pieces join
 * @param unknown the token of characters that are no piece and have no byte pieces; if empty, every byte has its piece
 * @param fuseUnknown whether neighbouring unknown characters become one token
 * @param byteFallback whether a character that is no piece becomes its UTF-8 bytes' pieces
 * @param ignoreMerges whether a word that is a piece becomes that piece at once
 * @param boundary the character that never joins to what stands before it, unless that is this character, too: a word may
 *     be cut there without changing the result; empty if the merges have no such rule
 */
record BpeModel(
        Vocabulary vocabulary,
        MergeTable merges,
        OptionalInt unknown,
        boolean fuseUnknown,
        boolean byteFallback,
        boolean ignoreMerges,
        OptionalInt boundary) {}
