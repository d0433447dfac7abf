package dev.gatun.checkpoint;

import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.WeightMatrix;
import java.util.Optional;

/**
 * One expert: y = down &middot; (silu(gate &middot; x) * (up &middot; x)).
 *
 * @param gate {@code w1}, [intermediate, hidden]
 * @param up {@code w3}, [intermediate, hidden]
 * @param down {@code w2}, [hidden, intermediate]
 */
public record ExpertWeights(WeightMatrix gate, WeightMatrix up, WeightMatrix down) {
    /** The block of tiles that kernels could read it in, or empty if there is none. */
    public Optional<ExpertBlock> block() {
        return gate instanceof HqqMatrix w1 && up instanceof HqqMatrix w3 && down instanceof HqqMatrix w2
                ? ExpertBlock.of(w1, w3, w2)
                : Optional.empty();
    }
}
