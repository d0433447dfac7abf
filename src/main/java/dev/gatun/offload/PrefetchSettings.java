package dev.gatun.offload;

/**
 * How guessed experts are copied ahead.
 *
 * @param experts guesses of a layer that are copied at most; 0 for none
 * @param chunkBytes bytes of a chunk; two are in flight, and whatever is needed waits for them
 */
public record PrefetchSettings(int experts, long chunkBytes) {
    /** 2 MiB: two of them take 77 µs on the link of the machine that was measured. */
    public static final long CHUNK_BYTES = 2L << 20;

    public PrefetchSettings {
        if (experts < 0 || chunkBytes <= 0) {
            throw new IllegalArgumentException(
                    "prefetch: " + experts + " experts in chunks of " + chunkBytes + " bytes");
        }
    }

    /** Copies so many guesses of a layer at most, in chunks of {@link #CHUNK_BYTES}. */
    public static PrefetchSettings of(int experts) {
        return new PrefetchSettings(experts, CHUNK_BYTES);
    }
}
