package dev.gatun.offload;

/**
 * Decides whether it pays to copy experts behind the host, by what became of those that stayed. Each is watched until its layer
 * has chosen so many times: what is counted is how much oftener it was chosen than the one that it took the place of. Where
 * routing has favourites that is a lot; where it has none it is nothing, and the chunks that needs had to wait for are
 * lost. Then all but a few candidates, on trial, are turned away.
 */
final class FollowControl {
    private static final int CHOICES = 32;
    private static final int MOST_WATCHED = 64;

    /** The weight of the newest in the mean. */
    private static final double NEWEST = 1 / 16.0;

    /** To begin with it is taken to pay. */
    private static final double AT_FIRST = 4;

    /** Misses that have to be saved: chunks hold up needs for about as long as one takes to be served. */
    private static final double BREAK_EVEN = 1;

    /** Candidates of which one is let through on trial. */
    private static final int UNTIL_TRIAL = 256;

    private final int experts;
    private final int[] stayed = new int[MOST_WATCHED];
    private final int[] gone = new int[MOST_WATCHED];
    private final int[] choices = new int[MOST_WATCHED];
    private final int[] saved = new int[MOST_WATCHED];
    private int count;
    private double worth = AT_FIRST;
    private int untilTrial = UNTIL_TRIAL;

    /**
     * Makes a control.
     *
     * @param experts of a layer
     */
    FollowControl(int experts) {
        this.experts = experts;
    }

    /** Whether one more candidate is wanted. */
    boolean wantsOne() {
        if (worth > BREAK_EVEN) {
            return true;
        }
        untilTrial--;
        if (untilTrial > 0) {
            return false;
        }
        untilTrial = UNTIL_TRIAL;
        return true;
    }

    /** An expert stays, numbered layer by layer, in place of another one or of {@link ExpertCache#NONE}. */
    void stays(int expert, int other) {
        if (count < MOST_WATCHED) {
            stayed[count] = expert;
            gone[count] = other;
            choices[count] = 0;
            saved[count] = 0;
            count++;
        }
    }

    /** A layer has chosen. */
    void chosen(LayerChoice choice) {
        for (int i = count - 1; i >= 0; i--) {
            if (stayed[i] / experts == choice.layer()) {
                compare(i, choice);
                if (++choices[i] == CHOICES) {
                    worth += NEWEST * (saved[i] - worth);
                    remove(i);
                }
            }
        }
    }

    private void compare(int watched, LayerChoice choice) {
        for (int i = 0; i < choice.count(); i++) {
            saved[watched] += choice.number(i) == stayed[watched] ? 1 : 0;
            saved[watched] -= choice.number(i) == gone[watched] ? 1 : 0;
        }
    }

    private void remove(int index) {
        count--;
        stayed[index] = stayed[count];
        gone[index] = gone[count];
        choices[index] = choices[count];
        saved[index] = saved[count];
    }

    /** What was watched is in place no longer. */
    void reset() {
        count = 0;
    }
}
