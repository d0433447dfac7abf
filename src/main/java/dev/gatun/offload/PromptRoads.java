package dev.gatun.offload;

import java.util.Arrays;

/**
 * Divides the absent experts that a chunk of a prompt has chosen between the two roads. An expert is uploaded once however
 * many tokens need it, but the host's processor takes longer the more there are: so the host computes those with the fewest
 * tokens, and as many that both roads end together. Among what is compared is all over the link.
 */
public final class PromptRoads {
    private final double linkSeconds;
    private final double[] groupSeconds;

    /**
     * Makes a choice from what was measured.
     *
     * @param linkSeconds what the upload of an expert takes
     * @param groupSeconds what it takes the host to compute an expert for 1, 2, ... tokens at once, all that is done for it
     *     included; more tokens are computed in groups of as many as there are times
     */
    public PromptRoads(double linkSeconds, double... groupSeconds) {
        this.linkSeconds = linkSeconds;
        this.groupSeconds = groupSeconds.clone();
        boolean arePositive = linkSeconds > 0 && Arrays.stream(groupSeconds).allMatch(seconds -> seconds > 0);
        if (!arePositive || groupSeconds.length == 0) {
            throw new IllegalArgumentException("an expert in " + linkSeconds + " s over the link, or by the host in "
                    + Arrays.toString(groupSeconds) + " s");
        }
    }

    /** What it takes the host to compute an expert for so many tokens, in seconds. */
    public double processorSeconds(int tokens) {
        int most = groupSeconds.length;
        int groups = tokens / most;
        int rest = tokens % most;
        return groups * groupSeconds[most - 1] + (rest == 0 ? 0 : groupSeconds[rest - 1]);
    }

    /** The most tokens for which the host computes a single absent expert no later than it is fetched; 0 if it never does. */
    public int breakEvenTokens() {
        int tokens = 0;
        while (processorSeconds(tokens + 1) <= linkSeconds) {
            tokens++;
        }
        return tokens;
    }

    /**
     * Chooses what the host computes.
     *
     * @param tokens of each absent expert, at least 1, in the first {@code count} elements
     * @param byHost receives for each whether the host computes it
     * @return for how many it does
     */
    public int choose(int[] tokens, int count, boolean[] byHost) {
        Arrays.fill(byHost, 0, count, false);
        double processor = 0;
        double ends = count * linkSeconds;
        int left = 0;
        for (; left < count; left++) {
            int next = fewest(tokens, count, byHost);
            processor += processorSeconds(tokens[next]);
            double wouldEnd = Math.max(processor, (count - left - 1) * linkSeconds);
            // What ends later with one expert more does so with any number more: the host is the later one then.
            if (wouldEnd >= ends) {
                break;
            }
            ends = wouldEnd;
            byHost[next] = true;
        }
        return left;
    }

    private static int fewest(int[] tokens, int count, boolean[] taken) {
        int fewest = -1;
        for (int i = 0; i < count; i++) {
            if (!taken[i] && (fewest < 0 || tokens[i] < tokens[fewest])) {
                fewest = i;
            }
        }
        return fewest;
    }
}
