package dev.gatun.checkpoint;

import java.util.OptionalInt;

/**
 * The shape of a Mixtral-family model, from its {@code config.json}; always consistent, and small enough that no
 * product of two sizes overflows a {@code long} and no matrix dimension an {@code int}.
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
        boolean tiedEmbeddings) {
    private static final int LARGEST_WIDTH = 1 << 20;
    private static final int LARGEST_COUNT = 1 << 10;
    private static final int LARGEST_VOCABULARY = 1 << 24;
    private static final int MOST_POSITIONS = 1 << 28;

    /**
     * Checks every number; the message uses the names of {@code config.json}.
     *
     * @throws IllegalArgumentException for a number out of range, or two that contradict each other
     */
    public MixtralConfig {
        require("hidden_size", hiddenSize, LARGEST_WIDTH);
        require("intermediate_size", intermediateSize, LARGEST_WIDTH);
        require("num_hidden_layers", layers, LARGEST_COUNT);
        require("num_attention_heads", heads, LARGEST_COUNT);
        require("num_key_value_heads", kvHeads, heads);
        require("head_dim", headSize, LARGEST_COUNT);
        require("num_local_experts", experts, LARGEST_COUNT);
        require("num_experts_per_tok", expertsPerToken, experts);
        require("vocab_size", vocabularySize, LARGEST_VOCABULARY);
        require("max_position_embeddings", maxPositions, MOST_POSITIONS);
        slidingWindow.ifPresent(window -> require("sliding_window", window, Integer.MAX_VALUE));
        requirePositive("rope_theta", ropeTheta);
        requirePositive("rms_norm_eps", normEpsilon);
        if (heads % kvHeads != 0) {
            throw new IllegalArgumentException(
                    "num_attention_heads, " + heads + ", is not a multiple of num_key_value_heads, " + kvHeads);
        }
        if (headSize % 2 != 0) {
            throw new IllegalArgumentException("head_dim must be even, but is " + headSize);
        }
    }

    /** Numbers in the keys and values of one position, all layers. */
    public long keyValues() {
        return 2L * layers * kvHeads * headSize;
    }

    private static void require(String name, int value, int largest) {
        if (value < 1 || value > largest) {
            throw new IllegalArgumentException(name + " must be from 1 to " + largest + ", but is " + value);
        }
    }

    private static void requirePositive(String name, double value) {
        // The engine computes with it in float32, where it must be neither zero nor infinite.
        if (!Float.isFinite((float) value) || !((float) value > 0)) {
            throw new IllegalArgumentException(name + " must be a positive float32 number, but is " + value);
        }
    }
}
