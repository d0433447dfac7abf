package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.RequiresGpu;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.OpenModel;
import dev.gatun.engine.ReferenceSuite;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The reference model on the first GPU. */
@Tag("model")
@RequiresGpu
@ParameterizedClass
@EnumSource
class CudaReferenceTest extends ReferenceSuite {
    @Parameter
    KvPrecision precision;

    @Override
    protected OpenModel open(Which which) {
        return OpenModel.open(
                which.folder().model(),
                checkpoint -> new CudaBackend(CudaDevice.open(0), checkpoint.config(), checkpoint.weights()));
    }

    @Override
    protected KvPrecision precision() {
        return precision;
    }

    @Override
    protected double logitTolerance(Which which) {
        return 2e-2;
    }

    @Override
    protected double perplexityTolerance(Which which) {
        return 5e-3;
    }

    @Override
    protected double clearMargin() {
        return 2e-2;
    }

    @Override
    protected double clearRouterMargin() {
        return 1e-2;
    }

    @Override
    protected double routerTolerance() {
        return 5e-3;
    }

    @Override
    protected int windows() {
        return Integer.MAX_VALUE;
    }
}
