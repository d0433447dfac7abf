package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class FollowControlTest {
    private static final CacheShape SHAPE = new CacheShape(4, 8, 16, 4, CacheShape.Sharing.PER_LAYER);

    /** Expert 1 stays in place of 0 in every layer, and is chosen with this probability more often. */
    private static double wanted(FollowControl control, Random random, int tokens, double more) {
        LayerChoice choice = new LayerChoice(1);
        int wanted = 0;
        for (int token = 0; token < tokens; token++) {
            for (int layer = 0; layer < SHAPE.layers(); layer++) {
                boolean isWanted = control.wantsOne();
                wanted += isWanted ? 1 : 0;
                if (isWanted) {
                    control.stays(8 * layer + 1, 8 * layer);
                }
                int expert = random.nextDouble() < more ? 1 : random.nextInt(8);
                choice.set(SHAPE, layer, new int[] {expert}, 1, new int[1], new int[1]);
                control.chosen(choice);
            }
        }
        return (double) wanted / (tokens * SHAPE.layers());
    }

    @Test
    void itPaysAsLongAsWhatStaysIsChosenMoreOften() {
        FollowControl control = new FollowControl(SHAPE.experts());
        assertThat(wanted(control, new Random(1), 1000, 0.3)).isEqualTo(1);
        wanted(control, new Random(2), 500, 0);
        assertThat(wanted(control, new Random(3), 4000, 0)).isBetween(0.001, 0.25);
    }

    @Test
    void onTrialItIsFoundToPayAgain() {
        FollowControl control = new FollowControl(SHAPE.experts());
        wanted(control, new Random(1), 2000, 0);
        wanted(control, new Random(2), 8000, 0.5);
        assertThat(wanted(control, new Random(3), 500, 0.5)).isEqualTo(1);
    }
}
