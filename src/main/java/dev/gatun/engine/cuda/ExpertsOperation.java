package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.quant.ExpertBlock;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;

/** The weighted sum of the chosen experts onto the residual stream, for experts of every format. */
final class ExpertsOperation {
    private final Map<ExpertBlock, TiledExperts> tiled = new HashMap<>();
    private final Map<Integer, UntiledExperts> untiled = new HashMap<>();

    /** Takes memory for each kind of experts that {@code weights} have, for up to {@code maxTokens} tokens. */
    ExpertsOperation(
            CudaResources resources,
            AnyProducts products,
            MixtralConfig config,
            CudaWeights weights,
            CudaWorkspace workspace,
            int maxTokens) {
        int topK = config.expertsPerToken();
        ChoiceGrouping grouping = new ChoiceGrouping(
                resources.kernels(), resources.stream(), resources.arena(), maxTokens, config.experts(), topK);
        Function<ExpertBlock, TiledExperts> ofBlock =
                block -> new TiledExperts(resources, grouping, block, config, workspace, maxTokens);
        for (CudaWeights.Layer layer : weights.layers()) {
            switch (layer.experts()) {
                case LayerExperts.Tiled experts -> tiled.computeIfAbsent(experts.block(), ofBlock);
                case LayerExperts.Offloaded experts -> tiled.computeIfAbsent(experts.block(), ofBlock);
                case LayerExperts.Untiled experts ->
                    untiled.computeIfAbsent(
                            experts.intermediate(),
                            width -> new UntiledExperts(
                                    products, grouping, workspace, experts, maxTokens, config.experts(), topK));
            }
        }
    }

    /** hidden += the weighted sum of the chosen experts. */
    void run(LayerExperts experts, CudaRouting routing, DeviceFloats hidden, DeviceMemory error) {
        switch (experts) {
            case LayerExperts.Offloaded absent -> throw new IllegalArgumentException(absent + " are not all resident");
            case LayerExperts.Tiled blocks -> tiled.get(blocks.block()).run(blocks, routing, hidden, error);
            case LayerExperts.Untiled matrices ->
                untiled.get(matrices.intermediate()).run(matrices, routing, hidden, error);
        }
    }

    /** For experts of one shape in blocks of tiles. */
    TiledExperts tiled(ExpertBlock block) {
        return tiled.get(block);
    }

    /** Lets so many small blocks of other kernels stay resident while experts are computed. */
    void leaveRoom(int blocks) {
        tiled.values().forEach(experts -> experts.few().leaveRoom(blocks));
    }

    /** Makes the next launch possible after one that failed. */
    void recover() {
        tiled.values().forEach(TiledExperts::recover);
    }
}
