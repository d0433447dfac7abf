package dev.gatun.quantize;

import dev.gatun.quant.solver.HqqSolver;
import dev.gatun.quant.solver.LeastSquaresSolver;
import dev.gatun.quant.solver.Solver;
import java.util.Locale;

/** How codes, scales and zeros are found. */
public enum SolverChoice {
    /** As the HQQ library does it. */
    HQQ,
    /** The least squared error of each group. */
    LEAST_SQUARES,
    /** Least squares with error feedback, for what a calibration text sends through the model. */
    GPTQ;

    /** What quantizes matrices for which no inputs are known, on the CPU. */
    public Solver onCpu() {
        return this == HQQ ? new HqqSolver() : new LeastSquaresSolver();
    }

    /** The name as it is written: {@code least-squares}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
