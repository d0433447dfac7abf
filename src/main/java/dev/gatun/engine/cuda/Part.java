package dev.gatun.engine.cuda;

/** What the time of a forward pass goes to. */
enum Part {
    /** Attention with its norms and projections; the embedding before the layers, and the head behind them. */
    ATTENTION,
    /** Choosing experts, and guessing the next layer's. */
    ROUTER,
    /** Computing experts. */
    EXPERTS,
    /** Nothing is computed because a copy is on its way. */
    WAITING,
    /** Nothing is computed because the host computes its part of the experts still. */
    CPU,
    /** Nothing is computed because the host has not put anything in yet. */
    HOST
}
