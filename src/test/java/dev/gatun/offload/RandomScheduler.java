package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Uses a cache as a scheduler would, with copies that end late, in any order, or fail, and prefetches in between; keeps
 * books of its own and compares them after every operation.
 */
final class RandomScheduler {
    private final ExpertCache cache;
    private final CacheShape shape;
    private final int topK;
    private final Random random;
    private final Map<Integer, Integer> expertOf = new HashMap<>();
    private final List<Integer> inFlight = new ArrayList<>();
    private final Map<Integer, Integer> claims = new HashMap<>();
    private long asked;
    private long present;
    private long begun;
    private long failures;

    RandomScheduler(ExpertCache cache, int topK, Random random) {
        this.cache = cache;
        this.shape = cache.shape();
        this.topK = topK;
        this.random = random;
    }

    static int[] choice(Random random, int experts, int count) {
        List<Integer> all = new ArrayList<>(IntStream.range(0, experts).boxed().toList());
        java.util.Collections.shuffle(all, random);
        return all.stream().mapToInt(Integer::intValue).limit(count).toArray();
    }

    /** A prefetch, the end of a copy, or a whole layer. */
    void step() {
        switch (random.nextInt(8)) {
            case 0, 1 -> prefetch();
            case 2, 3 -> endACopy();
            case 4 -> {
                promote();
                forget();
                borrow();
            }
            default -> layer();
        }
    }

    /** Two slots exchange what they hold, or nothing changes; what is in flight arrives at the other one. */
    private void promote() {
        if (shape.staging() > 0) {
            int slot = shape.slots() + random.nextInt(shape.staging());
            int other = cache.promote(slot);
            if (other != ExpertCache.NONE) {
                assertThat(inFlight).as("slots in flight stay").doesNotContain(other);
                Integer expert = expertOf.remove(slot);
                Integer former = expertOf.put(other, expert);
                if (former != null) {
                    expertOf.put(slot, former);
                }
                if (inFlight.remove(/* element */ (Integer) slot)) {
                    inFlight.add(other);
                }
            }
        }
        compare();
    }

    private void forget() {
        int slot = random.nextInt(Math.max(1, shape.allSlots()));
        if (slot < shape.allSlots() && cache.state(slot) == SlotState.RESIDENT) {
            cache.forget(slot);
            expertOf.remove(slot);
        }
        compare();
    }

    /** A staging slot that nothing is in is had for a while, and what it held is gone. */
    private void borrow() {
        int slot = cache.borrow();
        if (slot == ExpertCache.NONE) {
            for (int staging = shape.slots(); staging < shape.allSlots(); staging++) {
                assertThat(cache.state(staging)).isEqualTo(SlotState.FILLING);
            }
            return;
        }
        assertThat(slot).isGreaterThanOrEqualTo(shape.slots());
        assertThat(inFlight).as("slots in flight stay").doesNotContain(slot);
        expertOf.remove(slot);
        assertThat(cache.state(slot)).isEqualTo(SlotState.IN_USE);
        assertThat(cache.expertIn(slot)).isEqualTo(ExpertCache.NONE);
        assertThat(cache.promote(slot)).isEqualTo(ExpertCache.NONE);
        assertThat(cache.borrow()).as("lent to one alone").isNotEqualTo(slot);
        for (int other = shape.slots(); other < shape.allSlots(); other++) {
            if (cache.state(other) == SlotState.IN_USE) {
                expertOf.remove(other);
                cache.release(other);
            }
        }
        compare();
    }

    private void prefetch() {
        int layer = random.nextInt(shape.layers());
        int expert = random.nextInt(shape.experts());
        if (cache.slotOf(layer, expert) == ExpertCache.NONE) {
            began(cache.prefetch(layer, expert), layer, expert, true);
        }
    }

    private void began(int slot, int layer, int expert, boolean guess) {
        if (slot != ExpertCache.NONE) {
            assertThat(claims.getOrDefault(slot, 0)).as("claimed slots stay").isZero();
            assertThat(inFlight).as("slots in flight stay").doesNotContain(slot);
            boolean evicts = expertOf.containsKey(slot) && slot < shape.slots();
            assertThat(guess && evicts)
                    .as("a guess evicts nothing from its group")
                    .isFalse();
            expertOf.put(slot, layer * shape.experts() + expert);
            inFlight.add(slot);
            begun++;
        }
        compare();
    }

    private void layer() {
        int layer = random.nextInt(shape.layers());
        int[] chosen = choice(random, shape.experts(), topK);
        int[] slots = new int[topK];
        cache.request(layer, chosen, topK, slots);
        asked += topK;
        for (int slot : slots) {
            if (slot != ExpertCache.NONE) {
                present++;
                claims.merge(slot, 1, Integer::sum);
            }
        }
        compare();
        for (int i = 0; i < topK; i++) {
            if (slots[i] == ExpertCache.NONE) {
                slots[i] = fetch(layer, chosen[i]);
            }
        }
        for (int i = 0; i < topK; i++) {
            finish(layer, chosen[i], slots[i]);
        }
    }

    /** As long as there is no slot, something is in flight, and its end frees one. */
    private int fetch(int layer, int expert) {
        int slot = cache.reserve(layer, expert);
        while (slot == ExpertCache.NONE) {
            assertThat(inFlight).as("a copy to wait for").isNotEmpty();
            end(random.nextInt(inFlight.size()), true);
            slot = cache.reserve(layer, expert);
        }
        claims.put(slot, 0);
        began(slot, layer, expert, false);
        claims.put(slot, 1);
        return slot;
    }

    /** Computes an expert once it is there; where its copy failed, that ends this use of it. */
    private void finish(int layer, int expert, int slot) {
        int number = layer * shape.experts() + expert;
        while (cache.state(slot) == SlotState.FILLING) {
            endACopy();
        }
        if (claims.getOrDefault(slot, 0) > 0) {
            assertThat(cache.state(slot)).isEqualTo(SlotState.IN_USE);
            assertThat(cache.expertIn(slot)).isEqualTo(number);
            cache.release(slot);
            claims.merge(slot, -1, Integer::sum);
            compare();
        }
    }

    private void endACopy() {
        if (!inFlight.isEmpty()) {
            end(random.nextInt(inFlight.size()), random.nextInt(8) > 0);
        }
    }

    private void end(int index, boolean well) {
        int slot = inFlight.remove(/* index */ index);
        if (well) {
            cache.copied(slot);
        } else {
            cache.failed(slot);
            expertOf.remove(slot);
            claims.put(slot, 0);
            failures++;
        }
        compare();
    }

    /** A failure of everything: all claims are void, and what was on its way never came. */
    void abandon() {
        cache.abandon();
        inFlight.forEach(expertOf::remove);
        failures += inFlight.size();
        inFlight.clear();
        claims.clear();
        compare();
    }

    /** Lets all copies end. */
    void drain() {
        while (!inFlight.isEmpty()) {
            end(0, true);
        }
        for (int slot = 0; slot < shape.allSlots(); slot++) {
            assertThat(cache.state(slot)).isIn(SlotState.FREE, SlotState.RESIDENT);
        }
    }

    private void compare() {
        Set<Integer> seen = new HashSet<>();
        for (int slot = 0; slot < shape.allSlots(); slot++) {
            int expert = cache.expertIn(slot);
            assertThat(expert).isEqualTo(expertOf.getOrDefault(slot, ExpertCache.NONE));
            if (expert != ExpertCache.NONE) {
                assertThat(seen.add(expert)).as("no expert in two slots").isTrue();
                assertThat(cache.slotOf(expert / shape.experts(), expert % shape.experts()))
                        .isEqualTo(slot);
                requireOwnGroup(slot, expert / shape.experts());
            }
            assertThat(cache.state(slot)).isEqualTo(expected(slot, expert));
        }
        CacheCounts counts = cache.counts();
        assertThat(counts.requests()).isEqualTo(asked);
        assertThat(counts.hits() + counts.arriving()).isEqualTo(present);
        assertThat(counts.copies()).isEqualTo(begun);
        assertThat(counts.failures()).isEqualTo(failures);
        assertThat(counts.copies() - counts.failures() - counts.evictions()).isEqualTo(seen.size());
    }

    private void requireOwnGroup(int slot, int layer) {
        int group = shape.groupOf(layer);
        boolean own = slot >= shape.firstSlot(group) && slot < shape.firstSlot(group + 1);
        assertThat(own || slot >= shape.slots()).isTrue();
    }

    private SlotState expected(int slot, int expert) {
        if (expert == ExpertCache.NONE) {
            return SlotState.FREE;
        }
        if (inFlight.contains(slot)) {
            return SlotState.FILLING;
        }
        return claims.getOrDefault(slot, 0) > 0 ? SlotState.IN_USE : SlotState.RESIDENT;
    }
}
