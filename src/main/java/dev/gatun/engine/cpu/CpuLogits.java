package dev.gatun.engine.cpu;

import dev.gatun.cpu.FloatMatrix;
import dev.gatun.engine.Logits;

/** Logits in host memory, computed already. */
record CpuLogits(FloatMatrix values) implements Logits {
    @Override
    public int rows() {
        return values.rows();
    }
}
