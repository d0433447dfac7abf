package dev.gatun.engine.cpu;

import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.cpu.FloatMatrix;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.solver.ErrorFeedbackSolver;
import dev.gatun.quant.solver.Moments;
import dev.gatun.quant.solver.Solver;
import dev.gatun.quant.solver.Target;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/**
 * A calibration text on its way through a model that is being quantized: the residual streams of all its tokens, moved on
 * layer by layer as layers are done. What experts are fitted to is thus what they will see.
 *
 * <p>It keeps 8 bytes for each token and hidden value, and one layer's weights as the backend has them. Whoever opens it
 * closes it; calls come from one thread.
 */
public final class CalibrationText implements AutoCloseable {
    /** Tokens of a window, the beginning-of-text token included. */
    public static final int WINDOW = 512;

    private final MixtralConfig oneLayer;
    private final ModelWeights weights;
    private final int threads;
    private final CpuLevel level;
    private final Arena arena = Arena.ofShared();
    private final List<FloatMatrix> windows = new ArrayList<>();
    /** What experts see of each window, in the present layer. */
    private final List<FloatMatrix> inputs = new ArrayList<>();

    private CalibrationText(MixtralConfig config, ModelWeights weights, int threads, CpuLevel level) {
        this.oneLayer = oneLayer(config);
        this.weights = weights;
        this.threads = threads;
        this.level = level;
    }

    /**
     * Embeds a text.
     *
     * @param config the model's shape
     * @param weights the model's; only embeddings, final norm and head are read
     * @param tokens the text, at least one token, without a beginning-of-text token
     * @param beginning the beginning-of-text token, put before each window
     * @param threads threads to compute with
     * @param level the instruction set to use
     */
    public static CalibrationText open(
            MixtralConfig config, ModelWeights weights, int[] tokens, int beginning, int threads, CpuLevel level) {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("a calibration text without tokens");
        }
        CalibrationText text = new CalibrationText(config, weights, threads, level);
        try {
            text.embed(tokens, beginning);
            return text;
        } catch (RuntimeException | Error failure) {
            text.close();
            throw failure;
        }
    }

    private static MixtralConfig oneLayer(MixtralConfig config) {
        return new MixtralConfig(
                config.hiddenSize(),
                config.intermediateSize(),
                1,
                config.heads(),
                config.kvHeads(),
                config.headSize(),
                config.experts(),
                config.expertsPerToken(),
                config.vocabularySize(),
                config.maxPositions(),
                config.ropeTheta(),
                config.normEpsilon(),
                config.slidingWindow(),
                config.tiedEmbeddings());
    }

    private void embed(int[] tokens, int beginning) {
        try (CpuBackend backend = backend(weights.layers().getFirst())) {
            for (int from = 0; from < tokens.length; from += WINDOW - 1) {
                int count = Math.min(WINDOW - 1, tokens.length - from);
                int[] window = new int[count + 1];
                window[0] = beginning;
                System.arraycopy(tokens, from, window, 1, count);
                FloatMatrix stream = FloatMatrix.allocate(arena, window.length, oneLayer.hiddenSize());
                stream.copyFrom(
                        ((CpuActivations) backend.embed(window)).values().toArray());
                windows.add(stream);
                inputs.add(FloatMatrix.allocate(arena, window.length, oneLayer.hiddenSize()));
            }
        }
    }

    private CpuBackend backend(LayerWeights layer) {
        ModelWeights one = new ModelWeights(weights.embeddings(), List.of(layer), weights.finalNorm(), weights.head());
        return new CpuBackend(oneLayer, one, threads, level);
    }

    /**
     * Quantizes the attention of the next layer with error feedback for what the streams bring it. They stay where they are.
     *
     * @param layer the layer's unquantized weights
     * @param name what the names of its attention's tensors begin with, for messages
     * @param target its scheme must divide all four matrices; its arena is shared between threads, outside the heap
     * @return the layer with quantized attention
     * @throws dev.gatun.quant.solver.QuantizationException if a weight is a NaN or an infinity
     */
    public LayerWeights quantizeAttention(LayerWeights layer, String name, Target target) {
        Moments normed = new Moments(oneLayer.hiddenSize());
        Moments attended = new Moments(oneLayer.heads() * oneLayer.headSize());
        try (CpuBackend backend = backend(layer)) {
            for (FloatMatrix stream : windows) {
                try (Arena scratch = Arena.ofShared()) {
                    AttentionInputs seen = attend(backend, copy(scratch, stream));
                    normed.add(TokenRows.of(seen.normed()), target.workers());
                    attended.add(TokenRows.of(seen.attended()), target.workers());
                }
            }
        }
        Solver inner = ErrorFeedbackSolver.orLeastSquares(normed, target.workers());
        Solver outer = ErrorFeedbackSolver.orLeastSquares(attended, target.workers());
        return new LayerWeights(
                layer.attentionNorm(),
                inner.quantize(name + "q_proj.weight", (DenseMatrix) layer.query(), target),
                inner.quantize(name + "k_proj.weight", (DenseMatrix) layer.key(), target),
                inner.quantize(name + "v_proj.weight", (DenseMatrix) layer.value(), target),
                outer.quantize(name + "o_proj.weight", (DenseMatrix) layer.output(), target),
                layer.expertNorm(),
                layer.router(),
                layer.experts());
    }

    private static FloatMatrix copy(Arena scratch, FloatMatrix stream) {
        FloatMatrix copy = FloatMatrix.allocate(scratch, stream.rows(), stream.columns());
        copy.copyFrom(stream.toArray());
        return copy;
    }

    /** Moves a stream through attention. */
    private static AttentionInputs attend(CpuBackend backend, FloatMatrix stream) {
        try (KvCache cache = backend.newKvCache(stream.rows(), KvPrecision.F32)) {
            backend.attend(0, new CpuActivations(stream), cache);
        }
        return backend.attentionInputs(stream.rows());
    }

    /**
     * Moves the streams through attention and the router of the next layer, to its experts.
     *
     * @param layer with attention as it will be used, and experts as they were before
     * @return the layer's experts with their tokens; what they add moves the streams on
     */
    public CalibratedExperts enter(LayerWeights layer) {
        List<CalibratedExperts.Window> routed = new ArrayList<>();
        try (CpuBackend backend = backend(layer)) {
            for (int window = 0; window < windows.size(); window++) {
                FloatMatrix stream = windows.get(window);
                attend(backend, stream);
                CpuRouting routing = (CpuRouting) backend.route(0, new CpuActivations(stream));
                routed.add(CalibratedExperts.Window.of(stream, inputs.get(window), routing));
            }
        }
        return new CalibratedExperts(oneLayer, routed, threads, level);
    }

    /** The residual streams, [tokens, hidden] of each window. */
    List<FloatMatrix> streams() {
        return windows;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
