package dev.gatun.offload;

/** What the host's memory holds while a model runs. */
public enum HostMode {
    /** Nothing: every expert is on the device. */
    NONE,
    /** Every expert; an eviction is free. */
    INCLUSIVE,
    /** The experts that are not on the device; a miss swaps two of them, both ways at once. */
    EXCLUSIVE
}
