package dev.gatun;

/**
 * Hears how far the experts of a model that does not fit the GPU are loaded into host memory; called by the thread that opens
 * the model. What it throws ends the loading.
 */
@FunctionalInterface
public interface LoadingListener {
    /** Nobody. */
    LoadingListener NONE = (bytes, total) -> {};

    /**
     * So much is loaded: nothing at first, all at last.
     *
     * @param bytes bytes loaded
     * @param total bytes to load
     */
    void loaded(long bytes, long total);
}
