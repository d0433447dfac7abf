package dev.gatun.engine.cpu;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.ModelWeights;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.engine.AgreementSuite;
import dev.gatun.engine.Backend;

/** The best level of this machine against the portable one. */
class CpuAgreementTest extends AgreementSuite {
    @Override
    protected Backend reference(MixtralConfig config, ModelWeights weights) {
        return new CpuBackend(config, weights, 1, CpuLevel.PORTABLE);
    }

    @Override
    protected Backend tested(MixtralConfig config, ModelWeights weights) {
        return new CpuBackend(config, weights, 2, CpuLevel.best());
    }

    /** One token's scaled inputs are rounded to 16 bits, and fp16 keys to the one side or the other. */
    @Override
    protected double tolerance() {
        return 5e-4;
    }
}
