package dev.gatun.engine.cpu;

import dev.gatun.cpu.CpuMatrix;
import dev.gatun.quant.WeightMatrix;
import java.lang.foreign.Arena;

/** Matrices as {@link CpuBackend} gives them to the CPU library, for tests that compare with it. */
public final class DescribedMatrices {
    private DescribedMatrices() {}

    /** A description that lives as long as it is reachable. */
    public static CpuMatrix of(WeightMatrix matrix) {
        return CpuWeights.matrix(Arena.ofAuto(), matrix);
    }
}
