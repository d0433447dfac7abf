package dev.gatun.offload;

import java.util.Arrays;
import java.util.BitSet;

/**
 * Where each expert lies at first when the host holds only those that are not on the device ({@link HostMode#EXCLUSIVE}).
 *
 * <p>The loader follows it before it makes the fetcher. It writes an expert that has a {@link #block} there. One that has a
 * {@link #slot} it writes to a spare block, uploads it from there, and waits for the upload before the spare block is
 * written again; the spare ones are the last {@link #expertsPerToken} of the {@link #blocks}.
 *
 * <p>The last of the {@link #slots} are nobody's at first, some for staging and some to swap: a swap uploads to a spare slot
 * while the slot of the evicted expert is downloaded to a spare block, and then that slot is the next spare one.
 */
public final class ExclusiveLayout {
    private final CacheShape shape;
    private final int spareSlots;
    private final int expertsPerToken;
    /** The slot of an expert, or the complement of its block. */
    private final int[] places;

    private ExclusiveLayout(CacheShape shape, int spareSlots, int expertsPerToken, BitSet resident) {
        if (spareSlots <= 0 || expertsPerToken <= 0) {
            throw new IllegalArgumentException(
                    "a swap needs a spare slot and a spare block: " + spareSlots + ", " + expertsPerToken);
        }
        this.shape = shape;
        this.spareSlots = spareSlots;
        this.expertsPerToken = expertsPerToken;
        this.places = new int[shape.allExperts()];
        int slot = 0;
        int block = 0;
        for (int expert = 0; expert < places.length; expert++) {
            places[expert] = resident.get(expert) ? slot++ : ~block++;
        }
    }

    /**
     * On the device are the experts that the policy keeps there, if it has decided already, and else the first ones of each
     * group.
     *
     * @param policy that of the cache
     * @param spareSlots slots of the device besides those of the cache, at least 1; with {@code expertsPerToken} no
     *     upload of a layer has to wait for the download of the same layer
     * @param expertsPerToken the most experts that are fetched at once: as many blocks are spare
     */
    public static ExclusiveLayout of(CacheShape shape, CachePolicy policy, int spareSlots, int expertsPerToken) {
        BitSet resident = policy instanceof FixedPlacement placement ? placement.placed() : firstOfEachGroup(shape);
        return new ExclusiveLayout(shape, spareSlots, expertsPerToken, resident);
    }

    private static BitSet firstOfEachGroup(CacheShape shape) {
        BitSet resident = new BitSet(shape.allExperts());
        int experts = shape.allExperts() / shape.groups();
        for (int group = 0; group < shape.groups(); group++) {
            int slots = shape.firstSlot(group + 1) - shape.firstSlot(group);
            resident.set(group * experts, group * experts + slots);
        }
        return resident;
    }

    /** Slots of the device, spare ones included. */
    public int slots() {
        return shape.allSlots() + spareSlots;
    }

    /** Blocks of the host, spare ones included. */
    public int blocks() {
        return shape.allExperts() - shape.slots() + expertsPerToken;
    }

    /** The most experts that are fetched at once. */
    public int expertsPerToken() {
        return expertsPerToken;
    }

    /** The slot of the device where an expert lies at first, or {@link ExpertCache#NONE}. */
    public int slot(int layer, int expert) {
        return Math.max(ExpertCache.NONE, places[shape.number(layer, expert)]);
    }

    /** The block where an expert lies at first, or {@link ExpertCache#NONE}. */
    public int block(int layer, int expert) {
        return Math.max(ExpertCache.NONE, ~places[shape.number(layer, expert)]);
    }

    CacheShape shape() {
        return shape;
    }

    int[] places() {
        return Arrays.copyOf(places, places.length);
    }
}
