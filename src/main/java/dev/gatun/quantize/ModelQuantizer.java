package dev.gatun.quantize;

import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.quant.solver.Target;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;

/** Takes a model's layers one after the other. One thread calls it; whoever opens it closes it. */
sealed interface ModelQuantizer extends AutoCloseable permits PlainQuantizer, CalibratedQuantizer {
    /** Whether layers that a run before finished must be entered and passed as well. */
    boolean isSequential();

    /**
     * Goes to a layer.
     *
     * @param attention what its attention becomes; empty if it stays
     * @param between called after each matrix that takes its time, from any thread; what it throws ends the work
     * @return the layer with its attention as it will be
     * @throws dev.gatun.quant.solver.QuantizationException if a weight is a NaN or an infinity
     */
    LayerWeights enter(int layer, LayerWeights original, Optional<Target> attention, Runnable between);

    /**
     * Quantizes the experts of the layer.
     *
     * @param done hears of weights that are quantized, from any thread; what it throws ends the work
     * @throws dev.gatun.quant.solver.QuantizationException if a weight is a NaN or an infinity
     */
    List<ExpertWeights> quantize(int layer, List<ExpertWeights> originals, Target target, LongConsumer done);

    /** Takes note of an expert that is what it will be: a run before quantized it, or it stays as it is. */
    void pass(int expert, ExpertWeights quantized);

    @Override
    void close();
}
