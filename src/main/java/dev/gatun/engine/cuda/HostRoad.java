package dev.gatun.engine.cuda;

/** Computes experts in the host's memory, where they lie. */
interface HostRoad {
    /** Tokens that are computed at once. */
    int MOST_TOKENS = 4;

    /** An expert that a block may hold where what is computed means nothing. */
    int ANY = -1;

    /**
     * Notes that a token's weighted sum of an expert's later parts is to be added to the token's output; see {@link HandOff}.
     *
     * @param expert its number among all layers', or {@link #ANY}
     * @param block of the store, which holds it
     * @param fromPart the first part
     * @param token of the chunk
     * @param rank the expert's place in the token's choice
     */
    void add(int expert, int block, int fromPart, int token, int rank);

    /** Has the host's threads start on what was noted, but for the calling one. Then {@link #finish} must follow. */
    void begin();

    /** Works along until all that was noted is added. */
    void finish();

    /** Forgets what was noted and not begun. */
    void forget();

    /**
     * Makes what is made of an expert once, unless it is there; else computing it does.
     *
     * @param expert its number among all layers'
     * @param block of the store, which holds it
     */
    default void prepare(int expert, int block) {}

    /**
     * Adds a whole expert to the outputs of several tokens, at most {@link #MOST_TOKENS}, by their weights.
     *
     * @param expert its number among all layers', or {@link #ANY}
     * @param block of the store, which holds it
     * @param tokens of the chunk, in the first {@code count} elements
     * @param ranks the expert's place in the choice of each
     */
    void addWhole(int expert, int block, int[] tokens, int[] ranks, int count);
}
