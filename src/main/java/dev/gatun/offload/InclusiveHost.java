package dev.gatun.offload;

/** A host that holds every expert, each in the block of its own number: nothing is ever written back. */
final class InclusiveHost implements HostBlocks {
    private final ExpertCache cache;

    InclusiveHost(ExpertCache cache) {
        this.cache = cache;
    }

    @Override
    public int block(int expert) {
        return expert;
    }

    @Override
    public long readable(int expert) {
        return CopyEngine.ENDED;
    }

    @Override
    public void makeRoom(int cacheSlot) {
        // An eviction is free.
    }

    @Override
    public void uploaded(int expert, int cacheSlot) {
        // The block stays.
    }

    @Override
    public void promoted(int expert, int cacheSlot, int stagingSlot) {
        // The block stays.
    }

    @Override
    public void computed(long ticket) {
        // No download waits for computing.
    }

    @Override
    public void settle() {
        // Nothing moves.
    }

    /** What was there before is there still; what was on its way is fetched again. */
    @Override
    public void reset() {
        cache.abandon();
    }
}
