package dev.gatun.quant.solver;

/** The solvers on the CPU. */
class SolverTest extends SolverLaws {
    @Override
    protected Solver solver(Kind kind) {
        return switch (kind) {
            case HQQ -> new HqqSolver();
            case LEAST_SQUARES -> new LeastSquaresSolver();
        };
    }
}
