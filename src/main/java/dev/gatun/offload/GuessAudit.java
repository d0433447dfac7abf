package dev.gatun.offload;

/** Compares guesses with choices, and with what lies in a cache: what they would have been worth. */
final class GuessAudit {
    private final RoutingGuesses guesses;
    private final ExpertCache cache;
    private final int ahead;
    private final int k;
    private long copied;
    private long right;
    private long misses;
    private long layers;

    /**
     * @param ahead how many layers early the guesses are made
     * @param k how many of a ranking count, the likeliest
     */
    GuessAudit(RoutingGuesses guesses, ExpertCache cache, int ahead, int k) {
        this.guesses = guesses;
        this.cache = cache;
        this.ahead = ahead;
        this.k = k;
    }

    /** Looks at one layer's choice, before the cache is asked for it. */
    void look(int token, int layer, int[] chosen) {
        if (layer < ahead) {
            return;
        }
        layers++;
        for (int rank = 0; rank < k; rank++) {
            copied += isAbsent(layer, guesses.expert(token, layer - ahead, ahead, rank)) ? 1 : 0;
        }
        for (int expert : chosen) {
            if (isAbsent(layer, expert)) {
                misses++;
                right += guesses.rankOf(token, layer - ahead, ahead, expert) < k ? 1 : 0;
            }
        }
    }

    private boolean isAbsent(int layer, int expert) {
        return cache.slotOf(layer, expert) == ExpertCache.NONE;
    }

    GuessWorth worth() {
        return new GuessWorth(copied, right, misses, layers);
    }
}
