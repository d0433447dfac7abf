package dev.gatun.offload;

/** What is done about a chosen expert that is not on the device. Users' options have constants of the same names. */
public enum MissMode {
    /** It is copied there: the result does not depend on what was resident. */
    FETCH,
    /** The host's processor computes it where it lies. */
    CPU,
    /** Both at once, divided so that both end together. */
    AUTO
}
