package dev.gatun.engine.cuda;

import dev.gatun.cuda.DeviceMemory;

/** Experts in any format, for any number of tokens: unquantized models, and quantized ones without tiles. */
final class UntiledExperts {
    private final AnyProducts products;
    private final ChoiceGrouping grouping;
    private final int experts;
    private final int topK;
    private final DeviceFloats gated;
    private final DeviceFloats results;

    /** Takes memory for up to {@code maxTokens} tokens. */
    UntiledExperts(
            AnyProducts products,
            ChoiceGrouping grouping,
            CudaWorkspace workspace,
            LayerExperts.Untiled shape,
            int maxTokens,
            int experts,
            int topK) {
        this.products = products;
        this.grouping = grouping;
        this.experts = experts;
        this.topK = topK;
        this.gated = DeviceFloats.allocate(workspace.experts().branch(), maxTokens * topK, shape.intermediate());
        this.results = workspace.results();
    }

    /** hidden += the weighted sum of the chosen experts. */
    void run(LayerExperts.Untiled layer, CudaRouting routing, DeviceFloats hidden, DeviceMemory error) {
        GroupedChoices choices = grouping.group(routing, error);
        int count = routing.tokens() * topK;
        DeviceFloats h = gated.rows(0, count);
        DeviceFloats y = results.rows(0, count);
        DeviceFloats x = routing.normed();
        multiply(layer, AnyProducts.Part.GATE, topK, choices, x, h, AnyProducts.Mode.SET, error);
        multiply(layer, AnyProducts.Part.UP, topK, choices, x, h, AnyProducts.Mode.GATE, error);
        multiply(layer, AnyProducts.Part.DOWN, 0, choices, h, y, AnyProducts.Mode.SET, error);
        grouping.combine(choices, routing, y, hidden);
    }

    private void multiply(
            LayerExperts.Untiled layer,
            AnyProducts.Part part,
            int gather,
            GroupedChoices choices,
            DeviceFloats x,
            DeviceFloats y,
            AnyProducts.Mode mode,
            DeviceMemory error) {
        products.multiplyExperts(layer.table(), part, experts, gather, choices, x, y, mode, error);
    }
}
