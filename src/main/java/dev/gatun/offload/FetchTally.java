package dev.gatun.offload;

/** Counts as they grow. */
final class FetchTally {
    private final long blockBytes;
    private long streamed;
    private long bytesUp;
    private long downloads;
    private long begun;
    private long finished;
    private long used;
    private long cancelled;
    private long bytesWasted;
    private long fetched;
    private long split;
    private long computed;
    private long bytesComputed;
    private long computingNanos;
    private long waitedNanos;

    FetchTally(long blockBytes) {
        this.blockBytes = blockBytes;
    }

    void uploaded(long bytes) {
        bytesUp += bytes;
    }

    void downloaded() {
        downloads++;
    }

    /** An expert of a prompt was uploaded: fetched as well, though nobody asked the cache for it. */
    void streamed() {
        streamed++;
        fetched++;
    }

    void prefetchBegun() {
        begun++;
    }

    void prefetchFinished() {
        finished++;
    }

    void prefetchUsed() {
        used++;
    }

    void prefetchCancelled() {
        cancelled++;
    }

    void prefetchWasted(long bytes) {
        bytesWasted += bytes;
    }

    void fetched() {
        fetched++;
    }

    void split() {
        split++;
    }

    void computed() {
        computed++;
    }

    void computing(long bytes, long nanos) {
        bytesComputed += bytes;
        computingNanos += nanos;
    }

    void waited(long nanos) {
        waitedNanos += nanos;
    }

    FetchCounts counts(CacheCounts cache, PrefetchControl control) {
        return new FetchCounts(
                cache.hits(),
                cache.arriving(),
                cache.misses(),
                streamed,
                bytesUp,
                downloads * blockBytes,
                begun,
                finished,
                used,
                cancelled,
                bytesWasted,
                control.depth(),
                control.turnedDown(),
                new RoadCounts(fetched, split, computed, bytesComputed, computingNanos, waitedNanos));
    }
}
