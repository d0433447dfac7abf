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
        return switch (CudaBackend.availability()) {
            case CudaAvailability.Unavailable none -> cpu(checkpoint, options, none.reason());
            case CudaAvailability.Available some -> {
                try {
                    yield cuda(checkpoint, some.devices().getFirst(), "the best here");
                } catch (UnsupportedModelException | CudaException unusable) {
                    yield cpu(checkpoint, options, "not on the GPU: " + unusable.getMessage());
                }
            }
        };
    }

    private static OpenedBackend cudaAskedFor(Checkpoint checkpoint) {
        return switch (CudaBackend.availability()) {
            case CudaAvailability.Unavailable none ->
                throw new GatunException("backend cuda: " + none.reason() + "; or use --backend cpu");
            case CudaAvailability.Available some -> {
                try {
                    yield cuda(checkpoint, some.devices().getFirst(), "asked for");
                } catch (UnsupportedModelException | CudaException unusable) {
                    throw new GatunException(
                            "backend cuda: " + unusable.getMessage() + "; or use --backend cpu", unusable);
                }
            }
        };
    }

    private static OpenedBackend cuda(Checkpoint checkpoint, CudaDevice device, String reason) {
        Backend backend = new CudaBackend(device, checkpoint.config(), checkpoint.weights());
        return new OpenedBackend(backend, new BackendChoice("cuda", backend.description(), reason));
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
