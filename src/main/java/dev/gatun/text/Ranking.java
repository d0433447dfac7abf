package dev.gatun.text;

/**
 * Tokens from the highest score down, the lower id first among equals, sorted only as far as somebody looks: building is
 * linear, each further rank costs a logarithm. Scratch memory that is used again for every token.
 */
final class Ranking implements RankedTokens {
    private float[] scores = {};
    /** A heap of what is not ranked yet in front, and the ranked from the end backwards. */
    private int[] ids = {};

    private int size;
    private int unranked;

    /** Begins anew with all tokens whose score is above −∞. The scores must stay as they are until the next call. */
    void reset(float[] newScores) {
        scores = newScores;
        if (ids.length < newScores.length) {
            ids = new int[newScores.length];
        }
        size = 0;
        for (int id = 0; id < newScores.length; id++) {
            if (newScores[id] > Float.NEGATIVE_INFINITY) {
                ids[size++] = id;
            }
        }
        unranked = size;
        for (int root = size / 2 - 1; root >= 0; root--) {
            sink(root, ids[root]);
        }
    }

    /** How many tokens can be ranked. */
    @Override
    public int size() {
        return size;
    }

    @Override
    public boolean complete() {
        return true;
    }

    @Override
    public int id(int rank) {
        while (size - unranked <= rank) {
            int best = ids[0];
            int last = ids[--unranked];
            sink(0, last);
            ids[unranked] = best;
        }
        return ids[size - 1 - rank];
    }

    @Override
    public float score(int rank) {
        return scores[id(rank)];
    }

    @Override
    public double mass(double temperature) {
        float best = score(0);
        double mass = 0;
        for (float score : scores) {
            mass += Sampler.weight(score, best, temperature);
        }
        return mass;
    }

    @Override
    public double massError() {
        return 0;
    }

    private void sink(int root, int id) {
        int hole = root;
        for (int child = 2 * hole + 1; child < unranked; child = 2 * hole + 1) {
            if (child + 1 < unranked && precedes(ids[child + 1], ids[child])) {
                child++;
            }
            if (precedes(id, ids[child])) {
                break;
            }
            ids[hole] = ids[child];
            hole = child;
        }
        if (hole < unranked) {
            ids[hole] = id;
        }
    }

    private boolean precedes(int first, int second) {
        return scores[first] > scores[second] || (scores[first] == scores[second] && first < second);
    }
}
