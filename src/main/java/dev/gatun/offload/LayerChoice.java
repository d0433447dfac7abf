package dev.gatun.offload;

import java.util.Arrays;

/** What a layer has chosen, and how far it is served. Used again and again. */
final class LayerChoice {
    /** Experts of the layer that are left to the host though they are on their way. */
    private final boolean[] left;
    /** Slots of the cache that uploads are still to be put in to. */
    private final int[] reserved;

    private int layer;
    private int firstNumber;
    private int[] experts;
    private int[] slots;
    private int[] parts;
    private int count;

    /**
     * Makes an empty one.
     *
     * @param most experts that are chosen at once at most
     */
    LayerChoice(int most) {
        left = new boolean[most];
        reserved = new int[most];
    }

    /**
     * Begins with a choice.
     *
     * @param slots receives the slots of the device
     * @param parts receives how many leading parts the device computes
     */
    void set(CacheShape shape, int layer, int[] experts, int count, int[] slots, int[] parts) {
        this.layer = layer;
        this.firstNumber = layer * shape.experts();
        this.experts = experts;
        this.count = count;
        this.slots = slots;
        this.parts = parts;
        Arrays.fill(left, false);
        Arrays.fill(reserved, ExpertCache.NONE);
    }

    int layer() {
        return layer;
    }

    int count() {
        return count;
    }

    int expert(int i) {
        return experts[i];
    }

    int[] experts() {
        return experts;
    }

    /** The expert, numbered layer by layer. */
    int number(int i) {
        return firstNumber + experts[i];
    }

    int[] slots() {
        return slots;
    }

    int parts(int i) {
        return parts[i];
    }

    /** The device computes so many leading parts of an expert, in a slot. */
    void serve(int i, int slot, int leadingParts) {
        slots[i] = slot;
        parts[i] = leadingParts;
        reserved[i] = ExpertCache.NONE;
    }

    /** The device will compute so many leading parts of an expert, which are to be uploaded to a slot of the cache. */
    void reserve(int i, int cacheSlot, int leadingParts) {
        reserved[i] = cacheSlot;
        parts[i] = leadingParts;
    }

    /** The slot of the cache that an upload is still to be put in to, or {@link ExpertCache#NONE}. */
    int reserved(int i) {
        return reserved[i];
    }

    boolean isReserved(int i) {
        return reserved[i] != ExpertCache.NONE;
    }

    /** Whether the device computes none of it, as far as is known. */
    boolean isElsewhere(int i) {
        return slots[i] == ExpertCache.NONE && !isReserved(i);
    }

    /** The host computes an expert, whatever of it is on its way. */
    void leave(int i) {
        left[i] = true;
    }

    boolean isLeft(int i) {
        return left[i];
    }

    /** Whether it is in no slot, and not decided yet who computes it. */
    boolean isMissing(int i) {
        return isElsewhere(i) && !left[i];
    }
}
