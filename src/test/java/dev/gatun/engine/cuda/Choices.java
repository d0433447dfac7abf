package dev.gatun.engine.cuda;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Which experts tokens go to. Choices of what is no expert, or of the absent one, add nothing.
 *
 * @param ids [tokens &middot; topK]
 * @param weights of each choice
 * @param absent the expert that is not there, or -1
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Choices(int topK, int[] ids, float[] weights, int absent) {
    int tokens() {
        return ids.length / topK;
    }

    boolean adds(int choice, int experts) {
        return ids[choice] >= 0 && ids[choice] < experts && ids[choice] != absent;
    }

    /** The 2-norm of the weights of a token's choices that add something. */
    double norm(int token, int experts) {
        return Math.sqrt(IntStream.range(token * topK, (token + 1) * topK)
                .filter(choice -> adds(choice, experts))
                .mapToDouble(choice -> (double) weights[choice] * weights[choice])
                .sum());
    }

    /** The same for who takes only experts that are there, different ones for a token: those that add nothing weigh 0. */
    Choices known(int experts) {
        int[] all = ids.clone();
        float[] shares = weights.clone();
        for (int i = 0; i < all.length; i++) {
            if (!adds(i, experts)) {
                int from = i - i % topK;
                all[i] = IntStream.range(0, experts)
                        .filter(e -> Arrays.stream(all, from, from + topK).noneMatch(id -> id == e))
                        .findFirst()
                        .orElse(all[i]);
                shares[i] = 0;
            }
        }
        return new Choices(topK, all, shares, -1);
    }
}
