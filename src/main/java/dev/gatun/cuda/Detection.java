package dev.gatun.cuda;

import dev.gatun.bindings.cuda.CudaRuntime;
import dev.gatun.natives.NativeLibraryException;
import java.util.List;
import java.util.Optional;

/** Finds out whether there is a GPU to work with, and if not, the first reason that stands in the way. */
final class Detection {
    private static final String NEEDED = "Gatun needs R580 or newer, which has CUDA 13.0";

    private final Questions questions;

    /** What there is to ask about a machine. The questions after the second need the runtime loaded. */
    interface Questions {
        /** Whether there is a runtime to load. */
        boolean hasRuntime();

        /**
         * Loads the runtime.
         *
         * @throws NativeLibraryException if it cannot be loaded
         */
        void loadRuntime();

        /** The newest CUDA that the driver supports, 13010 for 13.1; 0 without a driver. */
        int cudaOfDriver();

        /** The driver's own version, if the system tells. */
        Optional<String> driver();

        /** What counting the GPUs returns. */
        int countCode();

        /** One line about a code other than success. */
        String describe(int code);

        /** All GPUs. */
        List<CudaDevice> devices();
    }

    Detection(Questions questions) {
        this.questions = questions;
    }

    CudaAvailability run() {
        if (!questions.hasRuntime()) {
            return no(
                    "this build of Gatun is for the CPU alone, for there was no nvcc: install CUDA 13 and run `make`");
        }
        try {
            questions.loadRuntime();
            return countGpus();
        } catch (NativeLibraryException | CudaException e) {
            return no(e.getMessage());
        }
    }

    private CudaAvailability countGpus() {
        int code = questions.countCode();
        if (code == CudaRuntime.cudaErrorInsufficientDriver()) {
            return noDriver(questions.cudaOfDriver());
        }
        if (code == CudaRuntime.cudaErrorNoDevice()) {
            return no("the NVIDIA driver finds no GPU: look at `nvidia-smi -L` and CUDA_VISIBLE_DEVICES");
        }
        return code == CudaRuntime.cudaSuccess() ? choose(questions.devices()) : no(questions.describe(code));
    }

    private CudaAvailability noDriver(int cuda) {
        if (cuda == 0) {
            return no("no NVIDIA driver is installed: " + NEEDED);
        }
        String found =
                questions.driver().map(version -> version + ", which has").orElse("one with");
        return no("the NVIDIA driver is too old: " + found + " CUDA " + cuda / 1000 + "." + cuda % 1000 / 10 + "; "
                + NEEDED);
    }

    private static CudaAvailability choose(List<CudaDevice> devices) {
        List<CudaDevice> supported = devices.stream()
                .filter(device -> device.properties().capability().isSupported())
                .toList();
        if (!supported.isEmpty()) {
            return new CudaAvailability.Available(supported);
        }
        if (devices.isEmpty()) {
            return no("the NVIDIA driver finds no GPU: look at `nvidia-smi -L` and CUDA_VISIBLE_DEVICES");
        }
        CudaDevice best = devices.getFirst();
        return no(best + " has compute capability " + best.properties().capability() + ": Gatun needs "
                + ComputeCapability.OLDEST_SUPPORTED + " or newer, Turing");
    }

    private static CudaAvailability no(String reason) {
        return new CudaAvailability.Unavailable(reason);
    }
}
