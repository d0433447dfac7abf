package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.quant.TileFormat;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** What two roads are predicted to give; that of the link alone is in {@link MemoryPlanTest}. */
class PredictionTest {
    private static final long GIB = 1L << 30;
    private static final ModelSizes Q2 = ModelSizes.quantized(KnownModel.MIXTRAL_8X7B.config(), TileFormat.Q2, 2048);
    private static final int PARTS = 7;
    private static final double ROUNDING = 1e-12;

    /** No expert resident. */
    private static final MemoryPlan EMPTY = new MemoryPlan(Q2, 16 * GIB, 4096, 0, 4, false, HostMode.INCLUSIVE, 0);

    /** Rates alone: nothing comes on top, and the device reads for nothing. */
    private static CostModel rates(double link, double cpu) {
        return new CostModel(link, 1e30, cpu, 0, 0, 0, 0);
    }

    private record Case(MemoryPlan plan, CostModel costs, int parts) {
        Prediction predict(MissMode mode) {
            return Prediction.uniform(plan, costs, mode, parts);
        }
    }

    private static void forCases(Consumer<Case> law) {
        Random random = new Random(9);
        for (int i = 0; i < 300; i++) {
            int experts = 2 + random.nextInt(20);
            ModelSizes model = new ModelSizes(
                    1 + random.nextInt(40),
                    experts,
                    1 + random.nextInt(Math.min(8, experts)),
                    1_000_000_000,
                    900_000_000,
                    1_000_000 + random.nextInt(100_000_000),
                    1,
                    0);
            HostMode host = random.nextBoolean() ? HostMode.INCLUSIVE : HostMode.EXCLUSIVE;
            int slots = random.nextInt(model.allExperts());
            CostModel costs = CostModel.of(
                    1e9 + random.nextDouble(60e9), 1e11 + random.nextDouble(4e12), 1e9 + random.nextDouble(200e9));
            law.accept(new Case(
                    new MemoryPlan(model, 16 * GIB, 1, slots, 4, false, host, 0), costs, 1 + random.nextInt(PARTS)));
        }
    }

    @Test
    void twoRoadsAreNeverSlowerThanTheBetterOne() {
        forCases(some -> assertThat(some.predict(MissMode.AUTO).tokensPerSecond())
                .as("%s", some)
                .isGreaterThanOrEqualTo((1 - ROUNDING)
                        * Math.max(
                                some.predict(MissMode.FETCH).tokensPerSecond(),
                                some.predict(MissMode.CPU).tokensPerSecond())));
    }

    @Test
    void whatIsMissingIsCarriedOnceByTheRoadsThatAreOpen() {
        forCases(some -> {
            double missing = some.predict(MissMode.AUTO).missesPerToken()
                    * some.plan().model().expert();
            for (MissMode mode : MissMode.values()) {
                Prediction prediction = some.predict(mode);
                assertThat(prediction.bytesFetched() + prediction.bytesComputed())
                        .isCloseTo(missing, within(1e-9 * missing));
            }
            assertThat(some.predict(MissMode.FETCH).bytesComputed()).isZero();
            assertThat(some.predict(MissMode.CPU).bytesFetched()).isZero();
        });
    }

    @Test
    void nothingIsFasterThanAtMost() {
        forCases(some -> {
            for (MissMode mode : MissMode.values()) {
                Prediction prediction = some.predict(mode);
                assertThat(prediction.tokensPerSecond()).isLessThanOrEqualTo(prediction.atMost());
            }
        });
    }

    @Test
    void finerPartsAreNeverSlower() {
        forCases(some -> assertThat(new Case(some.plan(), some.costs(), 2 * some.parts())
                        .predict(MissMode.AUTO)
                        .tokensPerSecond())
                .isGreaterThanOrEqualTo(
                        (1 - ROUNDING) * some.predict(MissMode.AUTO).tokensPerSecond()));
    }

    /** The distribution of misses adds up, and its mean is what the hit ratio says. */
    @Test
    void oddsAreThoseOfDrawingWithoutReturning() {
        forCases(some -> {
            ModelSizes model = some.plan().model();
            int resident = some.plan().slots() / model.layers();
            double all = 0;
            double mean = 0;
            for (int missing = 0; missing <= model.expertsPerToken(); missing++) {
                all += MissOdds.of(model, resident, missing);
                mean += missing * MissOdds.of(model, resident, missing);
            }
            assertThat(all).isCloseTo(1, within(1e-9));
            assertThat(mean)
                    .isCloseTo(model.expertsPerToken() * (1 - (double) resident / model.experts()), within(1e-9));
        });
        // 4 of 8 resident, 2 chosen: 6, 16 and 6 of 28 pairs.
        assertThat(MissOdds.of(Q2, 4, 0)).isCloseTo(6 / 28.0, within(ROUNDING));
        assertThat(MissOdds.of(Q2, 4, 1)).isCloseTo(16 / 28.0, within(ROUNDING));
        assertThat(MissOdds.of(Q2, 4, 2)).isCloseTo(6 / 28.0, within(ROUNDING));
    }

    /** 64 experts of 66.4 MB: 14 parts a layer, of which 4 go over a link of 40 GB/s while the CPU reads 10 at 100 GB/s. */
    @Test
    void roadsOfTwoToFiveShareTwoMissesFourToTen() {
        Prediction prediction = Prediction.uniform(EMPTY, rates(40e9, 100e9), MissMode.AUTO, PARTS);
        double part = Q2.expert() / 7.0;
        assertThat(prediction.bytesFetched()).isCloseTo(32 * 4 * part, within(1.0));
        assertThat(prediction.bytesComputed()).isCloseTo(32 * 10 * part, within(1.0));
        assertThat(prediction.fetchSeconds()).isCloseTo(prediction.computeSeconds(), within(1e-9));
        assertThat(prediction.missSeconds()).isCloseTo(64 * Q2.expert() / 140e9, within(1e-9));
        assertThat(prediction.fixedSeconds()).isCloseTo(0, within(1e-9));
        // Whole experts: one each way takes as long as the link needs for one, but both on the CPU take less.
        Prediction whole = Prediction.uniform(EMPTY, rates(40e9, 100e9), MissMode.AUTO, 1);
        assertThat(whole.bytesFetched()).isZero();
        assertThat(whole.missSeconds() + whole.fixedSeconds()).isCloseTo(64 * Q2.expert() / 100e9, within(1e-9));
    }

    @Test
    void theProcessorAloneTakesItsJobAndWhatItReads() {
        CostModel costs = new CostModel(50e9, 3e12, 80e9, 0, 0, 1, 30e-6);
        Prediction prediction = Prediction.uniform(EMPTY, costs, MissMode.CPU, PARTS);
        assertThat(prediction.missSeconds()).isCloseTo(64 * Q2.expert() / 80e9, within(1e-9));
        assertThat(prediction.fixedSeconds()).isCloseTo(32 * 30e-6, within(1e-9));
    }

    @Test
    void noRateMayBeMissing() {
        assertThatThrownBy(() -> CostModel.of(1, 1, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cpu 0.0");
        assertThatThrownBy(() -> Prediction.uniform(EMPTY, rates(1, 1), MissMode.AUTO, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("parts of an expert: 0");
    }
}
