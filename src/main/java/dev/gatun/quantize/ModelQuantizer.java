package dev.gatun.quantize;

import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.LayerWeights;
import dev.gatun.quant.solver.Target;
import java.util.Optional;

/** Takes a model's layers one after the other. One thread calls it; whoever opens it closes it. */
sealed interface ModelQuantizer extends AutoCloseable permits PlainQuantizer, CalibratedQuantizer {
    /** Whether layers that a run before finished must be entered and passed as well. */
    boolean isSequential();

    /**
     * Goes to a layer.
     *
     * @param attention what its attention becomes; empty if it stays
     * @return the layer with its attention as it will be
     * @throws dev.gatun.quant.solver.QuantizationException if a weight is a NaN or an infinity
     */
    LayerWeights enter(int layer, LayerWeights original, Optional<Target> attention);

    /**
     * Quantizes an expert of the layer; each once, in their order.
     *
     * @param prefix what its tensors' names begin with
     * @throws dev.gatun.quant.solver.QuantizationException if a weight is a NaN or an infinity
     */
    ExpertWeights quantize(int expert, String prefix, ExpertWeights original, Target target);

    /** Takes note of an expert that a run before quantized. */
    void pass(int expert, ExpertWeights quantized);

    @Override
    void close();
}
