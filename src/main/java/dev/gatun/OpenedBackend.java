package dev.gatun;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cpu.CpuException;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.cuda.CudaAvailability;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaException;
import dev.gatun.engine.Backend;
import dev.gatun.engine.BackendFailureException;
import dev.gatun.engine.cpu.CpuBackend;
import dev.gatun.engine.cuda.CudaBackend;
import dev.gatun.engine.cuda.CudaModel;
import dev.gatun.engine.cuda.CudaOptions;
import dev.gatun.engine.cuda.UnsupportedModelException;
import dev.gatun.natives.NativeLibraryException;
import dev.gatun.offload.OffloadOptions;
import dev.gatun.offload.PlanException;
import java.util.List;

/** A backend and why it was chosen. */
record OpenedBackend(Backend backend, BackendChoice choice) {
    static OpenedBackend open(Checkpoint checkpoint, ModelOptions options, LoadingListener listener) {
        // Read whatever runs, so that a mistake is told.
        OffloadOptions offload = OffloadSettings.of(options);
        requirePlacement(offload, checkpoint.config());
        return switch (options.backend()) {
            case AUTO -> best(checkpoint, options, offload, listener);
            case CPU -> cpu(checkpoint, options, "asked for");
            case CUDA -> cudaAskedFor(checkpoint, options, offload, listener);
        };
    }

    private static void requirePlacement(OffloadOptions offload, MixtralConfig model) {
        try {
            offload.requirePlacementOf(model.layers(), model.experts());
        } catch (PlanException wrong) {
            throw new GatunException(wrong.getMessage(), wrong);
        }
    }

    private static OpenedBackend best(
            Checkpoint checkpoint, ModelOptions options, OffloadOptions offload, LoadingListener listener) {
        try {
            return cuda(checkpoint, options, offload, listener, "the best here");
        } catch (NoGpuException none) {
            return cpu(checkpoint, options, none.getMessage());
        }
    }

    private static OpenedBackend cudaAskedFor(
            Checkpoint checkpoint, ModelOptions options, OffloadOptions offload, LoadingListener listener) {
        try {
            return cuda(checkpoint, options, offload, listener, "asked for");
        } catch (NoGpuException none) {
            throw new GatunException("backend cuda: " + none.getMessage() + "; or use --backend cpu", none);
        }
    }

    /** Why no GPU can run the model. */
    private static final class NoGpuException extends Exception {
        private static final long serialVersionUID = 1L;

        NoGpuException(String reason, Throwable cause) {
            super(reason, cause);
        }
    }

    private static OpenedBackend cuda(
            Checkpoint checkpoint,
            ModelOptions options,
            OffloadOptions offload,
            LoadingListener listener,
            String reason)
            throws NoGpuException {
        CudaOptions launching = CudaOptions.defaults()
                .withTimes(options.times())
                .withThreads(options.threads())
                .withSimulatedLink(options.simulatedLink());
        return switch (CudaBackend.availability()) {
            case CudaAvailability.Unavailable none -> throw new NoGpuException(none.reason(), null);
            case CudaAvailability.Available some ->
                cuda(checkpoint, some.devices(), offload, launching, listener, reason);
        };
    }

    /** The first GPU that takes the model; the reason of the first that does not, if none does. */
    private static OpenedBackend cuda(
            Checkpoint checkpoint,
            List<CudaDevice> devices,
            OffloadOptions offload,
            CudaOptions launching,
            LoadingListener listener,
            String reason)
            throws NoGpuException {
        CudaModel model = CudaModel.of(checkpoint.config(), checkpoint.weights());
        NoGpuException first = null;
        for (CudaDevice device : devices) {
            try {
                Backend backend = new CudaBackend(device, model, offload, launching, listener::loaded);
                return of("cuda", backend, reason);
            } catch (UnsupportedModelException | CudaException | OutOfMemoryError unusable) {
                first = first == null ? new NoGpuException(unusable.getMessage(), unusable) : first;
            } catch (BackendFailureException interrupted) {
                throw new GatunException("backend cuda: " + interrupted.getMessage(), interrupted);
            }
        }
        throw first;
    }

    private static OpenedBackend of(String name, Backend backend, String reason) {
        BackendChoice choice =
                new BackendChoice(name, backend.description(), reason, backend.hostMemory(), backend.notes());
        return new OpenedBackend(backend, choice);
    }

    private static OpenedBackend cpu(Checkpoint checkpoint, ModelOptions options, String reason) {
        int threads =
                options.threads() > 0 ? options.threads() : Runtime.getRuntime().availableProcessors();
        try {
            Backend backend = new CpuBackend(checkpoint.config(), checkpoint.weights(), threads, CpuLevel.chosen());
            return of("cpu", backend, reason);
        } catch (NativeLibraryException | CpuException unusable) {
            throw new GatunException("backend cpu: " + unusable.getMessage(), unusable);
        }
    }
}
