package dev.gatun.offload;

/** A guess that some layer will ask for an expert, and how far its copy has come. Used again and again. */
final class Guess {
    int layer;
    /** Numbered layer by layer. */
    int expert;
    /** Its place among the guesses of its layer, the likeliest first. */
    int rank;
    /** Whether it is to be copied, or only compared with the choice. */
    boolean wanted;
    /** The slot of the device, or {@link ExpertCache#NONE} as long as its copy was not begun. */
    int slot;
    /** Bytes of it that were put in. */
    long copied;
    /** Those of them that are in flight. */
    long inFlight;
    /** Whether it is known to be whole. */
    boolean whole;

    void set(int layer, int expert, int rank, boolean wanted) {
        this.layer = layer;
        this.expert = expert;
        this.rank = rank;
        this.wanted = wanted;
        slot = ExpertCache.NONE;
        copied = 0;
        inFlight = 0;
        whole = false;
    }

    boolean isBegun() {
        return slot != ExpertCache.NONE;
    }
}
