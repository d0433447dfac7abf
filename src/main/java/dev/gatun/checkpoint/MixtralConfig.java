package dev.gatun.checkpoint;

import java.util.OptionalInt;

/**
 * The shape of a Mixtral-family model, from its {@code config.json}.
 *
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width inside an expert
 * @param layers decoder layers
 * @param heads query heads
 * @param kvHeads key/value heads; divides {@code heads}
 * @param headSize width of one head; even
 * @param experts experts per layer
 * @param expertsPerToken experts chosen per token (top-k)
 * @param vocabularySize rows of the embedding
 * @param maxPositions positions the model was made for
 * @param ropeTheta base of the rotary embedding
 * @param normEpsilon epsilon of RMSNorm
 * @param slidingWindow positions attended to, itself included; empty when all are
 * @param tiedEmbeddings whether the head is the embedding matrix
 */
public record MixtralConfig(
        int hiddenSize,
        int intermediateSize,
        int layers,
        int heads,
        int kvHeads,
        int headSize,
        int experts,
        int expertsPerToken,
        int vocabularySize,
        int maxPositions,
        double ropeTheta,
        double normEpsilon,
        OptionalInt slidingWindow,
        boolean tiedEmbeddings) {}
