package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.gatun.quant.TileFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Against figures of Mixtral 8x7B that were worked out by hand. */
class MemoryPlanTest {
    private static final long GIB = 1L << 30;
    private static final OptionalLong ANY = OptionalLong.empty();
    private static final OptionalInt NO_LIMIT = OptionalInt.empty();
    private static final ModelSizes Q2 = ModelSizes.quantized(KnownModel.MIXTRAL_8X7B.config(), TileFormat.Q2, 2048);
    private static final ModelSizes Q2N = ModelSizes.quantized(KnownModel.MIXTRAL_8X7B.config(), TileFormat.Q2N, 2048);

    /** 4 of 8 experts of each layer resident. */
    private static final MemoryPlan HALF = new MemoryPlan(Q2, 16 * GIB, 4096, 128, 4, false, HostMode.INCLUSIVE, 0);

    private static MemoryPlan planned(
            ModelSizes model, long gpuMemory, Optional<HostMode> mode, OptionalInt mostSlots, int context) {
        return MemoryPlan.of(model, new MemoryBudget(gpuMemory, ANY, mode, mostSlots, context));
    }

    /** Where nothing is left to the host's processor it may be as slow as can be. */
    private static CostModel costs(double link, double hbm) {
        return CostModel.of(link, hbm, 1);
    }

    private static Prediction fetching(MemoryPlan plan, CostModel costs) {
        return Prediction.uniform(plan, costs, MissMode.FETCH, 7);
    }

    @Test
    void theSizesAreThoseOfThePublishedCheckpoint() {
        // 3 matrices of 256 + 14336/16 * 4096/128 * 768 + 4 * 28672 bytes, in whole pages.
        assertThat(Q2.expert()).isEqualTo(16213L * 4096);
        assertThat(Q2.expert()).isCloseTo(66_404_364L, within(8192L));
        assertThat(Q2N.expert()).isEqualTo(55_738_368L);
        assertThat(Q2.keyValues()).isEqualTo(2 * 32 * 8 * 128 * 2);
        assertThat(Q2.trunk()).isCloseTo(1_240_000_000L, within(3_000_000L));
        // 5.2 GB a token: the trunk without its embeddings, and 64 experts.
        assertThat(Q2.trunkRead() + 64 * Q2.expert()).isCloseTo(5_230_000_000L, within(10_000_000L));
        ModelSizes large = ModelSizes.quantized(KnownModel.MIXTRAL_8X22B.config(), TileFormat.Q2N, 2048);
        assertThat(large.expert() / (3.0 * 6144 * 16384) * 8).isCloseTo(2.53, within(0.01));
        assertThat(large.allExperts()).isEqualTo(448);
    }

    @Test
    void whatIsLeftGoesToSlots() {
        MemoryPlan plan = MemoryPlan.of(Q2, 12 * GIB, ANY, 4096);
        // 12 GiB - 0.419 CUDA - 0.978 trunk - 0.537 keys and values - 0.259 workspace = 10.691 GB: 161 experts, 4
        // staging.
        assertThat(plan.slots()).isEqualTo(156);
        assertThat(plan.stagingSlots()).isEqualTo(4);
        assertThat(plan.unused()).isBetween(0L, Q2.expert() - 1);
        assertThat(plan.hostMode()).isEqualTo(HostMode.INCLUSIVE);
        assertThat(plan.embeddingsInHost()).isTrue();
        assertThat(plan.hostMemory()).isEqualTo(256 * Q2.expert() + 32000 * 4096 * 2);
    }

    /** Whatever the budgets, the embeddings are where they leave most room, and no budget is exceeded. */
    @Test
    void embeddingsLieInTheHostWhereThatMakesRoomForExperts() {
        Random random = new Random(3);
        ModelSizes tied = Q2.withResident(Q2.trunkRead(), Q2.workspace());
        List<Optional<HostMode>> modes =
                List.of(Optional.empty(), Optional.of(HostMode.INCLUSIVE), Optional.of(HostMode.EXCLUSIVE));
        int moved = 0;
        for (int i = 0; i < 500; i++) {
            long gpu = 4 * GIB + random.nextLong(20 * GIB);
            OptionalLong host = OptionalLong.of(random.nextLong(18 * GIB));
            Optional<HostMode> mode = modes.get(random.nextInt(modes.size()));
            MemoryBudget budget = new MemoryBudget(gpu, host, mode, NO_LIMIT, 4096);
            Optional<MemoryPlan> plan = possible(Q2, budget);
            Optional<MemoryPlan> resident = possible(Q2.withResident(Q2.trunk(), Q2.workspace()), budget);
            if (plan.isEmpty()) {
                assertThat(resident).isEmpty();
                continue;
            }
            MemoryPlan some = plan.get();
            assertThat(some.unused()).isNotNegative();
            assertThat(some.hostMemory()).isLessThanOrEqualTo(host.getAsLong());
            resident.ifPresent(other -> assertThat(some.slots()).isGreaterThanOrEqualTo(other.slots()));
            if (some.embeddingsInHost()) {
                moved++;
                assertThat(resident.filter(other -> other.hostMode() == HostMode.NONE))
                        .isEmpty();
                // As of a model that has none.
                assertThat(some.slots())
                        .isEqualTo(possible(tied, budget).orElseThrow().slots());
            } else {
                assertThat(some.hostMode() == HostMode.NONE || some.hostMemory() + Q2.embeddings() > host.getAsLong())
                        .as("every expert is resident, or the host has no room: %s", some)
                        .isTrue();
            }
        }
        assertThat(moved).isBetween(100, 400);
    }

    private static Optional<MemoryPlan> possible(ModelSizes model, MemoryBudget budget) {
        try {
            return Optional.of(MemoryPlan.of(model, budget));
        } catch (PlanException impossible) {
            return Optional.empty();
        }
    }

    @Test
    void embeddingsThatAreTheHeadStayOnTheDevice() {
        MemoryPlan plan = MemoryPlan.of(Q2.withResident(Q2.trunk(), Q2.workspace()), 12 * GIB, ANY, 4096);
        assertThat(plan.embeddingsInHost()).isFalse();
        assertThat(plan.slots()).isEqualTo(153);
        assertThat(plan.hostMemory()).isEqualTo(256 * Q2.expert());
    }

    @Test
    void allExpertsAreResidentWhereTheyFitBesideEmbeddingsInTheHost() {
        long without = Q2.resident(4096) + MemoryPlan.RUNTIME - Q2.embeddings();
        MemoryPlan plan = MemoryPlan.of(Q2, without, ANY, 4096);
        assertThat(plan.hostMode()).isEqualTo(HostMode.NONE);
        assertThat(plan.embeddingsInHost()).isTrue();
        assertThat(plan.hostMemory()).isEqualTo(Q2.embeddings());
        assertThat(plan.unused()).isZero();
        assertThat(MemoryPlan.of(Q2, without + Q2.embeddings(), ANY, 4096).embeddingsInHost())
                .isFalse();
    }

    @Test
    void at253BitsAllExpertsFit16GiB() {
        MemoryPlan plan = MemoryPlan.of(Q2N, 16 * GIB, ANY, 4096);
        assertThat(plan.slots()).isEqualTo(256);
        assertThat(plan.stagingSlots()).isZero();
        assertThat(plan.hostMode()).isEqualTo(HostMode.NONE);
        assertThat(MemoryPlan.of(Q2, 16 * GIB, ANY, 4096).slots()).isLessThan(256);
    }

    @Test
    void halfResidentIs32MissesAnd2GigabytesAnd39Milliseconds() {
        Prediction prediction = fetching(HALF, costs(54.8e9, 3.07e12));
        assertThat(prediction.hitRatio()).isEqualTo(0.5);
        assertThat(prediction.missesPerToken()).isEqualTo(32);
        assertThat(prediction.bytesFetched()).isCloseTo(2.125e9, within(1e6));
        assertThat(prediction.fetchSeconds()).isCloseTo(0.0388, within(1e-4));
        assertThat(prediction.trunkSeconds()).isCloseTo(0.979e9 / 3.07e12, within(2e-6));
        // 4/8 * 3/7 of 32 layers hit twice: 13.7 experts of 66.4 MB.
        assertThat(prediction.hitSeconds()).isCloseTo(2.967e-4, within(1e-6));
        assertThat(prediction.atMost()).isCloseTo(25.4, within(0.1));
    }

    @Test
    void allResidentIs590TokensASecond() {
        Prediction prediction = fetching(MemoryPlan.of(Q2, 24 * GIB, ANY, 4096), costs(54.8e9, 3.07e12));
        assertThat(prediction.missesPerToken()).isZero();
        assertThat(prediction.atMost()).isCloseTo(587, within(2.0));
    }

    @Test
    void slotsThatDoNotDivideEvenlyAreAveraged() {
        MemoryPlan plan = new MemoryPlan(Q2, 16 * GIB, 4096, 144, 4, false, HostMode.INCLUSIVE, 0);
        // 16 layers with 5 slots: 20/56; 16 with 4: 12/56.
        double layers = 16 * 20 / 56.0 + 16 * 12 / 56.0;
        assertThat(fetching(plan, costs(1e9, 1e9)).hitSeconds())
                .isCloseTo(layers * 2 * Q2.expert() / 1e9, within(1e-9));
        assertThat(MissOdds.of(Q2, 1, 0)).isZero();
        assertThat(MissOdds.of(Q2, 8, 0)).isEqualTo(1);
    }

    @Test
    void lessHostMemoryMeansExclusiveAndSwapsBothWays() {
        MemoryPlan inclusive = MemoryPlan.of(Q2, 12 * GIB, OptionalLong.of(64 * GIB), 4096);
        MemoryPlan exclusive = MemoryPlan.of(Q2, 12 * GIB, OptionalLong.of(11 * GIB), 4096);
        assertThat(exclusive.hostMode()).isEqualTo(HostMode.EXCLUSIVE);
        assertThat(exclusive.hostMemory()).isEqualTo((256 - exclusive.slots() + 2) * Q2.expert() + Q2.embeddings());
        assertThat(exclusive.slots() + exclusive.spareSlots()).isEqualTo(inclusive.slots());
        double ratio = fetching(inclusive, costs(54.8e9, 3e12)).fetchSeconds()
                / fetching(exclusive, costs(54.8e9, 3e12)).fetchSeconds();
        assertThat(ratio).isCloseTo(40 / 54.8 * (256 - inclusive.slots()) / (256 - exclusive.slots()), within(1e-9));
    }

    @Test
    void aHostModeThatIsAskedForIsKept() {
        Optional<HostMode> exclusive = Optional.of(HostMode.EXCLUSIVE);
        assertThat(planned(Q2, 12 * GIB, exclusive, NO_LIMIT, 4096).hostMode()).isEqualTo(HostMode.EXCLUSIVE);
        assertThat(planned(Q2, 24 * GIB, exclusive, NO_LIMIT, 4096).hostMode()).isEqualTo(HostMode.NONE);
        Optional<HostMode> inclusive = Optional.of(HostMode.INCLUSIVE);
        assertThatThrownBy(() -> MemoryPlan.of(
                        Q2, new MemoryBudget(12 * GIB, OptionalLong.of(11 * GIB), inclusive, NO_LIMIT, 4096)))
                .isInstanceOf(PlanException.class)
                .hasMessageContaining("cannot hold the 256 experts; 15.9GiB would do");
    }

    /** In 2^20 bytes; what a chunk of 2048 tokens takes is worked out by hand from what each operation keeps. */
    @Test
    void theWorkspaceIsWhatExpertsTakeAndLittleMore() {
        // The residual stream; of 4096 choices the results, inputs in fp16, h in fp16 and its cells.
        double large = 32 + 64 + 16 + 112 + 0.44;
        double taken = Q2.workspace() / (double) (1 << 20);
        assertThat(taken).isBetween(large, large + 64);
        ModelSizes longer = ModelSizes.quantized(KnownModel.MIXTRAL_8X7B.config(), TileFormat.Q2, 4096);
        assertThat((longer.workspace() - Q2.workspace()) / (double) (1 << 20)).isCloseTo(large, within(64.0));
    }

    @Test
    void fixedTimesMakeThePredictionSlowerThanTheBoundAndNothingElse() {
        CostModel free = new CostModel(54.8e9, 3.07e12, 1, 0, 0, 0, 0);
        Prediction bound = fetching(MemoryPlan.of(Q2, 24 * GIB, ANY, 4096), free);
        assertThat(bound.tokensPerSecond()).isEqualTo(bound.atMost());
        Prediction expected = fetching(MemoryPlan.of(Q2, 24 * GIB, ANY, 4096), costs(54.8e9, 3.07e12));
        assertThat(expected.atMost()).isEqualTo(bound.atMost());
        // 32 layers of 37 µs and 20 µs.
        assertThat(1 / expected.tokensPerSecond() - 1 / bound.tokensPerSecond()).isCloseTo(32 * 57e-6, within(1e-9));
        // With misses: 25.1 layers wait 40 µs for the host, and then for two experts.
        assertThat(fetching(HALF, costs(54.8e9, 3.07e12)).fixedSeconds())
                .isCloseTo(32 * 57e-6 + 32 * 11 / 14.0 * (40e-6 + 2 * 66.4e6 / 3.07e12), within(1e-6));
    }

    /** One H200, synthetic Mixtral 8x7B, uniform routing, one sequence. */
    @Test
    void whatWasMeasuredIsPredictedWithinTenPercent() {
        CostModel h200 = costs(55.4e9, 4400e9);
        OptionalInt half = OptionalInt.of(128);
        // As many slots as 12 GiB had when that was measured.
        MemoryPlan inBudget = planned(Q2, 12 * GIB, Optional.empty(), OptionalInt.of(151), 64);
        MemoryPlan halfResident = planned(Q2, 24 * GIB, Optional.empty(), half, 64);
        MemoryPlan allResident = MemoryPlan.of(Q2N, 16 * GIB, ANY, 64);
        assertPredicted(inBudget, h200, 28.46);
        assertPredicted(MemoryPlan.of(Q2, 12 * GIB, ANY, 64), h200, 31.63);
        assertPredicted(halfResident, h200, 23.59);
        assertPredicted(allResident, h200, 348.9);
    }

    private static void assertPredicted(MemoryPlan plan, CostModel costs, double measured) {
        assertThat(fetching(plan, costs).tokensPerSecond()).isCloseTo(measured, withinPercentage(10));
    }

    @Test
    void whatIsImpossibleNamesWhatWouldFitAndThatFits() {
        Random random = new Random(1);
        Pattern memory = Pattern.compile("--gpu-memory ([\\d.]+)GiB");
        for (int i = 0; i < 200; i++) {
            long gpu = random.nextLong(3 * GIB);
            int context = 1 + random.nextInt(1 << 16);
            Optional<HostMode> mode = i % 2 == 0 ? Optional.empty() : Optional.of(HostMode.EXCLUSIVE);
            try {
                MemoryPlan plan = planned(Q2, gpu, mode, NO_LIMIT, context);
                assertThat(plan.slots() + plan.stagingSlots()).isGreaterThanOrEqualTo(2);
                assertThat(plan.unused()).isNotNegative();
            } catch (PlanException impossible) {
                Matcher more = memory.matcher(impossible.getMessage());
                assertThat(more.find()).isTrue();
                long enough = (long) (Double.parseDouble(more.group(1)) * GIB);
                assertThat(planned(Q2, enough, mode, NO_LIMIT, context).unused())
                        .isNotNegative();
                Matcher shorter = Pattern.compile("--context (\\d+)").matcher(impossible.getMessage());
                if (shorter.find()) {
                    int tokens = Integer.parseInt(shorter.group(1));
                    assertThat(planned(Q2, gpu, mode, NO_LIMIT, tokens).unused())
                            .isNotNegative();
                }
            }
        }
    }

    @Test
    void aBudgetBeyondAllBoundsKeepsToTheMostSlots() {
        MemoryPlan plan = planned(Q2, 1L << 60, Optional.of(HostMode.INCLUSIVE), OptionalInt.of(3), 4096);
        assertThat(plan.slots()).isEqualTo(3);
        assertThat(plan.hostMode()).isEqualTo(HostMode.INCLUSIVE);
    }

    @Test
    void aPlanSaysWhereExpertsLie() {
        assertThat(MemoryPlan.of(Q2, 12 * GIB, ANY, 4096).whereExpertsLie())
                .isEqualTo("156 of 256 experts on the GPU, all in host memory");
        assertThat(MemoryPlan.of(Q2, 12 * GIB, OptionalLong.of(11 * GIB), 4096).whereExpertsLie())
                .isEqualTo("154 of 256 experts on the GPU, the others in host memory: exclusive");
        assertThat(MemoryPlan.of(Q2, 24 * GIB, ANY, 4096).whereExpertsLie()).isEqualTo("256 of 256 experts on the GPU");
    }

    @Test
    void tooLittleHostMemoryNamesWhatWouldDo() {
        assertThatThrownBy(() -> MemoryPlan.of(Q2, 12 * GIB, OptionalLong.of(4 * GIB), 4096))
                .isInstanceOf(PlanException.class)
                .hasMessage("host memory: 4.0 GiB cannot hold the 105 experts that are not on the GPU; "
                        + "6.7GiB would do (--host-memory), or more --gpu-memory");
        long enough = (long) (6.7 * GIB);
        assertThat(MemoryPlan.of(Q2, 12 * GIB, OptionalLong.of(enough), 4096).hostMode())
                .isEqualTo(HostMode.EXCLUSIVE);
    }

    @Test
    void fewerExpertsThanTwoLayersWouldStage() {
        ModelSizes tiny = new ModelSizes(1, 3, 2, GIB, GIB, 1 << 20, 1 << 10, GIB);
        for (HostMode mode : List.of(HostMode.INCLUSIVE, HostMode.EXCLUSIVE)) {
            MemoryPlan plan = planned(tiny, 12 * GIB, Optional.of(mode), OptionalInt.of(0), 4096);
            CacheShape shape = plan.cacheShape(CacheShape.Sharing.PER_LAYER);
            assertThat(shape.slots()).isZero();
            assertThat(shape.staging()).isEqualTo(3);
            assertThat(new ExpertCache(shape, new LruPolicy(3), 2).shape()).isEqualTo(shape);
        }
    }
}
