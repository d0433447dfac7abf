package dev.gatun.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cpu.CpuLevel;
import dev.gatun.engine.ConvertedModel;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.OpenModel;
import dev.gatun.engine.ReferenceFolder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** A model in Gatun's own format, whose experts are tiles where they lie, on every level of this machine. */
@ParameterizedClass
@MethodSource("levels")
class CpuTilesTest {
    /** Tiles round the inputs of both halves of an expert to 15 bits of the largest near them, for every token. */
    private static final double TOLERANCE = 2e-2;

    private static final int CAPACITY = 512;

    @TempDir
    private static Path folder;

    @Parameter
    CpuLevel level;

    static Stream<CpuLevel> levels() {
        return CpuLevel.available().stream();
    }

    @BeforeAll
    static void convert() {
        ConvertedModel.write(folder);
    }

    private OpenModel open(int threads) {
        return OpenModel.open(
                folder, checkpoint -> new CpuBackend(checkpoint.config(), checkpoint.weights(), threads, level));
    }

    @Test
    void lastLogitsAreTheReferences() {
        ReferenceFolder reference = ReferenceFolder.quantized();
        try (OpenModel model = open(2)) {
            for (ReferenceFolder.Prompt prompt : reference.prompts()) {
                try (KvCache cache = model.backend().newKvCache(CAPACITY, KvPrecision.F32)) {
                    float[] logits = model.feed(prompt.ids(), cache, 1, CAPACITY);
                    assertThat(largestDifference(logits, reference.floats("logits-last.safetensors", prompt.name())))
                            .as(prompt.name())
                            .isLessThanOrEqualTo(TOLERANCE);
                }
            }
        }
    }

    @Test
    void chunksOfAnySizeGiveTheSameLogits() {
        int[] ids = ReferenceFolder.quantized().prompt("medium").ids();
        try (OpenModel model = open(2)) {
            float[] whole = fed(model, ids, CAPACITY);
            for (int chunk : new int[] {1, 4, 5}) {
                assertThat(largestDifference(fed(model, ids, chunk), whole))
                        .as("chunks of " + chunk)
                        .isLessThanOrEqualTo(TOLERANCE);
            }
        }
    }

    @Test
    void anyNumberOfThreadsGivesTheSameBits() {
        int[] ids = ReferenceFolder.quantized().prompt("unicode").ids();
        float[] expected = null;
        for (int threads : new int[] {1, 2, 5}) {
            try (OpenModel model = open(threads)) {
                float[] logits = fed(model, ids, CAPACITY);
                expected = expected == null ? logits : expected;
                assertThat(Arrays.equals(logits, expected))
                        .as(threads + " threads")
                        .isTrue();
            }
        }
    }

    private static float[] fed(OpenModel model, int[] ids, int chunk) {
        try (KvCache cache = model.backend().newKvCache(CAPACITY, KvPrecision.F32)) {
            return model.feed(ids, cache, 1, chunk);
        }
    }

    /** NaN where either has one. */
    private static double largestDifference(float[] actual, float[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        double largest = 0;
        for (int i = 0; i < actual.length; i++) {
            largest = Math.max(largest, Math.abs((double) actual[i] - expected[i]));
        }
        return largest;
    }
}
