package dev.gatun.quantize.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaException;
import dev.gatun.engine.cuda.Holdings;
import dev.gatun.engine.cuda.KernelLibrary;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.QuantizedMatrix;
import dev.gatun.quant.solver.QuantizationException;
import dev.gatun.quant.solver.Solver;
import dev.gatun.quant.solver.Target;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * A solver on a GPU. Matrices of several threads go through it side by side, each copied, quantized and copied back in a
 * lane of its own; more threads than lanes wait. Results are bit for bit those of the solver on the CPU, but for HQQ's where
 * errors are so large that powers of them are needed: there they are those of another library.
 *
 * <p>A lane keeps device memory for the largest matrix that went through it, as it is stored and quantized, with a scale and
 * a zero in float32 for each group besides (HQQ: an error as well), and 16 MiB of page-locked host memory. The target's
 * workers have nothing to do.
 *
 * <p>Whoever opens a solver closes it, when no thread uses it any more.
 */
public final class CudaSolver implements Solver, AutoCloseable {
    /** One uploads, one computes, one downloads, and one is between them. */
    private static final int LANES = 4;

    private final CudaDevice device;
    private final Holdings holdings = new Holdings();
    private final BlockingQueue<Lane> lanes = new LinkedBlockingQueue<>();

    private CudaSolver(CudaDevice device, Lane.FitMaker maker) {
        this.device = device;
        try {
            KernelLibrary kernels = holdings.remember(new KernelLibrary(device));
            for (int i = 0; i < LANES; i++) {
                lanes.add(holdings.remember(new Lane(device, kernels, maker)));
            }
        } catch (RuntimeException | Error failure) {
            holdings.closeAfter(failure);
            throw failure;
        }
    }

    /**
     * Opens {@link dev.gatun.quant.solver.LeastSquaresSolver} on a GPU.
     *
     * @throws CudaException if it cannot be used
     */
    public static CudaSolver leastSquares(CudaDevice device) {
        return new CudaSolver(device, (kernels, stream, transfer) -> new LeastSquaresFit(kernels, stream));
    }

    /**
     * Opens {@link dev.gatun.quant.solver.HqqSolver} on a GPU.
     *
     * @throws CudaException if it cannot be used
     */
    public static CudaSolver hqq(CudaDevice device) {
        return new CudaSolver(device, HqqFit::new);
    }

    /**
     * {@inheritDoc}
     *
     * @throws QuantizationException also if the GPU fails, or has too little memory for the matrix
     */
    @Override
    public QuantizedMatrix quantize(String name, DenseMatrix weights, Target target) {
        target.requireDivides(name, weights);
        Lane lane = take();
        try {
            return lane.quantize(name, weights, target);
        } catch (CudaException failure) {
            throw new QuantizationException(
                    "`" + name + "` on " + device + ": " + failure.getMessage() + "; or use --backend cpu", failure);
        } finally {
            lanes.add(lane);
        }
    }

    private Lane take() {
        try {
            return lanes.take();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while quantizing", interrupted);
        }
    }

    @Override
    public int matricesAtOnce() {
        return LANES;
    }

    @Override
    public void close() {
        holdings.close();
    }

    @Override
    public String toString() {
        return "solver on " + device;
    }
}
