package dev.gatun.engine.cuda;

import dev.gatun.engine.Activations;

/** The residual stream in device memory. */
record CudaActivations(DeviceFloats values) implements Activations {
    @Override
    public int tokens() {
        return values.rows();
    }
}
