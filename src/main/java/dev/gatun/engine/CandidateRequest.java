package dev.gatun.engine;

/**
 * What is searched for.
 *
 * @param wanted how many candidates, 1 to 256
 * @param inverseTemperature 1 / temperature, for the mass of all tokens; positive
 * @param penalty divides positive and multiplies negative logits of recent tokens; 1 for none
 */
public record CandidateRequest(int wanted, double inverseTemperature, double penalty) {
    /** The most candidates. */
    public static final int MOST = 256;

    private static final double LARGEST_INVERSE = 1e300;

    public CandidateRequest {
        if (wanted < 1 || wanted > MOST) {
            throw new IllegalArgumentException(wanted + " candidates: 1 to " + MOST + " can be wanted");
        }
        if (!(inverseTemperature > 0) || inverseTemperature > LARGEST_INVERSE || !(penalty > 0)) {
            throw new IllegalArgumentException("inverse temperature " + inverseTemperature + ", penalty " + penalty
                    + ": both must be positive and finite");
        }
    }
}
