package dev.gatun.engine.cuda;

/** One of the operations of which a token's pass consists. */
sealed interface TokenStep {
    /** The embedding row. */
    record Embed() implements TokenStep {}

    /** Attention of a layer. */
    record Attend(int layer) implements TokenStep {}

    /** A layer's router. */
    record Route(int layer) implements TokenStep {}

    /** A layer's experts. */
    record Experts(int layer) implements TokenStep {}

    /** The logits. */
    record Head() implements TokenStep {}
}
