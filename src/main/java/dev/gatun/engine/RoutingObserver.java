package dev.gatun.engine;

/**
 * Hears which experts were chosen: for statistics, traces and caches. A backend may call it late and from a thread of
 * its own, but in layer order for one chunk, and before {@link Backend#await} returns for that chunk.
 */
@FunctionalInterface
public interface RoutingObserver {
    /**
     * One layer's choices for one chunk.
     *
     * @param layer index of the layer
     * @param tokens tokens in the chunk
     * @param ids [tokens, expertsPerToken], best first; the receiver may keep it
     * @param weights the renormalised probabilities of {@code ids}; the receiver may keep it
     */
    void routed(int layer, int tokens, int[] ids, float[] weights);
}
