package dev.gatun.offload;

import dev.gatun.offload.CacheShape.Sharing;
import java.util.List;
import java.util.Random;

/**
 * A fetcher on a fake device, as a seed says; nothing of it may change what is computed.
 *
 * @param precision how often a guess is right
 * @param hurried whether the host puts in a layer before the one before was computed
 * @param misses which roads are open
 * @param parts of an expert
 */
record FetchSetting(
        CacheShape shape,
        PolicyKind policy,
        HostMode hostMode,
        int spareSlots,
        int topK,
        PrefetchSettings prefetch,
        double precision,
        boolean hurried,
        int blockBytes,
        MissMode misses,
        int parts) {
    private static final List<MissMode> ROADS = List.of(MissMode.values());
    private static final List<PolicyKind> POLICIES =
            List.of(PolicyKind.LRU, PolicyKind.LFU, PolicyKind.FIFO, PolicyKind.FIXED);

    static FetchSetting random(Random random, int layers, int experts, int topK) {
        PolicyKind policy = POLICIES.get(random.nextInt(POLICIES.size()));
        Sharing sharing = random.nextBoolean() ? Sharing.POOL : Sharing.PER_LAYER;
        int slots = random.nextInt(layers * experts + 1);
        int sure = policy == PolicyKind.FIXED ? 0 : slots / (sharing == Sharing.POOL ? 1 : layers);
        int staging = Math.min(layers * experts, Math.max(0, topK - sure) + random.nextInt(4));
        HostMode mode = random.nextBoolean() ? HostMode.INCLUSIVE : HostMode.EXCLUSIVE;
        int parts = 1 + random.nextInt(4);
        int bytes = parts * (1 + random.nextInt(4));
        return new FetchSetting(
                new CacheShape(layers, experts, slots, staging, sharing),
                policy,
                mode,
                1 + random.nextInt(3),
                topK,
                new PrefetchSettings(random.nextInt(4), 1 + random.nextInt(4)),
                random.nextInt(5) / 4.0,
                random.nextBoolean(),
                bytes,
                ROADS.get(random.nextInt(ROADS.size())),
                parts);
    }

    /** Rates that are wrong in any way, and a clock that shows nothing of value. */
    private RoadSplit split(Random random) {
        long[] now = {0};
        RoadRates rates = new RoadRates(speed(random), speed(random));
        return new RoadSplit(misses, parts, rates, random.nextInt(3) * 1e-9, () -> now[0] += random.nextInt(20));
    }

    private static RoadSpeed speed(Random random) {
        return new RoadSpeed(1e9 * Math.exp(random.nextGaussian()), random.nextInt(3) * 1e-9);
    }

    private CachePolicy policy(Random random) {
        int experts = shape.allExperts();
        return switch (policy) {
            case LRU -> new LruPolicy(experts);
            case LFU -> new LfuPolicy(experts, 20);
            case FIFO -> new FifoPolicy(experts);
            case FIXED -> FixedPlacement.of(shape, random.longs(experts, 0, 5).toArray());
            case BEST -> throw new IllegalArgumentException("needs a recording");
        };
    }

    /** A fetcher and its device, loaded. */
    record Rig(ExpertFetcher fetcher, FakeDevice device) {}

    Rig rig(Random random) {
        return rig(random, split(random));
    }

    Rig rig(Random random, RoadSplit split) {
        CachePolicy policy = policy(random);
        ExpertCache cache = new ExpertCache(shape, policy, topK);
        if (hostMode == HostMode.INCLUSIVE) {
            FakeDevice device = new FakeDevice(random, blockBytes, parts, shape.allSlots(), shape.allExperts());
            for (int expert = 0; expert < shape.allExperts(); expert++) {
                device.loadBlock(expert, expert);
            }
            return new Rig(new ExpertFetcher(cache, device, blockBytes, prefetch, split), device);
        }
        ExclusiveLayout layout = ExclusiveLayout.of(shape, policy, spareSlots, topK);
        FakeDevice device = load(random, layout);
        return new Rig(ExpertFetcher.exclusive(cache, device, blockBytes, prefetch, layout, split), device);
    }

    private FakeDevice load(Random random, ExclusiveLayout layout) {
        FakeDevice device = new FakeDevice(random, blockBytes, parts, layout.slots(), layout.blocks());
        for (int expert = 0; expert < shape.allExperts(); expert++) {
            int layer = expert / shape.experts();
            int slot = layout.slot(layer, expert % shape.experts());
            if (slot == ExpertCache.NONE) {
                device.loadBlock(layout.block(layer, expert % shape.experts()), expert);
            } else {
                device.loadSlot(slot, expert);
            }
        }
        device.checkAlways(() -> {
            for (int expert = 0; expert < shape.allExperts(); expert++) {
                org.assertj.core.api.Assertions.assertThat(device.isSomewhere(expert))
                        .as("expert %d lies somewhere", expert)
                        .isTrue();
            }
        });
        return device;
    }
}
