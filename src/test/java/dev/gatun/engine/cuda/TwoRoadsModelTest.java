package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.bench.SyntheticModel;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.checkpoint.Seeds;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.RequiresGpu;
import dev.gatun.engine.ForwardPass;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import dev.gatun.engine.OffloadCounts;
import dev.gatun.engine.OpenModel;
import dev.gatun.offload.HostMode;
import dev.gatun.offload.MissMode;
import dev.gatun.offload.ModelSizes;
import dev.gatun.offload.OffloadOptions;
import dev.gatun.quant.TileFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Where the host computes some of what is missing, the model says nearly what it says where all is fetched. */
@RequiresGpu
@Execution(ExecutionMode.SAME_THREAD)
class TwoRoadsModelTest {
    private static final double PERPLEXITY = 2e-3;
    private static final int SETTINGS = Integer.getInteger("gatun.test.cases", 16);
    private static final int CAPACITY = 512;
    private static final int SCORED = SETTINGS < 10 ? 40 : 400;

    private static OffloadOptions fetching() {
        return OffloadOptions.defaults().withMisses(MissMode.FETCH).withMostSlots(9);
    }

    private static OpenModel open(OffloadOptions options, UnaryOperator<HostRoad> roads) {
        return QuantizedOnGpu.open(options, CudaOptions.defaults(), PieceAllocator.of(CudaDevice.open(0)), roads);
    }

    @ParameterizedTest
    @EnumSource
    void logitsAreNearThoseOfFetchingWhateverIsLateOrResident(KvPrecision precision) {
        List<float[]> expected;
        try (OpenModel model = open(fetching(), UnaryOperator.identity())) {
            expected = NearTranscript.of(model, List.of(), precision);
        }
        long seed = Seeds.next();
        Random random = new Random(seed);
        long sharedByBoth = 0;
        for (int i = 0; i < SETTINGS; i++) {
            OffloadOptions options = setting(random, i);
            String setting = options + ", " + Seeds.hint(seed);
            try (OpenModel model = open(options, road -> new LateRoad(road, new Random(random.nextLong())))) {
                NearTranscript.require(NearTranscript.of(model, expected, precision), expected, setting);
                OffloadCounts.Roads roads =
                        model.backend().offloadCounts().orElseThrow().roads();
                if (options.misses() == MissMode.CPU) {
                    assertThat(roads.computed()).as(setting).isPositive();
                    assertThat(roads.bytesComputed()).as(setting).isPositive();
                } else {
                    sharedByBoth += roads.computed() + roads.split();
                }
            }
        }
        assertThat(sharedByBoth)
                .as("what the host computed where both roads were open")
                .isPositive();
    }

    private static OffloadOptions setting(Random random, int number) {
        HostMode[] modes = {HostMode.INCLUSIVE, HostMode.EXCLUSIVE};
        return OffloadOptions.defaults()
                .withMisses(number % 2 == 0 ? MissMode.CPU : MissMode.AUTO)
                .withMostSlots(random.nextInt(30))
                .withPrefetch(random.nextInt(3))
                .withHostMode(modes[random.nextInt(modes.length)]);
    }

    /** Comes late to some experts, before or after it computes them. */
    private record LateRoad(HostRoad road, Random random) implements HostRoad {
        @Override
        public void add(int expert, int block, int fromPart, int token, int rank) {
            pause();
            road.add(expert, block, fromPart, token, rank);
        }

        @Override
        public void begin() {
            pause();
            road.begin();
        }

        @Override
        public void finish() {
            pause();
            road.finish();
            pause();
        }

        @Override
        public void forget() {
            road.forget();
        }

        @Override
        public void addWhole(int expert, int block, int[] tokens, int[] ranks, int count) {
            pause();
            road.addWhole(expert, block, tokens, ranks, count);
            pause();
        }

        private void pause() {
            if (random.nextInt(8) == 0) {
                LockSupport.parkNanos(random.nextInt(1, 1_000_000));
            }
        }
    }

    /** To the probe the host costs nothing, so it computes whatever of a prompt is absent and can be read. */
    @Test
    void promptsWhoseExpertsTheHostComputesSayTheSame() {
        List<float[]> expected;
        try (OpenModel model = open(fetching(), UnaryOperator.identity())) {
            expected = NearTranscript.of(model, List.of());
        }
        for (HostMode host : new HostMode[] {HostMode.INCLUSIVE, HostMode.EXCLUSIVE}) {
            for (MissMode mode : new MissMode[] {MissMode.CPU, MissMode.AUTO}) {
                SpoiledRoad road = new SpoiledRoad();
                OffloadOptions options = fetching().withMisses(mode).withHostMode(host);
                try (OpenModel model = open(options, road)) {
                    road.wake();
                    requirePromptOnHost(model, road);
                    NearTranscript.require(NearTranscript.of(model, expected), expected, options.toString());
                }
            }
        }
    }

    private static void requirePromptOnHost(OpenModel model, SpoiledRoad road) {
        long before = model.backend().offloadCounts().orElseThrow().roads().computed();
        try (KvCache cache = model.backend().newKvCache(CAPACITY, KvPrecision.F16)) {
            model.feed(cache, Arrays.copyOf(NearTranscript.text(), 30));
        }
        assertThat(model.backend().offloadCounts().orElseThrow().roads().computed())
                .isGreaterThan(before);
        assertThat(road.wholes()).isPositive();
    }

    @Test
    void perplexityIsNearThatOfFetching() {
        double expected = perplexity(fetching());
        for (MissMode mode : new MissMode[] {MissMode.CPU, MissMode.AUTO}) {
            assertThat(perplexity(fetching().withMisses(mode)))
                    .as(mode.toString())
                    .isCloseTo(expected, within(PERPLEXITY * expected));
        }
    }

    /** Of a text's beginning, token by token. */
    private static double perplexity(OffloadOptions options) {
        int[] text = Arrays.copyOf(NearTranscript.text(), SCORED);
        double sum = 0;
        try (OpenModel model = open(options, UnaryOperator.identity());
                KvCache cache = model.backend().newKvCache(CAPACITY, KvPrecision.F16)) {
            for (int i = 0; i + 1 < text.length; i++) {
                sum += surprise(model.feed(cache, text[i]), text[i + 1]);
            }
        }
        return Math.exp(sum / (text.length - 1));
    }

    private static double surprise(float[] logits, int token) {
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - (double) logits[token]);
        }
        return Math.log(sum);
    }

    /** Experts of three parts: some are cut. */
    private static final MixtralConfig CUT =
            new MixtralConfig(2048, 6144, 3, 16, 4, 128, 4, 2, 512, 4096, 1e6, 1e-5, OptionalInt.empty(), false);

    @Test
    void expertsThatAreCutGiveTheSame() {
        for (TileFormat format : new TileFormat[] {TileFormat.Q2, TileFormat.Q2N}) {
            try (SyntheticModel model = SyntheticModel.make(CUT, format, 7)) {
                List<float[]> expected = said(model, format, MissMode.FETCH);
                for (int round = 0; round < 4; round++) {
                    NearTranscript.require(
                            said(model, format, MissMode.AUTO), expected, "round " + round + " of " + format);
                }
            }
        }
    }

    private static List<float[]> said(SyntheticModel model, TileFormat format, MissMode mode) {
        OffloadOptions options = OffloadOptions.defaults().withMisses(mode).withMostSlots(3);
        CudaModel shape = new CudaModel(
                CUT,
                model.weights(),
                Optional.of(model.experts()),
                ModelSizes.quantized(CUT, format, ModelSizes.GPU_CHUNK));
        List<float[]> said = new ArrayList<>();
        try (CudaBackend backend = new CudaBackend(
                        CudaDevice.open(0),
                        shape,
                        options,
                        CudaOptions.defaults(),
                        (bytes, total) -> {},
                        PieceAllocator.of(CudaDevice.open(0)),
                        UnaryOperator.identity());
                KvCache cache = backend.newKvCache(CAPACITY, KvPrecision.F16)) {
            ForwardPass pass = new ForwardPass(backend, CUT.layers());
            for (int token : new Random(9).ints(40, 0, 512).toArray()) {
                float[] logits = new float[CUT.vocabularySize()];
                backend.await(pass.run(new int[] {token}, cache, 1), logits);
                said.add(logits);
            }
            OffloadCounts.Roads roads = backend.offloadCounts().orElseThrow().roads();
            if (mode == MissMode.FETCH) {
                assertThat(roads.split() + roads.computed()).isZero();
            } else {
                // One that is cut is on both roads.
                assertThat(roads.split()).isPositive();
                assertThat(roads.bytesComputed()).isPositive();
            }
        }
        return said;
    }
}
