package dev.gatun.engine;

/**
 * Chooses experts in the routers' place, to measure speed with a routing that is known. Routers run all the same, and their
 * logits weight what is chosen.
 */
@FunctionalInterface
public interface ForcedRouting {
    /**
     * Chooses for the next chunk.
     *
     * @param tokens tokens of the chunk
     * @param ids receives [layers][tokens][expertsPerToken], all different for each layer and token
     */
    void choose(int tokens, int[] ids);
}
