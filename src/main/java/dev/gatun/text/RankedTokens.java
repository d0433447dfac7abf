package dev.gatun.text;

/** Possible tokens from the best down, equals by rising id, as far as they are known. */
interface RankedTokens {
    /** How many are known, at least one. */
    int size();

    /** Whether no other token is possible, as far as that is known. */
    boolean complete();

    /** The token of a rank, 0 for the best. */
    int id(int rank);

    /** Its logit, after the repetition penalty. */
    float score(int rank);

    /**
     * What all possible tokens weigh together, the best weighing 1.
     *
     * @param temperature the sampler's
     */
    double mass(double temperature);

    /** How far that may be from the sum in float64, as a share of it. */
    double massError();
}
