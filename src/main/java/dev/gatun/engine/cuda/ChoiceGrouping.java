package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;

/** {@code group.cu}: a chunk's choices sorted by expert, and the experts' results back onto the residual stream. */
final class ChoiceGrouping {
    private static final int GROUP_BLOCK = 1024;
    private static final int COMBINE_BLOCK = 256;

    private final CudaStream stream;
    private final int experts;
    private final int topK;
    private final KernelArguments group;
    private final KernelArguments combine;
    private final GroupedChoices grouped;

    ChoiceGrouping(KernelLibrary kernels, CudaStream stream, DeviceArena arena, int maxTokens, int experts, int topK) {
        this.stream = stream;
        this.experts = experts;
        this.topK = topK;
        this.group = kernels.find("group", "gatun_group_tokens");
        this.combine = kernels.find("group", "gatun_combine_experts");
        long choiceBytes = (long) maxTokens * topK * Integer.BYTES;
        this.grouped = new GroupedChoices(
                arena.allocate((experts + 1L) * Integer.BYTES),
                arena.allocate(choiceBytes),
                arena.allocate(choiceBytes));
    }

    /** Sorts; the result is valid until the next call. */
    GroupedChoices group(CudaRouting routing, DeviceMemory error) {
        group.set(0, routing.ids())
                .set(1, routing.tokens() * topK)
                .set(2, experts)
                .set(3, grouped.offsets())
                .set(4, grouped.order())
                .set(5, grouped.place())
                .set(6, error);
        group.kernel().launch(LaunchShape.of(1, GROUP_BLOCK), group, stream);
        return grouped;
    }

    /**
     * hidden[t] += the weighted sum of its choices, by rising expert.
     *
     * @param results [choices, hidden], sorted by expert
     */
    void combine(GroupedChoices choices, CudaRouting routing, DeviceFloats results, DeviceFloats hidden) {
        combine.set(0, results.memory())
                .set(1, choices.place())
                .set(2, routing.weights())
                .set(3, topK)
                .set(4, hidden.columns())
                .set(5, hidden.memory());
        combine.kernel().launch(LaunchShape.of(hidden.rows(), COMBINE_BLOCK), combine, stream);
    }
}
