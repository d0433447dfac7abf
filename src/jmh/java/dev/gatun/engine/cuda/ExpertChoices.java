package dev.gatun.engine.cuda;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** What a router could choose. */
final class ExpertChoices {
    private static final int SETS = 4;

    private final int[] ids;

    private ExpertChoices(int[] ids) {
        this.ids = ids;
    }

    /** Several sets, which use all experts between them. */
    static List<ExpertChoices> some(int tokens, int experts, int expertsPerToken) {
        return IntStream.range(0, SETS)
                .mapToObj(set -> of(tokens, experts, expertsPerToken, set))
                .toList();
    }

    private static ExpertChoices of(int tokens, int experts, int expertsPerToken, int set) {
        SplittableRandom random = new SplittableRandom(set);
        int[] ids = new int[tokens * expertsPerToken];
        for (int token = 0; token < tokens; token++) {
            int first = token == 0 ? set * expertsPerToken : random.nextInt(experts);
            for (int k = 0; k < expertsPerToken; k++) {
                int step = token == 0 ? k : k * (1 + random.nextInt(experts - 1));
                ids[token * expertsPerToken + k] = (first + step) % experts;
            }
        }
        return new ExpertChoices(ids);
    }

    /** [tokens, expertsPerToken], different for one token. */
    int[] ids() {
        return ids.clone();
    }

    /** How many experts are among them. */
    int distinct() {
        return (int) Arrays.stream(ids).distinct().count();
    }
}
