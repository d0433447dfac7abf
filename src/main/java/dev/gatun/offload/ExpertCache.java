package dev.gatun.offload;

import java.util.Arrays;

/**
 * Which expert lies in which slot of the device. It decides and remembers; copying and computing are its owner's affair,
 * who tells it what happened:
 *
 * <ol>
 *   <li>{@link #request} claims the chosen experts of a layer that are there or on their way;
 *   <li>{@link #reserve} gives each of the others a slot, whose former expert is gone from then on;
 *   <li>{@link #promote} makes those that lie in staging slots residents of their group;
 *   <li>{@link #copied} or {@link #failed} tells how a copy ended;
 *   <li>{@link #release} gives a claim up once the expert was computed.
 * </ol>
 *
 * <p>A claimed slot and one whose copy is in flight are never evicted: so no expert is taken from a layer that needs it.
 * Where a group has no slot to give, or the policy does not want the expert there, a staging slot serves, oldest first.
 *
 * <p>Nothing is allocated after construction but by {@link #counts}. Not thread-safe: one owner.
 */
public final class ExpertCache {
    /** No slot. */
    public static final int NONE = -1;

    private final CacheShape shape;
    private final CachePolicy policy;
    private final int[] slotOf;
    private final int[] expertIn;
    private final int[] claims;
    private final boolean[] filling;
    private final long[] stagedAt;
    private long time;
    private long hits;
    private long arriving;
    private long misses;
    private long evictions;
    private long copies;
    private long failures;

    /**
     * Makes an empty cache.
     *
     * @param policy is for this cache alone
     * @param expertsPerToken the most experts that are claimed at once when everything else is idle
     * @throws IllegalArgumentException if some layer could then not be served
     */
    public ExpertCache(CacheShape shape, CachePolicy policy, int expertsPerToken) {
        int certain = shape.staging() + (policy instanceof FixedPlacement ? 0 : shape.fewestSlots());
        if (!shape.holdsAll() && certain < expertsPerToken) {
            throw new IllegalArgumentException("a layer needs " + expertsPerToken + " slots at once, and " + certain
                    + " are sure to be there; add staging slots");
        }
        this.shape = shape;
        this.policy = policy;
        this.slotOf = new int[shape.allExperts()];
        this.expertIn = new int[shape.allSlots()];
        this.claims = new int[shape.allSlots()];
        this.filling = new boolean[shape.allSlots()];
        this.stagedAt = new long[shape.allSlots()];
        Arrays.fill(slotOf, NONE);
        Arrays.fill(expertIn, NONE);
    }

    /** The slots. */
    public CacheShape shape() {
        return shape;
    }

    /**
     * Claims those of a layer's experts that are resident or on their way.
     *
     * @param experts different experts of the layer, in its first {@code count} elements
     * @param slots receives for each its slot, or {@link #NONE} for one that is to be reserved
     * @return how many are to be reserved
     */
    public int request(int layer, int[] experts, int count, int[] slots) {
        int missing = 0;
        for (int i = 0; i < count; i++) {
            int expert = number(layer, experts[i]);
            policy.asked(expert, ++time);
            slots[i] = slotOf[expert];
            if (slots[i] == NONE) {
                missing++;
            } else {
                claim(slots[i]);
            }
        }
        misses += missing;
        return missing;
    }

    private void claim(int slot) {
        claims[slot]++;
        if (filling[slot]) {
            arriving++;
        } else {
            hits++;
        }
        if (isStaging(slot)) {
            stagedAt[slot] = time;
        }
    }

    /**
     * Gives a missing expert a slot and claims it; a copy into it is in flight from then on. Request all experts of the
     * layer first: what is claimed stays.
     *
     * @return the slot, or {@link #NONE} as long as every slot that could serve is claimed or in flight
     * @throws IllegalStateException if the expert has a slot
     */
    public int reserve(int layer, int expert) {
        int number = absent(layer, expert);
        int slot = policy.admits(number) ? inGroup(shape.groupOf(layer)) : NONE;
        slot = fill(slot == NONE ? inStaging() : slot, number);
        if (slot != NONE) {
            claims[slot] = 1;
        }
        return slot;
    }

    /**
     * Gives an expert that nobody asked for yet a slot, and does not claim it; a copy into it is in flight from then on. A
     * guess is worth less than what was asked for: so it takes a free slot of its group or else a staging slot, and evicts
     * nothing from the group. {@link #promote} takes it there once it was asked for.
     *
     * @return the slot, or {@link #NONE} as long as there is none
     * @throws IllegalStateException if the expert has a slot
     */
    public int prefetch(int layer, int expert) {
        int slot = warm(layer, expert);
        return slot == NONE ? fill(inStaging(), number(layer, expert)) : slot;
    }

    /**
     * Gives an expert a free slot of its group, and does not claim it; a copy into it is in flight from then on.
     *
     * @return the slot, or {@link #NONE} when none is free or the policy does not want the expert
     * @throws IllegalStateException if the expert has a slot
     */
    public int warm(int layer, int expert) {
        int number = absent(layer, expert);
        int group = shape.groupOf(layer);
        if (policy.admits(number)) {
            for (int slot = shape.firstSlot(group); slot < shape.firstSlot(group + 1); slot++) {
                if (expertIn[slot] == NONE) {
                    return fill(slot, number);
                }
            }
        }
        return NONE;
    }

    /**
     * Claims a staging slot that then holds no expert, for something else: the one that was used least recently of those
     * that are idle. {@link #release} gives it back.
     *
     * @return the slot, or {@link #NONE} as long as there is none
     */
    public int borrow() {
        int slot = inStaging();
        if (slot != NONE) {
            if (expertIn[slot] != NONE) {
                forget(slot);
            }
            claims[slot] = 1;
        }
        return slot;
    }

    /**
     * Makes the expert of a staging slot one of its group, in place of what is worth least there, which has the staging slot
     * from then on. Nothing is copied: the owner exchanges what the two slots stand for. Claims and a copy in flight go
     * along.
     *
     * @return its slot in the group, or {@link #NONE} if all stays as it is: no slot there is idle, or the policy does not
     *     want the expert, or {@code slot} holds none or is not for staging
     */
    public int promote(int slot) {
        int expert = expertIn[slot];
        if (!isStaging(slot) || expert == NONE || !policy.admits(expert)) {
            return NONE;
        }
        int other = inGroup(shape.groupOf(expert / shape.experts()));
        if (other != NONE) {
            exchange(slot, other);
            policy.admitted(expert, time);
        }
        return other;
    }

    /** Whether an expert that is in no slot of its group would be worth more there than what is worth least now. */
    public boolean wouldKeep(int layer, int expert) {
        int number = number(layer, expert);
        int other = policy.admits(number) ? inGroup(shape.groupOf(layer)) : NONE;
        return other != NONE && (expertIn[other] == NONE || policy.prefers(number, expertIn[other]));
    }

    private void exchange(int staged, int idle) {
        int expert = expertIn[staged];
        int other = expertIn[idle];
        expertIn[idle] = expert;
        slotOf[expert] = idle;
        filling[idle] = filling[staged];
        claims[idle] = claims[staged];
        expertIn[staged] = other;
        if (other != NONE) {
            slotOf[other] = staged;
        }
        filling[staged] = false;
        claims[staged] = 0;
        stagedAt[staged] = ++time;
    }

    private int fill(int slot, int expert) {
        if (slot == NONE) {
            return NONE;
        }
        if (expertIn[slot] != NONE) {
            slotOf[expertIn[slot]] = NONE;
            evictions++;
        }
        expertIn[slot] = expert;
        slotOf[expert] = slot;
        filling[slot] = true;
        stagedAt[slot] = ++time;
        copies++;
        if (!isStaging(slot)) {
            policy.admitted(expert, time);
        }
        return slot;
    }

    /** A free slot of the group, or the one whose expert is worth least. */
    private int inGroup(int group) {
        int best = NONE;
        double least = Double.POSITIVE_INFINITY;
        for (int slot = shape.firstSlot(group); slot < shape.firstSlot(group + 1); slot++) {
            if (expertIn[slot] == NONE) {
                return slot;
            }
            if (isIdle(slot)) {
                double worth = policy.worth(expertIn[slot]);
                if (best == NONE || worth < least) {
                    best = slot;
                    least = worth;
                }
            }
        }
        return best;
    }

    /** A free staging slot, or the one that was used least recently. */
    private int inStaging() {
        int best = NONE;
        for (int slot = shape.slots(); slot < shape.allSlots(); slot++) {
            if (isIdle(slot)) {
                if (expertIn[slot] == NONE) {
                    return slot;
                }
                best = best == NONE || stagedAt[slot] < stagedAt[best] ? slot : best;
            }
        }
        return best;
    }

    private boolean isIdle(int slot) {
        return claims[slot] == 0 && !filling[slot];
    }

    private boolean isStaging(int slot) {
        return slot >= shape.slots();
    }

    /** The copy into {@code slot} has ended well. */
    public void copied(int slot) {
        requireFilling(slot);
        filling[slot] = false;
    }

    /** The copy into {@code slot} has failed or was cancelled: the slot is free, and all claims to it are void. */
    public void failed(int slot) {
        requireFilling(slot);
        filling[slot] = false;
        slotOf[expertIn[slot]] = NONE;
        expertIn[slot] = NONE;
        claims[slot] = 0;
        failures++;
    }

    private void requireFilling(int slot) {
        if (!filling[slot]) {
            throw new IllegalStateException("no copy into slot " + slot + " is in flight");
        }
    }

    /** Gives up one claim to {@code slot}. Its copy may still be in flight. */
    public void release(int slot) {
        if (claims[slot] == 0) {
            throw new IllegalStateException("nobody uses slot " + slot);
        }
        claims[slot]--;
    }

    /**
     * Gives up a claim to {@code slot}, whose copy is in flight, since its expert is computed elsewhere: nobody waits for the
     * copy, so what was asked for was a miss.
     */
    public void leave(int slot) {
        requireFilling(slot);
        release(slot);
        arriving--;
        misses++;
    }

    /** Gives all claims up, and takes all copies in flight for failed: where to go on from after a failure. */
    public void abandon() {
        for (int slot = 0; slot < shape.allSlots(); slot++) {
            claims[slot] = 0;
            if (filling[slot]) {
                failed(slot);
            }
        }
    }

    /**
     * What {@code slot} holds is lost, or will be; a copy into it counts as failed.
     *
     * @throws IllegalStateException if it is in use
     */
    public void forget(int slot) {
        if (claims[slot] > 0) {
            throw new IllegalStateException("slot " + slot + " is in use");
        }
        if (filling[slot]) {
            failed(slot);
        } else if (expertIn[slot] != NONE) {
            slotOf[expertIn[slot]] = NONE;
            expertIn[slot] = NONE;
            evictions++;
        }
    }

    /** Whether an expert may take a slot of its group. */
    public boolean admits(int layer, int expert) {
        return policy.admits(number(layer, expert));
    }

    /** The slot where an expert lies or will lie, or {@link #NONE}; changes nothing. */
    public int slotOf(int layer, int expert) {
        return slotOf[number(layer, expert)];
    }

    /** The expert that lies or will lie in a slot, numbered layer by layer, or {@link #NONE}. */
    public int expertIn(int slot) {
        return expertIn[slot];
    }

    /** What a slot is doing. */
    public SlotState state(int slot) {
        if (filling[slot]) {
            return SlotState.FILLING;
        }
        if (claims[slot] > 0) {
            return SlotState.IN_USE;
        }
        return expertIn[slot] == NONE ? SlotState.FREE : SlotState.RESIDENT;
    }

    /** What happened so far. */
    public CacheCounts counts() {
        return new CacheCounts(hits, arriving, misses, evictions, copies, failures);
    }

    private int absent(int layer, int expert) {
        int number = number(layer, expert);
        if (slotOf[number] != NONE) {
            throw new IllegalStateException("layer " + layer + " expert " + expert + " has a slot");
        }
        return number;
    }

    private int number(int layer, int expert) {
        if (layer < 0 || layer >= shape.layers() || expert < 0 || expert >= shape.experts()) {
            throw new IllegalArgumentException("no such expert: layer " + layer + " expert " + expert);
        }
        return shape.number(layer, expert);
    }
}
