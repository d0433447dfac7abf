package dev.gatun;

/**
 * How to open a model. Immutable: {@code ModelOptions.defaults().withThreads(4)}.
 *
 * @param backend where to run
 * @param threads CPU threads, the calling one included; 0 for one per available processor
 */
public record ModelOptions(BackendPreference backend, int threads) {
    /** The most threads that can be asked for. */
    public static final int MAX_THREADS = 1024;

    /**
     * Checks the options.
     *
     * @throws GatunException if {@code threads} is negative or absurd
     */
    public ModelOptions {
        if (threads < 0 || threads > MAX_THREADS) {
            throw new GatunException("threads: " + threads + " is not between 0 (all processors) and " + MAX_THREADS);
        }
    }

    /** The best backend, all processors. */
    public static ModelOptions defaults() {
        return new ModelOptions(BackendPreference.AUTO, 0);
    }

    /** These options with another backend. */
    public ModelOptions withBackend(BackendPreference newBackend) {
        return new ModelOptions(newBackend, threads);
    }

    /** These options with another number of threads. */
    public ModelOptions withThreads(int newThreads) {
        return new ModelOptions(backend, newThreads);
    }
}
