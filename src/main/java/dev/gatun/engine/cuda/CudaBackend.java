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
import dev.gatun.engine.ForwardPass;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.Logits;
import dev.gatun.engine.Routing;
import dev.gatun.engine.RoutingObserver;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Every operation on one GPU, with the whole model in its memory. Operations are put into one stream and return before they
 * have run. Those that wait: {@link #await} and the search for candidates; {@link #head} for several rows, which takes memory;
 * {@link #embed} if a chunk before was not awaited.
 */
public final class CudaBackend implements Backend {
    private final MixtralConfig config;
    private final CudaDevice device;
    private final CudaResources resources;
    private final CudaWeights weights;
    private final CudaWorkspace workspace;
    private final CudaOperations operations;
    private Optional<RoutingLog> log = Optional.empty();
    private int devicePosition = -1;
    private boolean inWork;

    /**
     * Makes a backend for one model: copies all weights to the device.
     *
     * @param config the model's shape
     * @param weights needed until this returns
     * @throws UnsupportedModelException if the kernels cannot run this model, or it does not fit the device's memory
     * @throws dev.gatun.cuda.CudaException if CUDA fails
     */
    public CudaBackend(CudaDevice device, MixtralConfig config, ModelWeights weights) {
        ModelRequirements.check(device, config, weights);
        this.config = config;
        this.device = device;
        this.resources = CudaResources.open(device, config, maxChunk());
        try {
            this.workspace = CudaWorkspace.allocate(resources.arena(), config, maxChunk());
            this.weights = new WeightLoader(resources.stream(), resources.arena()).load(weights);
            this.operations = CudaOperations.prepare(resources, config, this.weights, workspace, maxChunk());
            forgetFailure();
            resources.stream().synchronize();
        } catch (RuntimeException | Error failure) {
            resources.close();
            throw failure;
        }
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
        return "cuda (" + device.properties().name() + ")";
    }

    @Override
    public int maxChunk() {
        return ForwardPass.CHUNK;
    }

    @Override
    public KvCache newKvCache(int capacity, KvPrecision precision) {
        return new CudaKvCache(resources.stream(), config, capacity, precision);
    }

    @Override
    public Activations embed(int[] tokens) {
        requireTokens(tokens);
        beginChunk();
        devicePosition = -1;
        resources.uploads().upload(tokens, workspace.tokenIds());
        DeviceFloats hidden = workspace.hidden().rows(0, tokens.length);
        operations.tokens().embed(weights.embeddings(), workspace.tokenIds(), hidden, workspace.error(config.layers()));
        return new CudaActivations(hidden);
    }

    /** A chunk that nobody awaited, or that failed, leaves nothing behind. */
    private void beginChunk() {
        if (inWork) {
            deliverRouting();
            forgetFailure();
        }
        inWork = true;
    }

    private void forgetFailure() {
        workspace.errors().zero(resources.stream());
        operations.experts().recover();
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
        CudaKvCache sequence = (CudaKvCache) cache;
        DeviceFloats stream = values(hidden);
        int position = sequence.length();
        sequence.requireRoom(stream.rows());
        placeChunk(position);
        LayerCache place = sequence.layer(layer, workspace.position());
        operations.attention().run(weights.layers().get(layer), stream, place, workspace, workspace.error(layer));
    }

    /** Tells the device where the chunk stands, once for all layers. */
    private void placeChunk(int position) {
        if (position != devicePosition) {
            resources.uploads().upload(new int[] {position}, workspace.position());
            devicePosition = position;
        }
    }

    @Override
    public Routing route(int layer, Activations hidden) {
        DeviceFloats stream = values(hidden);
        CudaWeights.Layer layerWeights = weights.layers().get(layer);
        DeviceFloats normed = workspace.normed().rows(0, stream.rows());
        DeviceMemory ids = workspace.expertIds();
        DeviceMemory expertWeights = workspace.expertWeights();
        operations
                .router()
                .route(
                        stream,
                        layerWeights.expertNorm(),
                        layerWeights.router(),
                        normed,
                        ids,
                        expertWeights,
                        workspace.error(layer));
        CudaRouting routing = new CudaRouting(normed, ids, expertWeights);
        log.ifPresent(recording -> recording.record(layer, routing));
        return routing;
    }

    @Override
    public void experts(int layer, Activations hidden, Routing routing) {
        operations
                .experts()
                .run(
                        weights.layers().get(layer).experts(),
                        (CudaRouting) routing,
                        values(hidden),
                        workspace.error(layer));
    }

    @Override
    public Logits head(Activations hidden, int rows) {
        DeviceFloats stream = values(hidden);
        DeviceFloats last = stream.rows(stream.rows() - rows, rows);
        DeviceFloats normed = workspace.normed().rows(0, rows);
        operations.tokens().norm(last, weights.finalNorm(), (float) config.normEpsilon(), normed);
        DeviceFloats logits = rows == 1 ? workspace.logits() : resources.temporaryRows(rows, config.vocabularySize());
        operations.products().multiply(weights.head(), normed, logits, false);
        return new CudaLogits(logits);
    }

    @Override
    public void await(Logits logits, float[] target) {
        DeviceFloats computed = ((CudaLogits) logits).values();
        resources.download().fetch(computed.memory(), workspace.errors(), target);
        endChunk();
    }

    private void endChunk() {
        log.ifPresent(RoutingLog::deliver);
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
                operations.candidates().await(((CudaLogits) logits).values(), request, recent, target);
                endChunk();
            }
        });
    }

    @Override
    public void observe(RoutingObserver observer) {
        deliverRouting();
        log.ifPresent(RoutingLog::close);
        log = Optional.of(new RoutingLog(
                device, resources.stream(), observer, config.layers(), maxChunk(), config.expertsPerToken()));
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
            log.ifPresent(RoutingLog::close);
        } finally {
            log = Optional.empty();
            resources.close();
        }
    }

    private static DeviceFloats values(Activations hidden) {
        return ((CudaActivations) hidden).values();
    }
}
