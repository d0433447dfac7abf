package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import java.util.Optional;

/** {@code route.cu}: norm, gate, softmax and top-k in one launch. */
final class RouterOperation {
    private static final int BLOCK = 1024;

    private final CudaStream stream;
    private final KernelArguments arguments;
    private final int topK;
    private final float epsilon;

    RouterOperation(KernelLibrary kernels, CudaStream stream, int topK, float epsilon) {
        this.stream = stream;
        this.arguments = kernels.find("route", "gatun_route");
        this.topK = topK;
        this.epsilon = epsilon;
    }

    /**
     * What the choice goes to beside the experts, and where it may come from.
     *
     * @param forced int32 [tokens, topK], the ids to choose; empty to choose the best
     * @param published where the host waits for it, if it does
     * @param place the place there
     * @param sequence int32, the chunk's sequence number, in device memory
     * @param handOff where the host finds what it computes experts from, if it does; only where it waits for the choice
     */
    record Hooks(
            Optional<DeviceMemory> forced,
            Optional<PublishedChoices> published,
            int place,
            DeviceMemory sequence,
            Optional<HandOff> handOff) {}

    /**
     * Chooses experts for norm(hidden).
     *
     * @param layer whose norm and gate choose
     * @param target receives norm(hidden), the experts' input, and the choice, best first
     */
    void route(DeviceFloats hidden, CudaWeights.Layer layer, CudaRouting target, DeviceMemory error, Hooks hooks) {
        route(hidden, layer.expertNorm(), layer.router(), target, error, hooks);
    }

    /** As above, with a norm, float32 [hidden], and a gate, [experts, hidden]. */
    void route(
            DeviceFloats hidden,
            DeviceMemory norm,
            DeviceMatrix.Dense gate,
            CudaRouting target,
            DeviceMemory error,
            Hooks hooks) {
        arguments
                .set(0, hidden.memory())
                .set(1, norm)
                .set(2, epsilon)
                .set(3, gate.values())
                .set(4, FloatTypes.code(gate.type()))
                .set(5, hidden.columns())
                .set(6, gate.rows())
                .set(7, topK)
                .set(8, target.normed().memory())
                .set(9, target.ids())
                .set(10, target.weights())
                .set(11, error)
                .set(15, hooks.sequence());
        hooks.forced().ifPresentOrElse(choices -> arguments.set(12, choices), () -> arguments.setNull(12));
        hooks.published()
                .ifPresentOrElse(
                        words -> arguments.set(13, words.memory()).set(14, words.firstWord(hooks.place())),
                        () -> arguments.setNull(13).set(14, 0));
        hooks.handOff()
                .ifPresentOrElse(
                        host -> host.setRouter(arguments, 16, 17),
                        () -> arguments.setNull(16).setNull(17));
        arguments.kernel().launch(LaunchShape.of(hidden.rows(), BLOCK), arguments, stream);
    }
}
