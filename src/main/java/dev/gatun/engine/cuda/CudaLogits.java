package dev.gatun.engine.cuda;

import dev.gatun.engine.Logits;

/** Logits in device memory, computed once the stream has come so far. */
record CudaLogits(DeviceFloats values) implements Logits {
    @Override
    public int rows() {
        return values.rows();
    }
}
