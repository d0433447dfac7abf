package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;

/**
 * Attention's shape.
 *
 * @param heads query heads
 * @param kvHeads key/value heads
 * @param headSize width of one
 * @param window positions attended to, 0 for all
 */
record HeadShape(int heads, int kvHeads, int headSize, int window) {
    static HeadShape of(MixtralConfig config) {
        return new HeadShape(
                config.heads(),
                config.kvHeads(),
                config.headSize(),
                config.slidingWindow().orElse(0));
    }

    /** Query heads that share a key/value head. */
    int group() {
        return heads / kvHeads;
    }
}
