package dev.gatun;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.cpu.CpuException;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.engine.Backend;
import dev.gatun.engine.cpu.CpuBackend;
import dev.gatun.natives.NativeLibraryException;

/** A backend and why it was chosen. */
record OpenedBackend(Backend backend, BackendChoice choice) {
    /** Why there is no GPU to choose. */
    static final String NO_CUDA = "this version of Gatun has no CUDA backend";

    static OpenedBackend open(Checkpoint checkpoint, ModelOptions options) {
        String reason = switch (options.backend()) {
            case AUTO -> NO_CUDA;
            case CPU -> "asked for";
            case CUDA -> throw new GatunException("backend cuda: " + NO_CUDA + "; use --backend cpu");
        };
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
