package dev.gatun.offload;

/** Which host block an expert is read from, and what has to be written back when another one takes its slot. */
sealed interface HostBlocks permits InclusiveHost, ExclusiveHost {
    /** The block that holds an expert, or will; for one that is not in a slot of its group. */
    int block(int expert);

    /** What has to end before that block may be read. */
    long readable(int expert);

    /** An expert was given this slot of the cache; its upload to the device's slot that is behind it then is put in next. */
    void makeRoom(int cacheSlot);

    /** The upload of {@code expert}, to the slot of the cache that room was made in, was put in. */
    void uploaded(int expert, int cacheSlot);

    /**
     * {@code expert} came from a staging slot to a slot of its group, and what was there to the staging slot. All its upload
     * was put in.
     */
    void promoted(int expert, int cacheSlot, int stagingSlot);

    /** Computing was put in; {@code ticket} is that of all so far. */
    void computed(long ticket);

    /** Looks what has ended. */
    void settle();

    /** Finds out what is where after a failure, and sets the cache right. Nothing is in flight. */
    void reset();
}
