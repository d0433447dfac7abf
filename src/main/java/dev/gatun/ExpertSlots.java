package dev.gatun;

/** How the GPU's room for experts is shared. */
public enum ExpertSlots {
    /**
     * Each layer has an equal part. With {@link ExpertPolicy#LRU} more experts are found on the GPU so than in a pool: there,
     * those of the layer that comes next are always the least recent ones.
     */
    LAYER,
    /** All layers compete for all of it. */
    POOL
}
