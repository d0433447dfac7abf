package dev.gatun;

/** Where the user wants a model to run. */
public enum BackendPreference {
    /** The best there is on this machine. */
    AUTO,
    /** The CPU, whatever else there is. */
    CPU,
    /** The GPU; opening fails where it cannot be used. */
    CUDA
}
