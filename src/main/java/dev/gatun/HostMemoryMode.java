package dev.gatun;

/** What the host's memory holds of a model whose experts do not all fit the GPU. */
public enum HostMemoryMode {
    /** {@link #INCLUSIVE} where the memory that is available allows it, {@link #EXCLUSIVE} otherwise. */
    AUTO,
    /** Every expert: one that is evicted from the GPU costs nothing. */
    INCLUSIVE,
    /** The experts that are not on the GPU: each that is fetched takes the place of one that goes back. */
    EXCLUSIVE
}
