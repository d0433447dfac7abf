package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.offload.CacheShape.Sharing;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExpertCacheTest {
    private static final int ROUNDS = 400;

    private static CachePolicy policy(PolicyKind kind, CacheShape shape, Random random) {
        return switch (kind) {
            case LRU -> new LruPolicy(shape.allExperts());
            case LFU -> new LfuPolicy(shape.allExperts(), 1 + random.nextInt(50));
            case FIFO -> new FifoPolicy(shape.allExperts());
            case FIXED ->
                FixedPlacement.of(shape, random.longs(shape.allExperts(), 0, 5).toArray());
            case BEST -> throw new IllegalArgumentException("needs a recording");
        };
    }

    /** A shape in which {@code topK} experts of a layer can always be served. */
    private static CacheShape shape(Random random, PolicyKind kind, int topK) {
        int layers = 1 + random.nextInt(5);
        int experts = topK + random.nextInt(8);
        Sharing sharing = random.nextBoolean() ? Sharing.POOL : Sharing.PER_LAYER;
        int slots = random.nextInt(layers * experts + 1);
        int least = kind == PolicyKind.FIXED ? topK : Math.max(0, topK - slots / layers);
        int staging = Math.min(layers * experts, least + random.nextInt(3));
        return new CacheShape(layers, experts, slots, staging, sharing);
    }

    @ParameterizedTest
    @EnumSource(
            value = PolicyKind.class,
            names = {"LRU", "LFU", "FIFO", "FIXED"})
    void everyRequestIsServedAndTheBooksAreRightWhateverHappens(PolicyKind kind) {
        for (long seed = 0; seed < ROUNDS; seed++) {
            Random random = new Random(seed);
            int topK = 1 + random.nextInt(4);
            CacheShape shape = shape(random, kind, topK);
            ExpertCache cache = new ExpertCache(shape, policy(kind, shape, random), topK);
            RandomScheduler scheduler = new RandomScheduler(cache, topK, random);
            for (int step = 0; step < 120; step++) {
                scheduler.step();
                if (step % 50 == 49) {
                    scheduler.abandon();
                }
            }
            scheduler.drain();
        }
    }

    @ParameterizedTest
    @EnumSource(Sharing.class)
    void lruDoesWhatANaiveListDoes(Sharing sharing) {
        for (long seed = 0; seed < ROUNDS; seed++) {
            Random random = new Random(seed);
            int topK = 1 + random.nextInt(3);
            int layers = 1 + random.nextInt(4);
            int experts = topK + random.nextInt(8);
            int perLayer = topK + random.nextInt(experts - topK + 1);
            CacheShape shape = new CacheShape(layers, experts, perLayer * layers, 0, sharing);
            ExpertCache cache = new ExpertCache(shape, new LruPolicy(shape.allExperts()), topK);
            NaiveLru naive = new NaiveLru(shape);
            for (int token = 0; token < 60; token++) {
                for (int layer = 0; layer < layers; layer++) {
                    int[] chosen = RandomScheduler.choice(random, experts, topK);
                    serve(cache, layer, chosen);
                    naive.serve(layer, chosen);
                    assertThat(resident(cache)).as("seed %d", seed).isEqualTo(naive.resident());
                }
            }
            CacheCounts counts = cache.counts();
            assertThat(new long[] {counts.hits(), counts.misses(), counts.evictions()})
                    .containsExactly(naive.hits(), naive.misses(), naive.evictions());
        }
    }

    private static int serve(ExpertCache cache, int layer, int... chosen) {
        int[] slots = new int[chosen.length];
        int missing = cache.request(layer, chosen, chosen.length, slots);
        for (int i = 0; i < chosen.length; i++) {
            if (slots[i] == ExpertCache.NONE) {
                slots[i] = cache.reserve(layer, chosen[i]);
                cache.copied(slots[i]);
            }
        }
        Arrays.stream(slots).forEach(cache::release);
        return missing;
    }

    private static java.util.Set<Integer> resident(ExpertCache cache) {
        java.util.Set<Integer> all = new java.util.TreeSet<>();
        for (int slot = 0; slot < cache.shape().allSlots(); slot++) {
            if (cache.expertIn(slot) != ExpertCache.NONE) {
                all.add(cache.expertIn(slot));
            }
        }
        return all;
    }

    @ParameterizedTest
    @EnumSource(
            value = PolicyKind.class,
            names = {"LRU", "LFU", "FIFO", "FIXED"})
    void withASlotForEveryExpertNothingMissesTwice(PolicyKind kind) {
        Random random = new Random(5);
        for (Sharing sharing : Sharing.values()) {
            CacheShape shape = new CacheShape(3, 8, 24, 0, sharing);
            ExpertCache cache = new ExpertCache(shape, policy(kind, shape, random), 2);
            for (int token = 0; token < 500; token++) {
                for (int layer = 0; layer < 3; layer++) {
                    serve(cache, layer, RandomScheduler.choice(random, 8, 2));
                }
            }
            assertThat(cache.counts().misses()).isEqualTo(24);
            assertThat(cache.counts().evictions()).isZero();
        }
    }

    @Test
    void stagingSlotsAloneServe() {
        CacheShape shape = new CacheShape(4, 8, 0, 2, Sharing.PER_LAYER);
        ExpertCache cache = new ExpertCache(shape, new LruPolicy(32), 2);
        assertThat(serve(cache, 0, 3, 5)).isEqualTo(2);
        assertThat(serve(cache, 0, 5, 3)).isZero();
        assertThat(serve(cache, 1, 3, 5)).isEqualTo(2);
        assertThat(serve(cache, 0, 3, 5)).isEqualTo(2);
    }

    @Test
    void lfuKeepsWhatIsAskedForOftenAndForgetsInTime() {
        CacheShape shape = new CacheShape(1, 4, 2, 0, Sharing.PER_LAYER);
        ExpertCache cache = new ExpertCache(shape, new LfuPolicy(4, 20), 1);
        for (int i = 0; i < 10; i++) {
            serve(cache, 0, 0);
        }
        serve(cache, 0, 1);
        serve(cache, 0, 2);
        assertThat(resident(cache)).containsExactly(0, 2);
        for (int i = 0; i < 200; i++) {
            serve(cache, 0, 1 + i % 2);
        }
        assertThat(resident(cache)).containsExactly(1, 2);
    }

    @Test
    void fifoEvictsTheOldestHoweverOftenItIsUsed() {
        CacheShape shape = new CacheShape(1, 4, 2, 0, Sharing.PER_LAYER);
        ExpertCache cache = new ExpertCache(shape, new FifoPolicy(4), 1);
        for (int expert : new int[] {0, 1, 0, 0, 2}) {
            serve(cache, 0, expert);
        }
        assertThat(resident(cache)).containsExactly(1, 2);
    }

    @Test
    void aFixedPlacementHoldsTheMostUsedOfEachGroup() {
        long[] uses = {9, 1, 8, 0, 2, 3, 3, 1};
        CacheShape perLayer = new CacheShape(2, 4, 4, 1, Sharing.PER_LAYER);
        assertThat(FixedPlacement.of(perLayer, uses).placed().stream()).containsExactly(0, 2, 5, 6);
        CacheShape pool = new CacheShape(2, 4, 3, 1, Sharing.POOL);
        FixedPlacement placement = FixedPlacement.of(pool, uses);
        assertThat(placement.placed().stream()).containsExactly(0, 2, 5);
        ExpertCache cache = new ExpertCache(pool, placement, 1);
        for (int expert = 0; expert < 4; expert++) {
            serve(cache, 0, expert);
            serve(cache, 1, expert);
        }
        assertThat(cache.slotOf(0, 0)).isBetween(0, 2);
        assertThat(cache.slotOf(1, 3)).isEqualTo(3);
        assertThat(resident(cache)).containsExactly(0, 2, 5, 7);
    }

    @Test
    void aPrefetchedExpertIsArrivingAndThenAHit() {
        CacheShape shape = new CacheShape(1, 8, 3, 0, Sharing.PER_LAYER);
        ExpertCache cache = new ExpertCache(shape, new LruPolicy(8), 2);
        int slot = cache.prefetch(0, 4);
        assertThat(cache.state(slot)).isEqualTo(SlotState.FILLING);
        int[] slots = new int[1];
        assertThat(cache.request(0, new int[] {4}, 1, slots)).isZero();
        assertThat(slots).containsExactly(slot);
        cache.copied(slot);
        assertThat(cache.state(slot)).isEqualTo(SlotState.IN_USE);
        cache.release(slot);
        assertThat(cache.state(slot)).isEqualTo(SlotState.RESIDENT);
        serve(cache, 0, 4);
        assertThat(cache.counts()).isEqualTo(new CacheCounts(1, 1, 0, 0, 1, 0));
    }

    @Test
    void whatIsOnItsWayAndNotWaitedForIsAMiss() {
        CacheShape shape = new CacheShape(1, 8, 3, 0, Sharing.PER_LAYER);
        ExpertCache cache = new ExpertCache(shape, new LruPolicy(8), 2);
        int slot = cache.prefetch(0, 4);
        cache.request(0, new int[] {4}, 1, new int[1]);
        cache.leave(slot);
        assertThat(cache.counts()).isEqualTo(new CacheCounts(0, 0, 1, 0, 1, 0));
        assertThat(cache.state(slot)).as("the copy goes on").isEqualTo(SlotState.FILLING);
        cache.copied(slot);
        assertThat(cache.state(slot)).isEqualTo(SlotState.RESIDENT);
        assertThatThrownBy(() -> cache.leave(slot)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aFailedCopyFreesItsSlotAndVoidsTheClaims() {
        CacheShape shape = new CacheShape(1, 8, 2, 0, Sharing.PER_LAYER);
        ExpertCache cache = new ExpertCache(shape, new LruPolicy(8), 2);
        int[] slots = new int[2];
        cache.request(0, new int[] {1, 2}, 2, slots);
        int first = cache.reserve(0, 1);
        int second = cache.reserve(0, 2);
        cache.failed(first);
        assertThat(cache.state(first)).isEqualTo(SlotState.FREE);
        assertThat(cache.slotOf(0, 1)).isEqualTo(ExpertCache.NONE);
        assertThatThrownBy(() -> cache.release(first)).isInstanceOf(IllegalStateException.class);
        assertThat(cache.reserve(0, 1)).isEqualTo(first);
        assertThat(cache.reserve(0, 3)).isEqualTo(ExpertCache.NONE);
        cache.copied(second);
        assertThat(cache.reserve(0, 3)).as("the other is in use").isEqualTo(ExpertCache.NONE);
        cache.release(second);
        assertThat(cache.reserve(0, 3)).isEqualTo(second);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void aCacheThatCouldNotServeALayerIsRefused(int staging) {
        CacheShape shape = new CacheShape(4, 8, 3, staging, Sharing.PER_LAYER);
        assertThatThrownBy(() -> new ExpertCache(shape, new LruPolicy(32), 2)).hasMessageContaining("staging");
        CacheShape pool = new CacheShape(4, 8, 20, staging, Sharing.POOL);
        assertThatThrownBy(() -> new ExpertCache(pool, FixedPlacement.of(pool, new long[32]), 2))
                .hasMessageContaining("staging");
    }

    @Test
    void aGuessBecomesOneOfItsGroupOnceItIsAskedFor() {
        CacheShape shape = new CacheShape(1, 8, 2, 1, Sharing.PER_LAYER);
        ExpertCache cache = new ExpertCache(shape, new LruPolicy(8), 2);
        serve(cache, 0, 1);
        serve(cache, 0, 2);
        int staged = cache.prefetch(0, 5);
        assertThat(staged).isEqualTo(2);
        int[] slots = new int[1];
        cache.request(0, new int[] {5}, 1, slots);
        int slot = cache.promote(staged);
        assertThat(cache.expertIn(slot)).isEqualTo(5);
        assertThat(cache.state(slot)).isEqualTo(SlotState.FILLING);
        assertThat(cache.expertIn(staged))
                .as("the one asked for least recently")
                .isEqualTo(1);
        assertThat(cache.promote(slot)).as("it is there already").isEqualTo(ExpertCache.NONE);
        cache.copied(slot);
        cache.release(slot);
        assertThat(cache.counts().evictions()).isZero();
    }

    @Test
    void aClaimedSlotIsNotForgottenUnlessAllIsAbandoned() {
        CacheShape shape = new CacheShape(1, 8, 2, 0, Sharing.PER_LAYER);
        ExpertCache cache = new ExpertCache(shape, new LruPolicy(8), 2);
        int slot = cache.reserve(0, 1);
        cache.copied(slot);
        assertThatThrownBy(() -> cache.forget(slot)).isInstanceOf(IllegalStateException.class);
        cache.abandon();
        assertThat(cache.state(slot)).isEqualTo(SlotState.RESIDENT);
        cache.forget(slot);
        assertThat(cache.state(slot)).isEqualTo(SlotState.FREE);
        assertThat(cache.slotOf(0, 1)).isEqualTo(ExpertCache.NONE);
    }

    @Test
    void misuseIsRefused() {
        CacheShape shape = new CacheShape(2, 4, 4, 0, Sharing.PER_LAYER);
        ExpertCache cache = new ExpertCache(shape, new LruPolicy(8), 2);
        int slot = cache.reserve(0, 1);
        assertThatThrownBy(() -> cache.reserve(0, 1)).isInstanceOf(IllegalStateException.class);
        cache.copied(slot);
        assertThatThrownBy(() -> cache.copied(slot)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> cache.failed(slot)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> cache.reserve(2, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> cache.reserve(0, 4)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new CacheShape(2, 4, 9, 0, Sharing.POOL)).hasMessageContaining("9 slots");
    }
}
