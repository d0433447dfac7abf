package dev.gatun.engine.cuda;

import java.util.Arrays;

/** The choices of a chunk's tokens in one layer: which experts, by whom. Used again and again. */
final class ChunkChoices {
    private final int topK;
    /** [tokens][topK] */
    private final int[] ids;

    private final int[] tokensOf;
    private final int[] experts;
    private int tokens;
    private int count;

    /**
     * Makes room.
     *
     * @param mostTokens of a chunk
     * @param experts of a layer
     */
    ChunkChoices(int mostTokens, int experts, int topK) {
        this.topK = topK;
        this.ids = new int[mostTokens * topK];
        this.tokensOf = new int[experts];
        this.experts = new int[experts];
    }

    /** Reads what has come of a layer, and makes room for the next. */
    void take(ChoiceWords words, int place, int chunk) {
        tokens = chunk;
        words.read(place, chunk, ids);
        count = words.take(place, 0, chunk, experts);
        Arrays.fill(tokensOf, 0);
        for (int i = 0; i < chunk * topK; i++) {
            tokensOf[ids[i]]++;
        }
    }

    /** The chosen experts, each once, in the first {@link #count} elements. */
    int[] experts() {
        return experts;
    }

    int count() {
        return count;
    }

    /** How many tokens chose an expert. */
    int tokens(int expert) {
        return tokensOf[expert];
    }

    /** Where an expert's choices begin when all are sorted by expert. */
    int firstRow(int expert) {
        int row = 0;
        for (int before = 0; before < expert; before++) {
            row += tokensOf[before];
        }
        return row;
    }

    /** The rank at which a token chose an expert, or -1 if it did not. */
    int rank(int token, int expert) {
        for (int rank = 0; rank < topK; rank++) {
            if (ids[token * topK + rank] == expert) {
                return rank;
            }
        }
        return -1;
    }

    /** Tokens of the chunk. */
    int tokens() {
        return tokens;
    }

    /** Takes experts off the chosen ones; who chose them is known still. */
    void without(int[] others, int number) {
        for (int i = 0; i < number; i++) {
            int kept = 0;
            for (int j = 0; j < count; j++) {
                if (experts[j] != others[i]) {
                    experts[kept++] = experts[j];
                }
            }
            count = kept;
        }
    }
}
