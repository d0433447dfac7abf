package dev.gatun.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;

/**
 * Compares the routers' choices for one prompt with the reference's, for eight experts of which two are chosen. Where the
 * reference's choice is not clear, rounding may choose another expert; from the next layer on that token, and all after it,
 * see something else and are not compared any more.
 */
final class RoutingComparison implements RoutingObserver {
    private static final int EXPERTS = 8;
    private static final int CHOSEN = 2;

    private final ReferenceFolder folder;
    private final String file;
    private final int tokens;
    private final double clearMargin;
    private final double tolerance;
    private int comparable;
    private int compared;
    private int layers;

    RoutingComparison(ReferenceFolder folder, String prompt, int tokens, double clearMargin, double tolerance) {
        this.folder = folder;
        this.file = "router-" + prompt + ".safetensors";
        this.tokens = tokens;
        this.clearMargin = clearMargin;
        this.tolerance = tolerance;
        this.comparable = tokens;
    }

    @Override
    public void routed(int layer, int count, int[] ids, float[] weights) {
        assertThat(layer).isEqualTo(layers++);
        assertThat(count).isEqualTo(tokens);
        float[] logits = folder.floats(file, "layers." + layer + ".logits");
        int[] expectedIds = folder.ints(file, "layers." + layer + ".indices");
        float[] expectedWeights = folder.floats(file, "layers." + layer + ".weights");
        int same = comparable;
        for (int token = comparable - 1; token >= 0; token--) {
            boolean clear = margin(logits, token * EXPERTS) > clearMargin;
            for (int choice = token * CHOSEN; choice < (token + 1) * CHOSEN; choice++) {
                if (clear) {
                    compared++;
                    assertThat(ids[choice])
                            .as("layer %d token %d", layer, token)
                            .isEqualTo(expectedIds[choice]);
                    assertThat((double) weights[choice])
                            .as("layer %d token %d", layer, token)
                            .isCloseTo(expectedWeights[choice], within(tolerance));
                } else if (ids[choice] != expectedIds[choice]) {
                    same = token;
                }
            }
        }
        comparable = same;
    }

    /** The smallest gap among the three largest logits. */
    private static double margin(float[] logits, int offset) {
        float[] sorted = Arrays.copyOfRange(logits, offset, offset + EXPERTS);
        Arrays.sort(sorted);
        return Math.min(sorted[EXPERTS - 1] - sorted[EXPERTS - 2], sorted[EXPERTS - 2] - sorted[EXPERTS - 3]);
    }

    /** Fails unless all layers were heard of, and more than half of all choices were compared. */
    void assertComplete(int expectedLayers) {
        assertThat(layers).isEqualTo(expectedLayers);
        assertThat(compared).as("choices compared").isGreaterThan(layers * tokens * CHOSEN / 2);
    }
}
