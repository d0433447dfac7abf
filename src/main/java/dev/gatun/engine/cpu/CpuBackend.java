package dev.gatun.engine.cpu;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.cpu.CpuMatrix;
import dev.gatun.cpu.CpuPool;
import dev.gatun.cpu.FloatMatrix;
import dev.gatun.cpu.NotANumberException;
import dev.gatun.cpu.Product;
import dev.gatun.engine.Activations;
import dev.gatun.engine.Backend;
import dev.gatun.engine.GuessObserver;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.Logits;
import dev.gatun.engine.RouterFailureException;
import dev.gatun.engine.Routing;
import dev.gatun.engine.RoutingObserver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;

/**
 * Every operation on the CPU library, at once: what the call returns is computed. Weights are read where the checkpoint
 * maps them; nothing is widened or copied at load, but for codes of 3 bits.
 */
public final class CpuBackend implements Backend {
    /** Tokens of a prompt that are processed at once. */
    private static final int CHUNK = 512;

    private final MixtralConfig config;
    private final Arena arena = Arena.ofShared();
    private final CpuPool pool;
    private final CpuWeights weights;
    private final CpuWorkspace workspace;
    private final TiledSums tiledSums;
    private Optional<RoutingObserver> observer = Optional.empty();
    private Optional<CpuGuesses> guesses = Optional.empty();

    /**
     * Makes a backend for one model.
     *
     * @param config the model's shape
     * @param weights outlive the backend
     * @param threads threads of the pool, the caller's included
     * @param level the instruction set to use
     */
    public CpuBackend(MixtralConfig config, ModelWeights weights, int threads, CpuLevel level) {
        this.config = config;
        CpuPool opened = null;
        try {
            opened = CpuPool.open(threads, level);
            this.weights = CpuWeights.describe(arena, weights);
            this.workspace = CpuWorkspace.allocate(arena, config, maxChunk());
            this.tiledSums = new TiledSums(arena, config.hiddenSize());
        } catch (RuntimeException | Error failure) {
            if (opened != null) {
                opened.close();
            }
            arena.close();
            throw failure;
        }
        this.pool = opened;
    }

    @Override
    public String description() {
        return "cpu (%s, %d thread%s)".formatted(pool.level(), pool.threads(), pool.threads() == 1 ? "" : "s");
    }

    @Override
    public int maxChunk() {
        return CHUNK;
    }

    @Override
    public KvCache newKvCache(int capacity, KvPrecision precision) {
        return new CpuKvCache(config, capacity, precision);
    }

    @Override
    public Activations embed(int[] tokens) {
        if (tokens.length == 0 || tokens.length > maxChunk()) {
            throw new IllegalArgumentException("a chunk of " + tokens.length + " tokens: 1 to " + maxChunk() + " fit");
        }
        FloatMatrix hidden = workspace.hidden().rows(0, tokens.length);
        pool.embed(weights.embeddings(), tokens, hidden);
        return new CpuActivations(hidden);
    }

    @Override
    public void attend(int layer, Activations hidden, KvCache cache) {
        FloatMatrix stream = values(hidden);
        CpuKvCache sequence = (CpuKvCache) cache;
        int tokens = stream.rows();
        int position = sequence.length();
        sequence.requireRoom(tokens);
        CpuWeights.Layer layerWeights = weights.layers().get(layer);
        FloatMatrix queries = workspace.queries().rows(0, tokens);
        FloatMatrix keys = workspace.keys().rows(0, tokens);
        FloatMatrix values = workspace.values().rows(0, tokens);
        FloatMatrix normed = norm(layerWeights.attentionNorm(), stream);
        pool.multiply(List.of(
                new Product(layerWeights.query(), normed, queries),
                new Product(layerWeights.key(), normed, keys),
                new Product(layerWeights.value(), normed, values)));
        pool.rope(queries, config.heads(), config.headSize(), position, workspace.inverseFrequencies());
        pool.rope(keys, config.kvHeads(), config.headSize(), position, workspace.inverseFrequencies());
        pool.append(sequence.layer(layer), position, keys, values);
        FloatMatrix attended = workspace.attended().rows(0, tokens);
        int window = config.slidingWindow().orElse(0);
        pool.attend(sequence.layer(layer), position, config.heads(), window, queries, attended);
        FloatMatrix projected = workspace.projected().rows(0, tokens);
        pool.multiply(layerWeights.output(), attended, projected);
        pool.add(projected, stream);
    }

    /** What the last {@link #attend} multiplied, for as many tokens; overwritten by the next operation. */
    AttentionInputs attentionInputs(int tokens) {
        return new AttentionInputs(
                workspace.normed().rows(0, tokens), workspace.attended().rows(0, tokens));
    }

    @Override
    public Routing route(int layer, Activations hidden) {
        FloatMatrix stream = values(hidden);
        guesses.ifPresent(asked -> asked.ask(pool, layer, stream));
        CpuWeights.Layer layerWeights = weights.layers().get(layer);
        FloatMatrix normed = norm(layerWeights.expertNorm(), stream);
        FloatMatrix logits = workspace.routerLogits().rows(0, stream.rows());
        pool.multiply(layerWeights.router(), normed, logits);
        long choices = (long) stream.rows() * config.expertsPerToken();
        MemorySegment ids = workspace.expertIds().asSlice(0, choices * Integer.BYTES);
        MemorySegment expertWeights = workspace.expertWeights().asSlice(0, choices * Float.BYTES);
        try {
            pool.route(logits, config.expertsPerToken(), ids, expertWeights);
        } catch (NotANumberException nan) {
            throw new RouterFailureException(layer, nan);
        }
        observer.ifPresent(hearing -> hearing.routed(
                layer,
                stream.rows(),
                ids.toArray(ValueLayout.JAVA_INT),
                expertWeights.toArray(ValueLayout.JAVA_FLOAT)));
        return new CpuRouting(normed, ids, expertWeights);
    }

    @Override
    public void experts(int layer, Activations hidden, Routing routing) {
        CpuRouting chosen = (CpuRouting) routing;
        FloatMatrix stream = values(hidden);
        int topK = config.expertsPerToken();
        switch (weights.layers().get(layer).experts()) {
            case LayerExperts.Matrices some ->
                pool.experts(some.experts(), chosen.normed(), chosen.ids(), chosen.weights(), topK, stream);
            case LayerExperts.Tiles some -> tiledSums.add(pool, some.experts(), chosen, topK, stream);
        }
    }

    @Override
    public Logits head(Activations hidden, int rows) {
        FloatMatrix stream = values(hidden);
        FloatMatrix last = stream.rows(stream.rows() - rows, rows);
        FloatMatrix normed = norm(weights.finalNorm(), last);
        FloatMatrix logits = rows == 1
                ? workspace.logits()
                // Only evaluations want more than one: too large to keep memory for.
                : FloatMatrix.allocate(Arena.ofAuto(), rows, config.vocabularySize());
        pool.multiply(weights.head(), normed, logits);
        return new CpuLogits(logits);
    }

    @Override
    public void await(Logits logits, float[] target) {
        ((CpuLogits) logits).values().copyTo(target);
    }

    @Override
    public void observe(RoutingObserver newObserver) {
        observer = Optional.of(newObserver);
    }

    @Override
    public boolean canGuess() {
        return true;
    }

    @Override
    public void observeGuesses(GuessObserver newObserver, int layersAhead) {
        guesses = Optional.of(new CpuGuesses(Arena.ofAuto(), config, weights, maxChunk(), newObserver, layersAhead));
    }

    @Override
    public void close() {
        pool.close();
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    private FloatMatrix norm(CpuMatrix weight, FloatMatrix stream) {
        FloatMatrix normed = workspace.normed().rows(0, stream.rows());
        pool.rmsNorm(weight, (float) config.normEpsilon(), stream, normed);
        return normed;
    }

    private static FloatMatrix values(Activations hidden) {
        return ((CpuActivations) hidden).values();
    }
}
