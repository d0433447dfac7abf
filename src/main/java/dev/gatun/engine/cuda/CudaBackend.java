package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.cuda.CudaAvailability;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.engine.Activations;
import dev.gatun.engine.Backend;
import dev.gatun.engine.CandidateRequest;
import dev.gatun.engine.CandidateSearch;
import dev.gatun.engine.ForcedRouting;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.Logits;
import dev.gatun.engine.OffloadCounts;
import dev.gatun.engine.Routing;
import dev.gatun.engine.RoutingObserver;
import dev.gatun.offload.CacheShape;
import dev.gatun.offload.ChunkWorkspace;
import dev.gatun.offload.KeyValueBudget;
import dev.gatun.offload.LoadListener;
import dev.gatun.offload.ModelSizes;
import dev.gatun.offload.OffloadOptions;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * Every operation on one GPU, with all experts in its memory or as many as fit. Operations are put into one stream and return
 * before they have run; those of a single token all together, in {@link #head}, as a CUDA graph, where all experts are
 * resident, else those between the experts of two layers ({@link CudaOptions#graphs}). Those that wait: {@link #await} and
 * the search for candidates; {@link #head} for several rows, which takes memory, and for a token that needs a new graph;
 * {@link #embed} if a chunk before was not awaited; {@link #experts} for the router's choice, where not all experts are
 * resident and the chunk is small. The host's share of the missing ones is computed while what follows is put in, and
 * completed before anything waits for the device: so one thread runs a chunk from {@link #embed} to {@link #head}.
 */
public final class CudaBackend implements Backend {
    private static final String NOT_PINNED = "host memory: the embeddings could not be pinned and take the room of some"
            + " experts on the GPU (raise `ulimit -l` or the container's limit)";

    private final MixtralConfig config;
    private final CudaDevice device;
    private final DeviceBudget budget;
    private final CudaResources resources;
    private final CudaWeights weights;
    private final CudaWorkspace workspace;
    private final CudaOperations operations;
    private final Optional<OffloadedExperts> offloaded;
    private final TokenLaunches launches;
    private final PassClock clock;
    private final KeyValueBudget keyValues;
    private final Optional<String> note;
    private Optional<RoutingLog> log = Optional.empty();
    private Optional<ForcedChoices> forced = Optional.empty();
    private long memoryInUse;
    private int devicePosition = -1;
    private int sequence = 1;
    private boolean inWork;

    /**
     * Makes a backend for one model with all of its weights on the device, if they fit, and as many experts as fit if not.
     *
     * @param config the model's shape
     * @param weights outlive this
     * @throws UnsupportedModelException if the kernels cannot run this model, or it does not fit the device's memory
     * @throws dev.gatun.cuda.CudaException if CUDA fails
     */
    public CudaBackend(CudaDevice device, MixtralConfig config, ModelWeights weights) {
        this(device, config, weights, CudaOptions.defaults());
    }

    /** As {@link #CudaBackend(CudaDevice, MixtralConfig, ModelWeights)}, with options. */
    public CudaBackend(CudaDevice device, MixtralConfig config, ModelWeights weights, CudaOptions options) {
        this(device, CudaModel.of(config, weights), OffloadOptions.defaults(), options, (bytes, total) -> {});
    }

    /**
     * Makes a backend for one model.
     *
     * @param model its weights are needed until this returns
     * @param offload what of the device's and the host's memory may be used for experts, and how
     * @param listener hears how far experts are loaded into host memory
     * @throws UnsupportedModelException if the kernels cannot run this model, or it does not fit the memory
     * @throws dev.gatun.cuda.CudaException if CUDA fails
     */
    public CudaBackend(
            CudaDevice device, CudaModel model, OffloadOptions offload, CudaOptions options, LoadListener listener) {
        this(device, model, offload, options, listener, PieceAllocator.of(device), UnaryOperator.identity());
    }

    /**
     * Makes a backend, in parts that tests can spoil.
     *
     * @param pinning where memory of the host for experts and embeddings comes from
     * @param roads what is made of the road on which the host computes experts
     */
    CudaBackend(
            CudaDevice device,
            CudaModel model,
            OffloadOptions offload,
            CudaOptions options,
            LoadListener listener,
            PieceAllocator pinning,
            UnaryOperator<HostRoad> roads) {
        ModelRequirements.check(model.config());
        this.config = model.config();
        DeviceBudget planned = DeviceBudget.of(device, model, offload);
        this.device = device;
        this.resources = CudaResources.open(device, config, maxChunk());
        try {
            // Loading needs none; what the kernels need is known when they are.
            device.keepLocalMemory(0);
            Optional<EmbeddingTable.InHost> embeddings = planned.embeddingsInHost()
                    ? EmbeddingTable.InHost.load(model.weights().embeddings(), pinning, resources)
                    : Optional.empty();
            boolean asPlanned = planned.embeddingsInHost() == embeddings.isPresent();
            this.budget = asPlanned ? planned : planned.withEmbeddingsOnDevice(model);
            this.note = asPlanned ? Optional.empty() : Optional.of(NOT_PINNED);
            this.workspace = CudaWorkspace.allocate(
                    resources.arena(),
                    new ChunkWorkspace(config, maxChunk(), model.experts().isPresent()));
            WeightLoader loader = new WeightLoader(resources.stream(), resources.arena());
            this.weights = loader.load(model.weights(), embeddings, layer -> experts(model, loader, layer));
            this.operations = CudaOperations.prepare(resources, config, weights, workspace, maxChunk());
            resources.kernels().limitLocalMemory();
            if (options.simulatedLink().isPresent()) {
                operations.experts().leaveRoom(PacedLink.BLOCKS);
            }
            this.launches = usesGraphs(offload, options)
                    ? TokenLaunches.withGraphs(
                            new HostFirst(new StreamRecorder(resources.stream()), this::finishOnHost))
                    : TokenLaunches.plain();
            this.offloaded = budget.isOffloaded()
                    ? Optional.of(offload(model, offload, options, listener, pinning, roads))
                    : Optional.empty();
            this.clock = offloaded.map(OffloadedExperts::clock).orElse(PassClock.NONE);
            forgetFailure();
            resources.stream().synchronize();
            memoryInUse = budget.taken();
            keyValues = budget.keyValues();
        } catch (RuntimeException | Error failure) {
            resources.closeAfter(failure);
            throw failure;
        }
    }

    /** Guesses and times are put into the stream between operations that a graph would put off. */
    private boolean usesGraphs(OffloadOptions offload, CudaOptions options) {
        return options.graphs() && (!budget.isOffloaded() || (offload.prefetch() == 0 && !options.times()));
    }

    private LayerExperts experts(CudaModel model, WeightLoader loader, int layer) {
        if (budget.isOffloaded()) {
            return new LayerExperts.Offloaded(model.experts().orElseThrow().block());
        }
        return model.experts()
                .map(source -> loader.experts(source, layer, model.config().experts()))
                .orElseGet(
                        () -> loader.experts(model.weights().layers().get(layer).experts()));
    }

    private OffloadedExperts offload(
            CudaModel model,
            OffloadOptions offload,
            CudaOptions options,
            LoadListener listener,
            PieceAllocator pinning,
            UnaryOperator<HostRoad> roads) {
        return new ExpertMemory(
                        resources, config, model.experts().orElseThrow(), offload, options, listener, pinning, roads)
                .open(budget, maxChunk());
    }

    /** Whether this build and this machine can run models on a GPU, and on which. */
    public static CudaAvailability availability() {
        CudaAvailability found = CudaAvailability.ofThisMachine();
        return found instanceof CudaAvailability.Available && !KernelLibrary.isPresent()
                ? new CudaAvailability.Unavailable(
                        "this build of Gatun has no CUDA kernels: `make kernels` where nvcc is")
                : found;
    }

    @Override
    public String description() {
        String experts =
                offloaded.map(some -> ", " + some.plan().whereExpertsLie()).orElse("");
        return "cuda (" + device.properties().name() + experts + ")";
    }

    @Override
    public List<String> notes() {
        return Stream.concat(note.stream(), offloaded.stream().flatMap(experts -> experts.notes().stream()))
                .toList();
    }

    @Override
    public int maxChunk() {
        return ModelSizes.GPU_CHUNK;
    }

    /**
     * Makes the cache of a new sequence.
     *
     * @throws dev.gatun.offload.PlanException if the caches that are open would take more than the budget has for them
     */
    @Override
    public KvCache newKvCache(int capacity, KvPrecision precision) {
        finishOnHost();
        KvCache cache = new CudaKvCache(resources.stream(), config, capacity, precision, keyValues, this::forget);
        memoryInUse = budget.taken();
        return cache;
    }

    private void forget(KvCache cache) {
        try {
            finishOnHost();
        } finally {
            launches.forget(cache);
        }
    }

    /** To be done before anything waits for the device, which may wait for the host. */
    private void finishOnHost() {
        offloaded.ifPresent(OffloadedExperts::finish);
    }

    private void goOn(Runnable work) {
        goOn(() -> {
            work.run();
            return true;
        });
    }

    /** Does what a chunk goes on with while the host may still compute; if that fails, so does the host's part. */
    private <T> T goOn(Supplier<T> work) {
        try {
            return work.get();
        } catch (RuntimeException | Error failure) {
            offloaded.ifPresent(experts -> experts.abandon(failure));
            throw failure;
        }
    }

    @Override
    public Activations embed(int[] tokens) {
        requireTokens(tokens);
        beginChunk();
        launches.begin(tokens.length);
        devicePosition = -1;
        sequence = ChoiceWords.next(sequence);
        clock.enter(Part.ATTENTION);
        resources.uploads().upload(tokens, workspace.tokenIds());
        forced.ifPresent(choices -> choices.next(tokens.length));
        DeviceFloats hidden = workspace.hidden().rows(0, tokens.length);
        launches.add(
                new TokenStep.Embed(),
                () -> operations
                        .tokens()
                        .embed(weights.embeddings(), workspace.tokenIds(), hidden, workspace.error(config.layers())));
        return new CudaActivations(hidden);
    }

    /** A chunk that nobody awaited, or that failed, leaves nothing behind. */
    private void beginChunk() {
        if (inWork) {
            offloaded.ifPresent(OffloadedExperts::giveUp);
            deliverRouting();
            forgetFailure();
        }
        inWork = true;
    }

    private void forgetFailure() {
        workspace.errors().zero(resources.stream());
        clock.discard();
        operations.experts().recover();
        offloaded.ifPresent(OffloadedExperts::recover);
    }

    private void requireTokens(int[] tokens) {
        if (tokens.length == 0 || tokens.length > maxChunk()) {
            throw new IllegalArgumentException("a chunk of " + tokens.length + " tokens: 1 to " + maxChunk() + " fit");
        }
        for (int id : tokens) {
            if (id < 0 || id >= config.vocabularySize()) {
                throw new IllegalArgumentException(
                        "token id out of range: " + id + ", the vocabulary has " + config.vocabularySize());
            }
        }
    }

    @Override
    public void attend(int layer, Activations hidden, KvCache cache) {
        goOn(() -> putInAttention(layer, hidden, cache));
    }

    private void putInAttention(int layer, Activations hidden, KvCache cache) {
        CudaKvCache sequence = (CudaKvCache) cache;
        DeviceFloats stream = values(hidden);
        clock.enter(Part.ATTENTION);
        int position = sequence.length();
        sequence.requireRoom(stream.rows());
        launches.attendTo(sequence, operations.attention().pieces(position));
        placeChunk(position);
        CudaWeights.Layer layerWeights = weights.layers().get(layer);
        LayerCache place = sequence.layer(layer, workspace.position());
        launches.add(
                new TokenStep.Attend(layer),
                () -> operations.attention().run(layerWeights, stream, place, workspace, workspace.error(layer)));
    }

    /** Tells the device where the chunk stands, once for all layers. */
    private void placeChunk(int position) {
        if (position != devicePosition) {
            if (devicePosition >= 0) {
                flush();
            }
            resources.uploads().upload(new int[] {position, sequence}, workspace.place());
            devicePosition = position;
        }
    }

    @Override
    public Routing route(int layer, Activations hidden) {
        return goOn(() -> putInRouter(layer, hidden));
    }

    private Routing putInRouter(int layer, Activations hidden) {
        DeviceFloats stream = values(hidden);
        CudaWeights.Layer layerWeights = weights.layers().get(layer);
        DeviceFloats normed = workspace.normed().rows(0, stream.rows());
        CudaRouting routing = new CudaRouting(normed, workspace.expertIds(), workspace.expertWeights());
        clock.enter(Part.ROUTER);
        launches.add(
                new TokenStep.Route(layer),
                () -> {
                    operations
                            .router()
                            .route(stream, layerWeights, routing, workspace.error(layer), hooks(layer, stream));
                    log.ifPresent(recording -> recording.copy(layer, routing));
                },
                () -> log.ifPresent(recording -> recording.expect(layer, routing.tokens())));
        guess(layer, stream);
        clock.enter(Part.HOST);
        return routing;
    }

    /** Asks the next routers before their time, where that is wanted. */
    private void guess(int layer, DeviceFloats stream) {
        offloaded.flatMap(experts -> experts.guesses(stream.rows())).ifPresent(guesses -> {
            int last = Math.min(layer + guesses.layersAhead(), config.layers() - 1);
            for (int target = layer + 1; target <= last; target++) {
                CudaWeights.Layer asked = weights.layers().get(target);
                guesses.ask(target, target - layer, stream, asked, workspace.sequence());
            }
        });
    }

    private RouterOperation.Hooks hooks(int layer, DeviceFloats stream) {
        return new RouterOperation.Hooks(
                forced.flatMap(choices -> choices.of(layer)),
                offloaded.flatMap(experts -> experts.published(stream.rows())),
                layer,
                workspace.sequence(),
                offloaded.flatMap(experts -> experts.handOff(stream.rows())));
    }

    @Override
    public void experts(int layer, Activations hidden, Routing routing) {
        LayerExperts layerExperts = weights.layers().get(layer).experts();
        DeviceFloats stream = values(hidden);
        CudaRouting choices = (CudaRouting) routing;
        if (layerExperts instanceof LayerExperts.Offloaded) {
            goOn(() -> launches.addOnHost(() -> compute(layer, layerExperts, choices, stream)));
        } else {
            launches.add(new TokenStep.Experts(layer), () -> compute(layer, layerExperts, choices, stream));
        }
    }

    private void compute(int layer, LayerExperts experts, CudaRouting choices, DeviceFloats stream) {
        DeviceMemory error = workspace.error(layer);
        if (experts instanceof LayerExperts.Offloaded some) {
            TiledExperts operation = operations.experts().tiled(some.block());
            offloaded.orElseThrow().run(layer, sequence, operation, choices, stream, error);
        } else {
            operations.experts().run(experts, choices, stream, error);
        }
    }

    @Override
    public Logits head(Activations hidden, int rows) {
        return goOn(() -> putInHead(hidden, rows));
    }

    private Logits putInHead(Activations hidden, int rows) {
        DeviceFloats stream = values(hidden);
        DeviceFloats last = stream.rows(stream.rows() - rows, rows);
        DeviceFloats normed = workspace.normed().rows(0, rows);
        DeviceFloats logits = logits(rows);
        clock.enter(Part.ATTENTION);
        launches.add(new TokenStep.Head(), () -> {
            operations.tokens().norm(last, weights.finalNorm(), (float) config.normEpsilon(), normed);
            operations.products().multiply(weights.head(), normed, logits, false);
        });
        launches.finish();
        clock.end();
        finishOnHost();
        return new CudaLogits(logits);
    }

    private DeviceFloats logits(int rows) {
        if (rows == 1) {
            return workspace.logits();
        }
        // To take memory may be to wait for the device.
        finishOnHost();
        return resources.temporaryRows(rows, config.vocabularySize());
    }

    private void flush() {
        launches.flush();
        finishOnHost();
    }

    @Override
    public void await(Logits logits, float[] target) {
        flush();
        DeviceFloats computed = ((CudaLogits) logits).values();
        resources.download().fetch(computed.memory(), workspace.errors(), target);
        endChunk();
    }

    private void endChunk() {
        log.ifPresent(RoutingLog::deliver);
        clock.collect();
        inWork = false;
    }

    @Override
    public Optional<CandidateSearch> candidateSearch() {
        return Optional.of(new CandidateSearch() {
            @Override
            public int mostRecent() {
                return CudaCandidateSearch.MOST_RECENT;
            }

            @Override
            public void await(Logits logits, CandidateRequest request, int[] recent, MemorySegment target) {
                flush();
                operations.candidates().await(((CudaLogits) logits).values(), request, recent, target);
                endChunk();
            }
        });
    }

    @Override
    public void observe(RoutingObserver observer) {
        finishOnHost();
        // Graphs hold on to the memory of the log before.
        launches.release();
        deliverRouting();
        log.ifPresent(RoutingLog::close);
        log = Optional.of(new RoutingLog(
                device, resources.stream(), observer, config.layers(), maxChunk(), config.expertsPerToken()));
    }

    /** From the next chunk on experts are chosen by somebody else. */
    public void force(ForcedRouting routing) {
        finishOnHost();
        launches.release();
        forced.ifPresent(ForcedChoices::close);
        forced = Optional.of(new ForcedChoices(resources, config, maxChunk(), routing));
    }

    /** The slots that experts share; empty where every expert is resident. */
    public Optional<CacheShape> cacheShape() {
        return offloaded.map(OffloadedExperts::shape);
    }

    @Override
    public Optional<OffloadCounts> offloadCounts() {
        return offloaded.map(experts -> experts.counts(memoryInUse));
    }

    @Override
    public long hostMemory() {
        return weights.embeddings().hostBytes()
                + offloaded.map(OffloadedExperts::hostMemory).orElse(0L);
    }

    /** What the chunk before recorded, if nobody awaited its logits. */
    private void deliverRouting() {
        log.filter(recording -> !recording.isEmpty()).ifPresent(recording -> {
            resources.stream().synchronize();
            recording.deliver();
        });
    }

    @Override
    public void close() {
        try {
            offloaded.ifPresent(OffloadedExperts::giveUp);
            launches.close();
        } finally {
            closeMemory();
        }
    }

    private void closeMemory() {
        try {
            log.ifPresent(RoutingLog::close);
            forced.ifPresent(ForcedChoices::close);
        } finally {
            log = Optional.empty();
            forced = Optional.empty();
            resources.close();
        }
    }

    private static DeviceFloats values(Activations hidden) {
        return ((CudaActivations) hidden).values();
    }
}
