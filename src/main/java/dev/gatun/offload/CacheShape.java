package dev.gatun.offload;

/**
 * The slots of an {@link ExpertCache}, and which experts compete for them. Slots are numbered from 0: first those of the
 * groups, in order, then the staging slots, which take what finds no slot in its group.
 *
 * @param layers layers of the model
 * @param experts experts of a layer
 * @param slots slots of all groups together; no more than there are experts
 * @param staging slots of no group, shared by all layers
 * @param sharing which layers form a group
 */
public record CacheShape(int layers, int experts, int slots, int staging, Sharing sharing) {
    /** Which layers compete with each other. */
    public enum Sharing {
        /** Each layer has slots of its own; where they do not divide evenly, later layers have one more. */
        PER_LAYER,
        /** One pool for all layers. */
        POOL
    }

    public CacheShape {
        if (layers <= 0 || experts <= 0 || (long) layers * experts > Integer.MAX_VALUE / 2) {
            throw new IllegalArgumentException("no model: " + layers + " layers of " + experts + " experts");
        }
        if (slots < 0 || staging < 0 || slots > layers * experts || staging > layers * experts) {
            throw new IllegalArgumentException(
                    slots + " slots and " + staging + " staging slots for " + layers * experts + " experts");
        }
    }

    /** Slots, those for staging included. */
    public int allSlots() {
        return slots + staging;
    }

    /** The number of an expert among those of all layers. */
    public int number(int layer, int expert) {
        return layer * experts + expert;
    }

    /** Experts of all layers. */
    public int allExperts() {
        return layers * experts;
    }

    /** Groups of slots. */
    public int groups() {
        return sharing == Sharing.POOL ? 1 : layers;
    }

    /** The group whose slots a layer's experts take. */
    public int groupOf(int layer) {
        return sharing == Sharing.POOL ? 0 : layer;
    }

    /** The first slot of a group; of {@link #groups()}, the first staging slot. */
    public int firstSlot(int group) {
        return Math.toIntExact((long) group * slots / groups());
    }

    /** Slots of the group that has fewest. */
    public int fewestSlots() {
        return slots / groups();
    }

    /** Whether every expert has a slot. */
    public boolean holdsAll() {
        return slots == allExperts();
    }
}
