package dev.gatun.checkpoint;

import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.QuantizedMatrix;
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
        return gate instanceof QuantizedMatrix w1
                        && up instanceof QuantizedMatrix w3
                        && down instanceof QuantizedMatrix w2
                ? ExpertBlock.of(w1, w3, w2)
                : Optional.empty();
    }
}
