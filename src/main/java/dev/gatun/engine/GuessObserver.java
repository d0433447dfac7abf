package dev.gatun.engine;

/**
 * Hears what the routers of layers to come would choose if they were asked early. Called like a {@link RoutingObserver}: in
 * layer order for one chunk, and before {@link Backend#await} returns for it.
 */
@FunctionalInterface
public interface GuessObserver {
    /**
     * One layer's guesses for one chunk: the expert norm and the router of layer {@code layer + ahead}, applied to the
     * residual stream that the router of {@code layer} sees.
     *
     * @param layer where the guess is made
     * @param ahead how many layers later it is for, at least 1
     * @param tokens tokens in the chunk
     * @param ranking [tokens, experts]: all experts of layer {@code layer + ahead}, the likeliest first; the receiver may
     *     keep it
     */
    void guessed(int layer, int ahead, int tokens, int[] ranking);
}
