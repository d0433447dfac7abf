package dev.gatun.bench;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.engine.cuda.CudaBackend;
import dev.gatun.engine.cuda.CudaModel;
import dev.gatun.engine.cuda.CudaOptions;
import dev.gatun.offload.LoadListener;
import dev.gatun.offload.ModelSizes;
import java.util.Optional;

/** Puts a synthetic model onto a GPU. */
final class SyntheticSubject {
    private static final long SEED = 1;

    private SyntheticSubject() {}

    /**
     * Makes the model there; its weights on the host are given up again.
     *
     * @param progress hears of its experts being made
     */
    static BenchSubject open(CudaDevice device, SyntheticRequest request, BenchProgress progress) {
        ModelSizes sizes = ModelSizes.quantized(request.shape().config(), request.experts(), ModelSizes.GPU_CHUNK);
        CudaBackend backend = backend(device, request, sizes, progress);
        try {
            backend.force(new ScriptedRouting(
                    script(request, backend), request.shape().config()));
        } catch (RuntimeException | Error failure) {
            backend.close();
            throw failure;
        }
        BenchDescription description = BenchDescription.of(
                request.shape().name(),
                request.shape().config(),
                sizes,
                "cuda",
                backend.description(),
                request.offload().gpuMemory(),
                backend.hostMemory());
        return new PassSubject(description, request.shape().config(), backend, request.context());
    }

    private static CudaBackend backend(
            CudaDevice device, SyntheticRequest request, ModelSizes sizes, BenchProgress progress) {
        LoadListener listener = (bytes, total) -> progress.step("making experts", bytes >> 20, total >> 20);
        progress.step("making the trunk", 0, 1);
        try (SyntheticModel model = SyntheticModel.make(request.shape().config(), request.experts(), SEED)) {
            CudaModel onDevice = new CudaModel(model.config(), model.weights(), Optional.of(model.experts()), sizes);
            return new CudaBackend(
                    device, onDevice, request.offload().withContext(request.context()), launching(request), listener);
        }
    }

    private static CudaOptions launching(SyntheticRequest request) {
        return CudaOptions.defaults()
                .withOneWay(request.oneWay())
                .withTimes(request.times())
                .withThreads(request.threads())
                .withSimulatedLink(request.simulatedLink());
    }

    private static RoutingScript script(SyntheticRequest request, CudaBackend backend) {
        return switch (request.routing()) {
            case RoutingPreset.Uniform uniform -> RoutingScript.UNIFORM;
            case RoutingPreset.RealText text -> RoutingScript.REAL_TEXT;
            case RoutingPreset.HitRatio wanted ->
                // Where every expert is resident, all routing hits.
                backend.cacheShape()
                        .map(shape -> RoutingScript.forHitRatio(
                                wanted.ratio(), shape, request.shape().config().expertsPerToken()))
                        .orElse(RoutingScript.UNIFORM);
        };
    }
}
