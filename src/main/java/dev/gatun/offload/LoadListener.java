package dev.gatun.offload;

/** Hears how far loading is. Called by the thread that loads, in order. */
@FunctionalInterface
public interface LoadListener {
    /**
     * So much is loaded: nothing at first, all at last. What it throws ends the loading.
     *
     * @param bytes bytes loaded
     * @param total bytes to load
     */
    void loaded(long bytes, long total);
}
