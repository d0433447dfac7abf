package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.quant.ExpertBlock;
import java.util.HashMap;
import java.util.Map;

/** The weighted sum of the chosen experts onto the residual stream, for experts of every format. */
final class ExpertsOperation implements AutoCloseable {
    private final Map<ExpertBlock, DecodeExperts> decode = new HashMap<>();
    private final int topK;

    ExpertsOperation(
            KernelLibrary kernels, CudaStream stream, DeviceArena arena, CudaWeights weights, int experts, int topK) {
        this.topK = topK;
        for (CudaWeights.Layer layer : weights.layers()) {
            switch (layer.experts()) {
                case LayerExperts.Tiled tiled ->
                    decode.computeIfAbsent(
                            tiled.block(),
                            block -> new DecodeExperts(kernels, stream, arena, block, experts, topK));
            }
        }
    }

    void run(LayerExperts experts, CudaRouting routing, DeviceFloats hidden, DeviceMemory error) {
        switch (experts) {
            case LayerExperts.Tiled tiled -> runTiled(tiled, routing, hidden, error);
        }
    }

    private void runTiled(LayerExperts.Tiled experts, CudaRouting routing, DeviceFloats hidden, DeviceMemory error) {
        DecodeExperts few = decode.get(experts.block());
        for (int first = 0; first < hidden.rows(); first += TokenVariants.MOST) {
            int count = Math.min(TokenVariants.MOST, hidden.rows() - first);
            few.run(
                    experts.table(),
                    choices(routing.ids(), first, count),
                    choices(routing.weights(), first, count),
                    routing.normed().rows(first, count),
                    hidden.rows(first, count),
                    error);
        }
    }

    private DeviceMemory choices(DeviceMemory all, int firstToken, int tokens) {
        return all.slice((long) firstToken * topK * Integer.BYTES, (long) tokens * topK * Integer.BYTES);
    }

    @Override
    public void close() {
        decode.values().forEach(DecodeExperts::close);
    }
}
