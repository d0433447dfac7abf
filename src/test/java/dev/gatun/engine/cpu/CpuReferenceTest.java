package dev.gatun.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cpu.CpuLevel;
import dev.gatun.engine.Activations;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.OpenModel;
import dev.gatun.engine.ReferenceFolder;
import dev.gatun.engine.ReferenceSuite;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The reference model on every level of the CPU library that this machine has. */
@ParameterizedClass
@MethodSource("levels")
class CpuReferenceTest extends ReferenceSuite {
    private static final int THREADS = 2;

    @Parameter
    CpuLevel level;

    static Stream<CpuLevel> levels() {
        return CpuLevel.available().stream();
    }

    @Override
    protected OpenModel open(Which which) {
        return open(which, THREADS);
    }

    private OpenModel open(Which which, int threads) {
        return OpenModel.open(
                which.folder().model(),
                checkpoint -> new CpuBackend(checkpoint.config(), checkpoint.weights(), threads, level));
    }

    @Override
    protected double logitTolerance(Which which) {
        // One token's scaled inputs are rounded to 16 bits where there are vectors.
        return which == Which.UNQUANTIZED ? 1e-3 : 5e-3;
    }

    @Override
    protected double perplexityTolerance(Which which) {
        return logitTolerance(which);
    }

    @Override
    protected double clearMargin() {
        return 1e-3;
    }

    @Override
    protected double clearRouterMargin() {
        return 1e-4;
    }

    @Override
    protected double routerTolerance() {
        return 1e-3;
    }

    /** All where vectors make it quick. */
    @Override
    protected int windows() {
        return level == CpuLevel.PORTABLE ? 2 : Integer.MAX_VALUE;
    }

    @Test
    void hiddenStatesAreTheReferences() {
        ReferenceFolder folder = Which.UNQUANTIZED.folder();
        int[] ids = folder.prompt("medium").ids();
        try (OpenModel model = open(Which.UNQUANTIZED);
                KvCache cache = model.backend().newKvCache(512, KvPrecision.F32)) {
            Activations hidden = model.backend().embed(ids);
            assertHidden(folder, "embeddings", hidden);
            for (int layer = 0; layer < model.checkpoint().config().layers(); layer++) {
                model.backend().attend(layer, hidden, cache);
                model.backend().experts(layer, hidden, model.backend().route(layer, hidden));
                assertHidden(folder, "layers." + layer, hidden);
            }
        }
    }

    private static void assertHidden(ReferenceFolder folder, String name, Activations hidden) {
        float[] expected = folder.floats("hidden-medium.safetensors", name);
        assertNear(name, ((CpuActivations) hidden).values().toArray(), expected, 1e-3);
    }

    @ParameterizedTest
    @EnumSource
    void anyNumberOfThreadsGivesTheSameBits(Which which) {
        int[] ids = which.folder().prompt("unicode").ids();
        float[] expected = null;
        for (int threads : new int[] {1, 2, 5}) {
            try (OpenModel model = open(which, threads);
                    KvCache cache = model.backend().newKvCache(512, KvPrecision.F16)) {
                model.feed(ids, cache, 1, 512);
                float[] logits = model.feed(new int[] {7}, cache, 1, 1);
                expected = expected == null ? logits : expected;
                assertThat(logits).as(threads + " threads").containsExactly(expected);
            }
        }
    }
}
