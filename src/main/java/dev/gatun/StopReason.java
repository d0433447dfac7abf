package dev.gatun;

/** Why a generation ended. */
public enum StopReason {
    /** The model said that the text ends here. */
    END_OF_TEXT,
    /** One of the stop texts came up. */
    STOP_TEXT,
    /** As many tokens as were asked for. */
    MAX_TOKENS,
    /** The session holds no more tokens: rewind it, or open one with a longer context. */
    CONTEXT_FULL,
    /** Somebody cancelled it, interrupted its thread, or closed the session or the model. */
    CANCELLED
}
