package dev.gatun.checkpoint;

import dev.gatun.quant.WeightMatrix;

/**
 * One expert: y = down &middot; (silu(gate &middot; x) * (up &middot; x)).
 *
 * @param gate {@code w1}, [intermediate, hidden]
 * @param up {@code w3}, [intermediate, hidden]
 * @param down {@code w2}, [hidden, intermediate]
 */
public record ExpertWeights(WeightMatrix gate, WeightMatrix up, WeightMatrix down) {}
