package dev.gatun.engine.cuda;

/**
 * A point in the time of a stream of work, taken when all that was put in before is done, again and again. Whoever opens one
 * closes it.
 */
interface TimeMark extends AutoCloseable {
    /** Puts it into its stream. */
    void put();

    /** Whether the stream has come to it, as it was put in last. */
    boolean isReached();

    /** Nanoseconds from another reached mark, of any stream of the device, to this one; not positive if that came later. */
    long nanosSince(TimeMark other);

    @Override
    void close();
}
