package dev.gatun.checkpoint;

import java.util.Locale;

/** The parts that people count a model's weights by. */
public enum ModelPart {
    /** A row for each token of the vocabulary. */
    EMBEDDING,
    /** Queries, keys, values and outputs. */
    ATTENTION,
    /** What chooses experts. */
    ROUTER,
    /** The weights of all norms. */
    NORMS,
    /** Gates, ups and downs. */
    EXPERTS,
    /** What makes logits; none where the embedding serves for it. */
    HEAD;

    /** The part that a tensor of this full name belongs to. */
    public static ModelPart of(String tensor) {
        if (tensor.startsWith("model.embed_tokens.")) {
            return EMBEDDING;
        }
        if (tensor.startsWith("lm_head.")) {
            return HEAD;
        }
        if (tensor.contains(".self_attn.")) {
            return ATTENTION;
        }
        if (tensor.contains(".experts.")) {
            return EXPERTS;
        }
        return tensor.contains(".block_sparse_moe.") ? ROUTER : NORMS;
    }

    /** The name: {@code experts}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
