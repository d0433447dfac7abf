package dev.gatun;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.cpu.CpuException;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.cuda.CudaAvailability;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaException;
import dev.gatun.engine.Backend;
import dev.gatun.engine.cpu.CpuBackend;
import dev.gatun.engine.cuda.CudaBackend;
import dev.gatun.engine.cuda.UnsupportedModelException;
import dev.gatun.natives.NativeLibraryException;
import java.util.List;

/** A backend and why it was chosen. */
record OpenedBackend(Backend backend, BackendChoice choice) {
    static OpenedBackend open(Checkpoint checkpoint, ModelOptions options) {
        return switch (options.backend()) {
            case AUTO -> best(checkpoint, options);
            case CPU -> cpu(checkpoint, options, "asked for");
            case CUDA -> cudaAskedFor(checkpoint);
        };
    }

    private static OpenedBackend best(Checkpoint checkpoint, ModelOptions options) {
        try {
            return cuda(checkpoint, "the best here");
        } catch (NoGpuException none) {
            return cpu(checkpoint, options, none.getMessage());
        }
    }

    private static OpenedBackend cudaAskedFor(Checkpoint checkpoint) {
        try {
            return cuda(checkpoint, "asked for");
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

    private static OpenedBackend cuda(Checkpoint checkpoint, String reason) throws NoGpuException {
        return switch (CudaBackend.availability()) {
            case CudaAvailability.Unavailable none -> throw new NoGpuException(none.reason(), null);
            case CudaAvailability.Available some -> cuda(checkpoint, some.devices(), reason);
        };
    }

    /** The first GPU that takes the model; the reason of the first that does not, if none does. */
    private static OpenedBackend cuda(Checkpoint checkpoint, List<CudaDevice> devices, String reason)
            throws NoGpuException {
        NoGpuException first = null;
        for (CudaDevice device : devices) {
            try {
                Backend backend = new CudaBackend(device, checkpoint.config(), checkpoint.weights());
                return new OpenedBackend(backend, new BackendChoice("cuda", backend.description(), reason));
            } catch (UnsupportedModelException | CudaException | OutOfMemoryError unusable) {
                first = first == null ? new NoGpuException(unusable.getMessage(), unusable) : first;
            }
        }
        throw first;
    }

    private static OpenedBackend cpu(Checkpoint checkpoint, ModelOptions options, String reason) {
        int threads =
                options.threads() > 0 ? options.threads() : Runtime.getRuntime().availableProcessors();
        try {
            Backend backend = new CpuBackend(checkpoint.config(), checkpoint.weights(), threads, CpuLevel.chosen());
            return new OpenedBackend(backend, new BackendChoice("cpu", backend.description(), reason));
        } catch (NativeLibraryException | CpuException unusable) {
            throw new GatunException("backend cpu: " + unusable.getMessage(), unusable);
        }
    }
}
