package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cpu.CpuException;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.cpu.CpuPool;
import dev.gatun.cuda.CudaException;
import dev.gatun.natives.NativeLibraryException;
import dev.gatun.offload.CopyEngine;
import dev.gatun.offload.MissMode;
import dev.gatun.offload.RoadRates;
import dev.gatun.offload.RoadSplit;
import dev.gatun.quant.ExpertCut;
import java.time.Duration;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Opens the host's road for missing experts, unless it is not wanted or cannot be had, and finds out how fast both are. */
final class RoadOpener {
    /** The pause between two layers' experts is attention's and the router's; a thread that slept would come late. */
    private static final Duration SPIN = Duration.ofMillis(1);

    private static final int MANY_PROCESSORS = 8;

    /**
     * How many seconds the link lags behind the host, as events and the host's clock showed them on an H200: copies begin 30 us
     * after the host, for they are ordered then, and the experts of the last upload take 40 us. Where the device cannot wait for
     * the host it is none: a host that ends last then delays the next layer by as much.
     */
    private static final double LAG = 70e-6;

    private final CudaResources resources;
    private final MixtralConfig config;
    private final MissMode misses;
    private final int threads;
    private final UnaryOperator<HostRoad> roads;

    /**
     * Opens nothing yet.
     *
     * @param resources close what is opened
     * @param misses what is wished for
     * @param threads that compute, as many as are usual for 0
     * @param roads what is made of the road on which the host computes
     */
    RoadOpener(
            CudaResources resources,
            MixtralConfig config,
            MissMode misses,
            int threads,
            UnaryOperator<HostRoad> roads) {
        this.resources = resources;
        this.config = config;
        this.misses = misses;
        this.threads = threads > 0 ? threads : usualThreads();
        this.roads = roads;
    }

    /** Of many processors one is left to the driver and to whatever else runs: all threads wait for the slowest. */
    private static int usualThreads() {
        int processors = Runtime.getRuntime().availableProcessors();
        return processors < MANY_PROCESSORS ? processors : processors - 1;
    }

    /**
     * Opens them for the experts of a store.
     *
     * @param slot of the device, whose content means nothing
     * @param awaited the most tokens of a chunk whose experts the host may compute
     */
    OpenRoads open(CopyEngine copies, int slot, PinnedStore store, ExpertCut cut, int awaited) {
        if (misses == MissMode.FETCH) {
            return OpenRoads.fetching(Optional.empty());
        }
        TokenOperations adding = new TokenOperations(resources.kernels(), resources.stream());
        PinnedHandOff handOff;
        try {
            handOff = resources.remember(handOff(adding, awaited));
        } catch (CudaException noMemory) {
            // The store has taken what can be pinned; a model that can be fetched is not to fail for the rest.
            return fetching("there is no pinned memory for what the CPU hands over", noMemory);
        }
        try {
            return measure(copies, slot, store, cut, handOff);
        } catch (NativeLibraryException | CpuException unusable) {
            return fetching("the CPU cannot compute them", unusable);
        }
    }

    private PinnedHandOff handOff(TokenOperations adding, int awaited) {
        return new PinnedHandOff(
                resources.stream().device(), adding, awaited, config.hiddenSize(), config.expertsPerToken());
    }

    private static OpenRoads fetching(String why, RuntimeException cause) {
        return OpenRoads.fetching(Optional.of("misses are fetched, since " + why + ": " + cause.getMessage()));
    }

    private OpenRoads measure(CopyEngine copies, int slot, PinnedStore store, ExpertCut cut, HandOff handOff) {
        CpuPool pool = resources.remember(CpuPool.open(threads, CpuLevel.chosen(), SPIN));
        int experts = config.layers() * config.experts();
        HostRoad road = roads.apply(resources.remember(new CpuRoad(pool, store, cut, handOff.host(), experts)));
        RoadProbe probe =
                new RoadProbe(copies, slot, road, store.blocks(), store.blockBytes(), cut.parts(), System::nanoTime);
        RoadRates rates = probe.measure();
        MissDecision decision = MissDecision.of(misses, store.pinnedBlocks() == store.blocks(), rates);
        if (decision.mode() == MissMode.FETCH) {
            return OpenRoads.fetching(decision.note());
        }
        boolean isAwaited = resources.stream().device().mayWaitForHost();
        HostExperts host = new HostExperts(handOff, road, cut, probe.forPrompts(rates), isAwaited);
        return new OpenRoads(
                new RoadSplit(decision.mode(), cut.parts(), rates, isAwaited ? LAG : 0),
                Optional.of(host),
                decision.note());
    }
}
