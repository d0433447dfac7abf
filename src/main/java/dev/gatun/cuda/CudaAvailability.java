package dev.gatun.cuda;

import java.util.List;

/** Whether this machine has a GPU for Gatun. The answer of {@link #ofThisMachine} is always one of the two, never a throw. */
public sealed interface CudaAvailability {
    /**
     * There is one.
     *
     * @param devices the GPUs of a supported generation, at least one
     */
    record Available(List<CudaDevice> devices) implements CudaAvailability {
        /** Keeps a copy of the list. */
        public Available {
            devices = List.copyOf(devices);
        }
    }

    /**
     * There is none.
     *
     * @param reason why, and what would help, in one line
     */
    record Unavailable(String reason) implements CudaAvailability {}

    /** Looks for the CUDA runtime, the driver, and GPUs of a supported generation. Starts CUDA on none of them. */
    static CudaAvailability ofThisMachine() {
        return new Detection(new InstalledCuda()).run();
    }
}
