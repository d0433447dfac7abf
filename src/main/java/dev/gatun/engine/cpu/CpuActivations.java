package dev.gatun.engine.cpu;

import dev.gatun.cpu.FloatMatrix;
import dev.gatun.engine.Activations;

/** The residual stream in host memory. */
record CpuActivations(FloatMatrix values) implements Activations {
    @Override
    public int tokens() {
        return values.rows();
    }
}
