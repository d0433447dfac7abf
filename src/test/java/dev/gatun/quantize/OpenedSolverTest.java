package dev.gatun.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.cuda.CudaAvailability;
import dev.gatun.engine.cuda.CudaBackend;
import dev.gatun.quant.solver.HqqSolver;
import dev.gatun.quant.solver.LeastSquaresSolver;
import dev.gatun.quant.solver.QuantizationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class OpenedSolverTest {
    @ParameterizedTest
    @EnumSource
    void theCpuSolvesWhateverIsAskedFor(SolverChoice choice) {
        try (OpenedSolver opened = OpenedSolver.cpu(choice, 3)) {
            assertThat(opened.solver())
                    .isEqualTo(choice == SolverChoice.HQQ ? new HqqSolver() : new LeastSquaresSolver());
            assertThat(opened.description()).isEqualTo("cpu (3 threads)");
            assertThat(opened.reason()).isEqualTo("asked for");
        }
    }

    @Test
    void whatNeedsActivationsStaysOnTheCpuAndSaysSo() {
        try (OpenedSolver opened = OpenedSolver.best(SolverChoice.GPTQ, 2)) {
            assertThat(opened.description()).isEqualTo("cpu (2 threads)");
            assertThat(opened.reason()).isEqualTo("--solver gptq runs on the CPU alone");
        }
        assertThatThrownBy(() -> OpenedSolver.cuda(SolverChoice.GPTQ))
                .isInstanceOf(QuantizationException.class)
                .hasMessage("backend cuda: --solver gptq runs on the CPU alone; or use --backend cpu");
    }

    @Test
    void theBestIsTheGpuIfThereIsOneAndOtherwiseTheReasonIsTold() {
        try (OpenedSolver opened = OpenedSolver.best(SolverChoice.LEAST_SQUARES, 2)) {
            switch (CudaBackend.availability()) {
                case CudaAvailability.Available some -> {
                    assertThat(opened.description())
                            .isEqualTo("cuda ("
                                    + some.devices().getFirst().properties().name() + ")");
                    assertThat(opened.reason()).isEqualTo("the best here");
                }
                case CudaAvailability.Unavailable(String reason) -> {
                    assertThat(opened.description()).isEqualTo("cpu (2 threads)");
                    assertThat(opened.reason()).isEqualTo(reason);
                    assertThatThrownBy(() -> OpenedSolver.cuda(SolverChoice.LEAST_SQUARES))
                            .isInstanceOf(QuantizationException.class)
                            .hasMessage("backend cuda: " + reason + "; or use --backend cpu");
                }
            }
        }
    }
}
