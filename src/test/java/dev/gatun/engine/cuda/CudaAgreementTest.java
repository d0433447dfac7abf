package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.RequiresGpu;
import dev.gatun.engine.AgreementSuite;
import dev.gatun.engine.Backend;
import dev.gatun.engine.cpu.CpuBackend;
import org.junit.jupiter.api.Tag;

/** The first GPU against the CPU. */
@Tag("model")
@RequiresGpu
class CudaAgreementTest extends AgreementSuite {
    @Override
    protected Backend reference(MixtralConfig config, ModelWeights weights) {
        return new CpuBackend(config, weights, 2, CpuLevel.best());
    }

    @Override
    protected Backend tested(MixtralConfig config, ModelWeights weights) {
        return new CudaBackend(CudaDevice.open(0), config, weights);
    }

    /**
     * Inputs and weights of products are fp16 there. With these roundings emulated in float64, the medians of 100 runs with
     * codes of 3 bits were at most 3.8e-3, half of them at most 1.5e-3.
     */
    @Override
    protected double tolerance() {
        return 5e-3;
    }
}
