package dev.gatun.quantize.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.RequiresGpu;
import dev.gatun.quant.solver.Solver;
import dev.gatun.quant.solver.SolverLaws;
import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The solvers on a GPU. */
@RequiresGpu
class CudaSolverLawsTest extends SolverLaws {
    private static final Map<Kind, CudaSolver> SOLVERS = new EnumMap<>(Kind.class);

    @BeforeAll
    static void open() {
        CudaDevice device = CudaDevice.open(0);
        SOLVERS.put(Kind.HQQ, CudaSolver.hqq(device));
        SOLVERS.put(Kind.LEAST_SQUARES, CudaSolver.leastSquares(device));
    }

    @AfterAll
    static void close() {
        SOLVERS.values().forEach(CudaSolver::close);
        SOLVERS.clear();
    }

    @Override
    protected Solver solver(Kind kind) {
        return SOLVERS.get(kind);
    }
}
