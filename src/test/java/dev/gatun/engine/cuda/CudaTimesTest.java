package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cuda.RequiresGpu;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.OffloadCounts;
import dev.gatun.engine.OffloadCounts.Parts;
import dev.gatun.engine.OpenModel;
import dev.gatun.offload.HostMode;
import dev.gatun.offload.MissMode;
import dev.gatun.offload.OffloadOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The times of passes of the quantized reference model, few of whose experts are resident. */
@Tag("model")
@RequiresGpu
@Execution(ExecutionMode.SAME_THREAD)
class CudaTimesTest {
    private static final int FEW_SLOTS = 10;
    private static final int WARM_UP = 5;
    private static final int TOKENS = 40;

    /** The host's clock and the device's may differ by this share. */
    private static final double DRIFT = 1.02;

    private static OpenModel open(HostMode mode, boolean times) {
        OffloadOptions offload = OffloadOptions.defaults()
                .withMisses(MissMode.FETCH)
                .withMostSlots(FEW_SLOTS)
                .withHostMode(mode);
        return QuantizedOnGpu.open(offload, CudaOptions.defaults().withTimes(times));
    }

    private static int[] random(Random random, int count) {
        return random.ints(count, 3, 2000).toArray();
    }

    private static OffloadCounts counts(OpenModel model) {
        return model.backend().offloadCounts().orElseThrow();
    }

    private static long sum(Parts parts) {
        return parts.attention() + parts.router() + parts.experts() + parts.waiting() + parts.cpu() + parts.host();
    }

    /** What passes of so many tokens took by the host's clock, and what was counted meanwhile. */
    private record Measured(long nanos, OffloadCounts counts) {
        Parts parts() {
            return counts.times().orElseThrow().parts();
        }

        long link() {
            return counts.times().orElseThrow().link();
        }
    }

    private static Measured measure(OpenModel model, KvCache cache, Random random, int passes, int tokens) {
        OffloadCounts before = counts(model);
        long start = System.nanoTime();
        for (int pass = 0; pass < passes; pass++) {
            model.feed(cache, random(random, tokens));
        }
        long nanos = System.nanoTime() - start;
        return new Measured(nanos, counts(model).since(before));
    }

    @ParameterizedTest
    @EnumSource(names = {"INCLUSIVE", "EXCLUSIVE"})
    void partsFillMostOfATokensTimeAndNoMore(HostMode mode) {
        Random random = new Random(2);
        try (OpenModel model = open(mode, true);
                KvCache cache = model.backend().newKvCache(512, KvPrecision.F16)) {
            measure(model, cache, random, WARM_UP, 1);
            Measured tokens = measure(model, cache, random, TOKENS, 1);
            assertThat(tokens.counts().misses()).isPositive();
            assertThat((double) sum(tokens.parts())).isBetween(0.5 * tokens.nanos(), DRIFT * tokens.nanos());
            assertThat(tokens.parts().attention()).isPositive();
            assertThat(tokens.parts().router()).isPositive();
            assertThat(tokens.parts().experts()).isPositive();
            assertThat(tokens.parts().waiting()).isPositive();
            assertThat((double) tokens.link()).isBetween(1.0, DRIFT * tokens.nanos());
        }
    }

    @Test
    void aSimulatedLinkIsNoFasterThanItsRateAndChangesNoBits() {
        double rate = 100e6;
        OffloadOptions few = OffloadOptions.defaults().withMostSlots(FEW_SLOTS).withMisses(MissMode.FETCH);
        int[] prompt = random(new Random(4), 30);
        float[] expected;
        try (OpenModel model = QuantizedOnGpu.open(few, CudaOptions.defaults());
                KvCache cache = model.backend().newKvCache(512, KvPrecision.F16)) {
            expected = model.feed(cache, prompt);
        }
        CudaOptions slow = CudaOptions.defaults().withTimes(true).withSimulatedLink(rate);
        try (OpenModel model = QuantizedOnGpu.open(few, slow);
                KvCache cache = model.backend().newKvCache(512, KvPrecision.F16)) {
            assertThat(model.feed(cache, prompt)).containsExactly(expected);
            Measured tokens = measure(model, cache, new Random(2), WARM_UP, 1);
            double seconds = tokens.counts().bytesUp() / rate;
            assertThat(seconds).isPositive();
            assertThat(tokens.link() / 1e9).isGreaterThanOrEqualTo(seconds / DRIFT);
            assertThat(tokens.nanos() / 1e9).isGreaterThanOrEqualTo(seconds / DRIFT);
        }
    }

    @Test
    void chunksOfEveryKindAreMeasured() {
        Random random = new Random(3);
        try (OpenModel model = open(HostMode.INCLUSIVE, true)) {
            for (int length : new int[] {2, 8, 9, 20, 64, 300}) {
                try (KvCache cache = model.backend().newKvCache(1024, KvPrecision.F16)) {
                    measure(model, cache, random, 1, length);
                    Measured chunk = measure(model, cache, random, 1, length);
                    assertThat((double) sum(chunk.parts()))
                            .as("%d tokens", length)
                            .isBetween(1.0, DRIFT * chunk.nanos());
                    assertThat(chunk.parts().experts()).as("%d tokens", length).isPositive();
                    assertThat(chunk.link()).as("%d tokens", length).isPositive();
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"INCLUSIVE", "EXCLUSIVE"})
    void timesChangeNoBits(HostMode mode) {
        assertThat(transcript(mode, true)).containsExactlyElementsOf(transcript(mode, false));
    }

    private static List<float[]> transcript(HostMode mode, boolean times) {
        Random random = new Random(7);
        List<float[]> transcript = new ArrayList<>();
        try (OpenModel model = open(mode, times)) {
            assertThat(counts(model).times().isPresent()).isEqualTo(times);
            for (int length : new int[] {1, 8, 20, 300}) {
                try (KvCache cache = model.backend().newKvCache(512, KvPrecision.F16)) {
                    transcript.add(model.feed(cache, random(random, length)));
                    for (int token = 0; token < 5; token++) {
                        transcript.add(model.feed(cache, random(random, 1)));
                    }
                }
            }
        }
        return transcript;
    }
}
