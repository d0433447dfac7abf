package dev.gatun.quantize;

import dev.gatun.cuda.CudaAvailability;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaException;
import dev.gatun.engine.cuda.CudaBackend;
import dev.gatun.quant.solver.QuantizationException;
import dev.gatun.quant.solver.Solver;
import dev.gatun.quantize.cuda.CudaSolver;
import java.util.List;

/**
 * What quantizes the matrices for which no inputs are known, where, and why there.
 *
 * <p>Whoever opens it closes it, when nobody uses the solver any more.
 *
 * @param solver any number of threads may use it
 * @param description {@code "cpu (16 threads)"}, {@code "cuda (NVIDIA H100 80GB HBM3)"}
 * @param reason why this one: {@code "asked for"}, or why a faster one cannot be had
 */
public record OpenedSolver(Solver solver, String description, String reason) implements AutoCloseable {
    private static final String CALIBRATED = "--solver gptq runs on the CPU alone";

    /**
     * On the first GPU that can be used, and on the CPU otherwise.
     *
     * @param threads that compute on the CPU
     */
    public static OpenedSolver best(SolverChoice choice, int threads) {
        try {
            return onGpu(choice, "the best here");
        } catch (NoGpuException none) {
            return onCpu(choice, threads, none.getMessage());
        }
    }

    /** On the CPU, with so many threads. */
    public static OpenedSolver cpu(SolverChoice choice, int threads) {
        return onCpu(choice, threads, "asked for");
    }

    /**
     * On a GPU.
     *
     * @throws QuantizationException if none can be used, or the solver runs on the CPU alone
     */
    public static OpenedSolver cuda(SolverChoice choice) {
        try {
            return onGpu(choice, "asked for");
        } catch (NoGpuException none) {
            throw new QuantizationException("backend cuda: " + none.getMessage() + "; or use --backend cpu", none);
        }
    }

    /** Why no GPU can quantize. */
    private static final class NoGpuException extends Exception {
        private static final long serialVersionUID = 1L;

        NoGpuException(String reason) {
            super(reason);
        }
    }

    private static OpenedSolver onCpu(SolverChoice choice, int threads, String reason) {
        return new OpenedSolver(choice.onCpu(), "cpu (" + threads + " threads)", reason);
    }

    private static OpenedSolver onGpu(SolverChoice choice, String reason) throws NoGpuException {
        if (choice == SolverChoice.GPTQ) {
            throw new NoGpuException(CALIBRATED);
        }
        return switch (CudaBackend.availability()) {
            case CudaAvailability.Unavailable none -> throw new NoGpuException(none.reason());
            case CudaAvailability.Available some -> onFirstOf(some.devices(), choice, reason);
        };
    }

    /** The reason of the first that cannot be used, if none can. */
    private static OpenedSolver onFirstOf(List<CudaDevice> devices, SolverChoice choice, String reason)
            throws NoGpuException {
        NoGpuException first = null;
        for (CudaDevice device : devices) {
            try {
                Solver solver = choice == SolverChoice.HQQ ? CudaSolver.hqq(device) : CudaSolver.leastSquares(device);
                return new OpenedSolver(solver, "cuda (" + device.properties().name() + ")", reason);
            } catch (CudaException unusable) {
                first = first == null ? new NoGpuException(unusable.getMessage()) : first;
            }
        }
        throw first;
    }

    /** Frees what the solver holds of a device. */
    @Override
    public void close() {
        if (solver instanceof CudaSolver onDevice) {
            onDevice.close();
        }
    }
}
