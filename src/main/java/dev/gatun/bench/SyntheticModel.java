package dev.gatun.bench;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.offload.ExpertSource;
import dev.gatun.offload.QuantizedShapes;
import dev.gatun.quant.TileFormat;
import java.lang.foreign.Arena;

/**
 * A model of any shape with random, well-formed weights, to measure speed and memory without a checkpoint. What it says
 * means nothing, but all its numbers are finite, whatever the context. The same seed gives the same model.
 *
 * <p>The trunk lies in host memory outside the heap, 1.2 GB for Mixtral 8x7B; experts are made when they are written.
 * Whoever makes a model closes it, when nothing reads its weights any more.
 */
public final class SyntheticModel implements AutoCloseable {
    private final MixtralConfig config;
    private final Arena arena;
    private final ModelWeights weights;
    private final SyntheticExperts experts;

    private SyntheticModel(MixtralConfig config, TileFormat format, long seed, Arena arena) {
        QuantizedShapes shapes = QuantizedShapes.of(config, format);
        this.config = config;
        this.arena = arena;
        Noise noise = new Noise(seed);
        this.weights = new SyntheticTrunk(config, shapes, arena).make(noise.split());
        this.experts = new SyntheticExperts(config.layers(), config.experts(), shapes.expert(), noise.seed());
    }

    /**
     * Makes a model.
     *
     * @param format of the experts: {@link TileFormat#Q2} for 3.0 bits a weight, {@link TileFormat#Q2N} for 2.53
     * @throws dev.gatun.offload.PlanException if the formats do not divide the model's matrices
     * @throws OutOfMemoryError if the trunk finds no room
     */
    @SuppressWarnings("MustBeClosedChecker") // closed below on failure, otherwise by the model
    public static SyntheticModel make(MixtralConfig config, TileFormat format, long seed) {
        Arena arena = Arena.ofShared();
        try {
            return new SyntheticModel(config, format, seed, arena);
        } catch (RuntimeException | Error failure) {
            arena.close();
            throw failure;
        }
    }

    /** The model's shape. */
    public MixtralConfig config() {
        return config;
    }

    /** All weights but the experts: every layer's list of them is empty. Valid until the model is closed. */
    public ModelWeights weights() {
        return weights;
    }

    /** The experts; they need nothing of the model, closed or not. */
    public ExpertSource experts() {
        return experts;
    }

    /** Frees the trunk. */
    @Override
    public void close() {
        arena.close();
    }
}
