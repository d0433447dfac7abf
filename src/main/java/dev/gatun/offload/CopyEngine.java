package dev.gatun.offload;

/**
 * Copies between blocks of host memory and slots of the device, and who waits for them there: what an
 * {@link ExpertFetcher} needs of a device.
 *
 * <p>Calls put work into the device's queues and return; nothing here waits. They come from one thread. Whatever was put in
 * can be waited for by its <em>ticket</em>: uploads run one after the other in the order of the calls, downloads likewise,
 * both beside each other and beside computing. A ticket stays good however old it is, and is greater than those before it. What
 * was to begin when something else has ended does not begin if that failed: it has failed too, and has changed nothing.
 */
public interface CopyEngine {
    /** The ticket of something that ended long ago. */
    long ENDED = 0;

    /**
     * Copies part of a host block to the same place of a slot. With no bytes it copies nothing; still, uploads put in
     * later begin when {@code after} has ended: so one can wait for two things.
     *
     * @param block number of the host block
     * @param slot number of the slot
     * @param offset first byte, in both
     * @param bytes how many; may be 0
     * @param after it begins when this has ended; at once for {@link #ENDED}
     * @return its ticket
     */
    long upload(int block, int slot, long offset, long bytes, long after);

    /**
     * Copies the leading parts of a host block to a slot, packed: an expert of so many parts only. See {@link RoadSplit}.
     *
     * @param parts at least 1, fewer than a whole expert has
     * @param after it begins when this has ended; at once for {@link #ENDED}
     * @return its ticket
     */
    long uploadParts(int block, int slot, int parts, long after);

    /**
     * Copies a whole slot to a host block.
     *
     * @param after it begins when this has ended; at once for {@link #ENDED}
     * @return its ticket
     */
    long download(int slot, int block, long after);

    /** The ticket of all computing that was put in so far, and of all that this waits for. */
    long computed();

    /** Lets computing that is put in from now on begin when {@code ticket} has ended. */
    void computeAfter(long ticket);

    /**
     * Whether it has ended; asks, and does not wait.
     *
     * @throws CopyFailedException if it failed
     */
    boolean hasEnded(long ticket);

    /**
     * How long an upload ran, what it waited for before not counted.
     *
     * @param ticket of an upload of some bytes, which has ended
     * @return nanoseconds; 0 if that is not known any more, since so much was put in after it
     * @throws CopyFailedException if it failed
     */
    long uploadNanos(long ticket);

    /**
     * Waits until nothing that was put in is left, however it ended: the way out after a failure.
     *
     * @throws CopyFailedException if the device cannot go on
     */
    void drain();
}
