package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.RequiresGpu;
import dev.gatun.engine.Backend;
import dev.gatun.engine.SchemesSuite;
import org.junit.jupiter.api.Tag;

/** The first GPU runs every scheme that the quantizer writes. */
@Tag("model")
@RequiresGpu
class CudaSchemesTest extends SchemesSuite {
    @Override
    protected Backend tested(MixtralConfig config, ModelWeights weights) {
        return new CudaBackend(CudaDevice.open(0), config, weights);
    }

    /** Inputs and weights of products are fp16 in tiles. */
    @Override
    protected double tolerance() {
        return 3e-2;
    }
}
