package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.engine.BackendFailureException;
import dev.gatun.offload.CachePolicy;
import dev.gatun.offload.CacheShape;
import dev.gatun.offload.ExclusiveLayout;
import dev.gatun.offload.ExpertCache;
import dev.gatun.offload.ExpertFetcher;
import dev.gatun.offload.ExpertSource;
import dev.gatun.offload.HostMode;
import dev.gatun.offload.LoadListener;
import dev.gatun.offload.MemoryPlan;
import dev.gatun.offload.MissMode;
import dev.gatun.offload.OffloadOptions;
import dev.gatun.offload.PrefetchSettings;
import dev.gatun.offload.RoadSplit;
import dev.gatun.offload.StoreFiller;
import dev.gatun.quant.ExpertCut;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/** Takes the memory for experts that do not all fit the device, on both sides of the link, and fills it. */
final class ExpertMemory {
    private final CudaResources resources;
    private final CudaDevice device;
    private final MixtralConfig config;
    private final ExpertSource source;
    private final OffloadOptions options;
    private final CudaOptions launching;
    private final LoadListener listener;
    private final PieceAllocator pinning;
    private final UnaryOperator<HostRoad> roads;
    private final long blockBytes;
    private PinnedStore store;
    private ExpertCut cut;
    private int awaited;
    private Optional<LinkTimes> link = Optional.empty();
    private Optional<HostExperts> host = Optional.empty();
    private Optional<String> note = Optional.empty();

    /**
     * Takes nothing yet.
     *
     * @param launching how copies run, and whether times are taken
     * @param pinning where the host's part comes from
     * @param roads what is made of the road on which the host computes
     */
    ExpertMemory(
            CudaResources resources,
            MixtralConfig config,
            ExpertSource source,
            OffloadOptions options,
            CudaOptions launching,
            LoadListener listener,
            PieceAllocator pinning,
            UnaryOperator<HostRoad> roads) {
        this.resources = resources;
        this.device = resources.stream().device();
        this.config = config;
        this.source = source;
        this.options = options;
        this.launching = launching;
        this.listener = listener;
        this.pinning = pinning;
        this.roads = roads;
        this.blockBytes = source.block().bytes();
    }

    /**
     * Takes and fills it.
     *
     * @param budget is asked for slots when everything else is there
     * @param maxChunk the most tokens of a chunk
     */
    OffloadedExperts open(DeviceBudget budget, int maxChunk) {
        PublishedChoices choices = choices(maxChunk);
        Optional<GuessedChoices> guesses = guesses();
        DeviceMemory pointers = resources.arena().allocate(SlotTable.bytes(config.layers(), config.experts()));
        MemoryPlan plan = budget.plan();
        CacheShape shape = plan.cacheShape(options.sharing());
        CachePolicy policy = options.newPolicy(shape, config.expertsPerToken());
        ExpertCache cache = new ExpertCache(shape, policy, config.expertsPerToken());
        SlotMemory slots = new SlotMemory(resources.arena().allocate(plan.allSlots() * blockBytes), blockBytes);
        ExpertFetcher fetcher =
                plan.hostMode() == HostMode.EXCLUSIVE ? exclusive(plan, cache, policy, slots) : inclusive(cache, slots);
        SlotTable table = resources.remember(
                new SlotTable(resources.stream(), pointers, slots, config.layers(), config.experts()));
        return new OffloadedExperts(
                plan,
                resources.stream(),
                config.layers(),
                config.experts(),
                choices,
                guesses,
                table,
                fetcher,
                store,
                host,
                note,
                link.map(copies -> new OffloadTimes(passTimes(), copies)));
    }

    private PassTimes passTimes() {
        return resources.remember(new PassTimes(() -> new EventMark(resources.stream())));
    }

    private ExpertFetcher inclusive(ExpertCache cache, SlotMemory slots) {
        takeStore(cache.shape().allExperts());
        fill(IntStream.range(0, store.blocks()).toArray());
        CudaCopyEngine copies = copies(slots);
        PrefetchSettings prefetch = PrefetchSettings.of(options.prefetch());
        RoadSplit roads = roads(copies, cache.shape());
        ExpertFetcher fetcher = new ExpertFetcher(cache, copies, blockBytes, prefetch, roads);
        if (roads.mode() != MissMode.FETCH) {
            fetcher.fill();
        }
        return fetcher;
    }

    private ExpertFetcher exclusive(MemoryPlan plan, ExpertCache cache, CachePolicy policy, SlotMemory slots) {
        CacheShape shape = cache.shape();
        ExclusiveLayout layout = ExclusiveLayout.of(shape, policy, plan.spareSlots(), config.expertsPerToken());
        takeStore(layout.blocks());
        CudaCopyEngine copies = copies(slots);
        new ExclusiveLoader(source, config.experts(), layout, listener).load(store, copies, shape.allExperts());
        PrefetchSettings prefetch = PrefetchSettings.of(options.prefetch());
        return ExpertFetcher.exclusive(cache, copies, blockBytes, prefetch, layout, roads(copies, shape));
    }

    private void takeStore(int blocks) {
        store = resources.remember(PinnedStore.allocate(pinning, blocks, blockBytes));
    }

    private CudaCopyEngine copies(SlotMemory slots) {
        cut = store.pinnedBlocks() == store.blocks() ? ExpertCut.of(source.block()) : new ExpertCut(source.block(), 1);
        CudaCopyEngine copies = new CudaCopyEngine(resources, store, slots, cut, launching);
        link = copies.times();
        return copies;
    }

    private RoadSplit roads(CudaCopyEngine copies, CacheShape shape) {
        RoadOpener opener = new RoadOpener(resources, config, options.misses(), launching.threads(), roads);
        // A slot for what is on its way holds nothing yet.
        OpenRoads open = opener.open(copies, shape.slots(), store, cut, awaited);
        host = open.host();
        note = open.note();
        return open.split();
    }

    private PublishedChoices choices(int maxChunk) {
        awaited = OffloadedExperts.mostAwaited(config.experts(), config.expertsPerToken(), maxChunk);
        return resources.remember(new PublishedChoices(device, config.layers(), awaited, config.expertsPerToken()));
    }

    private Optional<GuessedChoices> guesses() {
        if (options.prefetch() == 0) {
            return Optional.empty();
        }
        int topK = Math.min(options.prefetch(), config.experts());
        int places = options.layersAhead() * config.layers();
        PublishedChoices words = resources.remember(new PublishedChoices(device, places, TokenVariants.MOST, topK));
        RouterOperation router =
                new RouterOperation(resources.kernels(), resources.stream(), topK, (float) config.normEpsilon());
        CudaRouting scratch = CudaRouting.allocate(resources.arena(), TokenVariants.MOST, config.hiddenSize(), topK);
        DeviceMemory ignored = resources.arena().allocate(Integer.BYTES);
        return Optional.of(new GuessedChoices(
                router, words, scratch, ignored, config.layers(), options.layersAhead(), config.experts()));
    }

    private void fill(int[] numbers) {
        try {
            new StoreFiller(source, config.experts()).fill(numbers, store::block, listener);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new BackendFailureException("loading the experts was interrupted");
        }
    }
}
