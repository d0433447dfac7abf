package dev.gatun;

/** What is done about a chosen expert that is not on the GPU. */
public enum ExpertMisses {
    /** It is copied there; what is generated has the same bits whatever was there before. */
    FETCH,
    /** The CPU computes it where it lies. */
    CPU,
    /**
     * Both at once, divided so that copying and computing end together. How sums are rounded then depends on how they were
     * divided.
     */
    AUTO
}
