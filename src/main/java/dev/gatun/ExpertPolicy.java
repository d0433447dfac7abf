package dev.gatun;

/** Which experts stay on the GPU when others need their place. */
public enum ExpertPolicy {
    /** The one that was used least recently goes. */
    LRU,
    /** The one that was used least often goes; a use counts half after 128 tokens. */
    LFU,
    /** The one that came first goes. */
    FIFO,
    /** Those that a recording used most stay, whatever happens: see {@link ModelOptions#withPlacement}. */
    FIXED
}
