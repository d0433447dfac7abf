package dev.gatun.bench;

import dev.gatun.GatunException;
import dev.gatun.LoadingListener;
import dev.gatun.ModelOptions;
import dev.gatun.ModelSource;
import dev.gatun.cuda.CudaAvailability;
import dev.gatun.cuda.CudaException;
import dev.gatun.engine.cuda.CudaBackend;
import dev.gatun.engine.cuda.UnsupportedModelException;
import dev.gatun.offload.PlanException;

/** Opens what benchmarks measure. */
public final class BenchSubjects {
    private BenchSubjects() {}

    /**
     * Opens a model.
     *
     * @param context tokens of a sequence
     * @param listener hears how far experts are loaded into host memory
     * @throws GatunException if it cannot be run so
     */
    public static BenchSubject model(ModelSource source, ModelOptions options, int context, LoadingListener listener) {
        return ModelSubject.open(source, options, context, listener);
    }

    /**
     * Makes a synthetic model on the first GPU.
     *
     * @param progress hears of its experts being made
     * @throws GatunException if there is no GPU, or the model cannot be run so
     */
    public static BenchSubject synthetic(SyntheticRequest request, BenchProgress progress) {
        switch (CudaBackend.availability()) {
            case CudaAvailability.Unavailable none ->
                throw new GatunException("synthetic: such models run on a GPU alone; " + none.reason());
            case CudaAvailability.Available some -> {
                try {
                    return SyntheticSubject.open(some.devices().getFirst(), request, progress);
                } catch (UnsupportedModelException | CudaException | PlanException | OutOfMemoryError unusable) {
                    throw new GatunException("synthetic: " + unusable.getMessage(), unusable);
                }
            }
        }
    }
}
