package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.gatun.quant.TileFormat;
import java.util.OptionalLong;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Against figures of Mixtral 8x7B that were worked out by hand. */
class MemoryPlanTest {
    private static final long GIB = 1L << 30;
    private static final OptionalLong ANY = OptionalLong.empty();
    private static final ModelSizes Q2 = ModelSizes.quantized(KnownModel.MIXTRAL_8X7B.config(), TileFormat.Q2, 512);
    private static final ModelSizes Q2N = ModelSizes.quantized(KnownModel.MIXTRAL_8X7B.config(), TileFormat.Q2N, 512);

    /** 4 of 8 experts of each layer resident. */
    private static final MemoryPlan HALF = new MemoryPlan(Q2, 16 * GIB, 4096, 128, 4, HostMode.INCLUSIVE, 0);

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
        ModelSizes large = ModelSizes.quantized(KnownModel.MIXTRAL_8X22B.config(), TileFormat.Q2N, 512);
        assertThat(large.expert() / (3.0 * 6144 * 16384) * 8).isCloseTo(2.53, within(0.01));
        assertThat(large.allExperts()).isEqualTo(448);
    }

    @Test
    void whatIsLeftGoesToSlots() {
        MemoryPlan plan = MemoryPlan.of(Q2, 12 * GIB, ANY, 4096);
        // 12 GiB - 1.242 trunk - 0.537 keys and values - 0.570 workspace = 10.536 GB: 158 experts, 4 of them staging.
        assertThat(plan.slots()).isEqualTo(154);
        assertThat(plan.stagingSlots()).isEqualTo(4);
        assertThat(plan.unused()).isBetween(0L, Q2.expert() - 1);
        assertThat(plan.hostMode()).isEqualTo(HostMode.INCLUSIVE);
        assertThat(plan.hostMemory()).isEqualTo(256 * Q2.expert());
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
        Prediction prediction = Prediction.uniform(HALF, 54.8e9, 3.07e12);
        assertThat(prediction.hitRatio()).isEqualTo(0.5);
        assertThat(prediction.missesPerToken()).isEqualTo(32);
        assertThat(prediction.bytesFetched()).isCloseTo(2.125e9, within(1e6));
        assertThat(prediction.fetchSeconds()).isCloseTo(0.0388, within(1e-4));
        assertThat(prediction.trunkSeconds()).isCloseTo(0.979e9 / 3.07e12, within(2e-6));
        // 4/8 * 3/7 of 32 layers hit twice: 13.7 experts of 66.4 MB.
        assertThat(prediction.hitSeconds()).isCloseTo(2.967e-4, within(1e-6));
        assertThat(prediction.tokensPerSecond()).isCloseTo(25.4, within(0.1));
    }

    @Test
    void allResidentIs590TokensASecond() {
        Prediction prediction = Prediction.uniform(MemoryPlan.of(Q2, 24 * GIB, ANY, 4096), 54.8e9, 3.07e12);
        assertThat(prediction.missesPerToken()).isZero();
        assertThat(prediction.tokensPerSecond()).isCloseTo(587, within(2.0));
    }

    @Test
    void slotsThatDoNotDivideEvenlyAreAveraged() {
        MemoryPlan plan = new MemoryPlan(Q2, 16 * GIB, 4096, 144, 4, HostMode.INCLUSIVE, 0);
        // 16 layers with 5 slots: 20/56; 16 with 4: 12/56.
        double layers = 16 * 20 / 56.0 + 16 * 12 / 56.0;
        assertThat(Prediction.uniform(plan, 1e9, 1e9).hitSeconds())
                .isCloseTo(layers * 2 * Q2.expert() / 1e9, within(1e-9));
        assertThat(Prediction.onlyHits(Q2, 1)).isZero();
        assertThat(Prediction.onlyHits(Q2, 8)).isEqualTo(1);
    }

    @Test
    void lessHostMemoryMeansExclusiveAndSwapsBothWays() {
        MemoryPlan inclusive = MemoryPlan.of(Q2, 12 * GIB, OptionalLong.of(64 * GIB), 4096);
        MemoryPlan exclusive = MemoryPlan.of(Q2, 12 * GIB, OptionalLong.of(11 * GIB), 4096);
        assertThat(exclusive.hostMode()).isEqualTo(HostMode.EXCLUSIVE);
        assertThat(exclusive.hostMemory()).isEqualTo((256 - 154 + 2) * Q2.expert());
        double ratio = Prediction.uniform(inclusive, 54.8e9, 3e12).fetchSeconds()
                / Prediction.uniform(exclusive, 54.8e9, 3e12).fetchSeconds();
        assertThat(ratio).isCloseTo(40 / 54.8, within(1e-9));
    }

    @Test
    void whatIsImpossibleNamesWhatWouldFitAndThatFits() {
        Random random = new Random(1);
        Pattern memory = Pattern.compile("--gpu-memory ([\\d.]+)GiB");
        for (int i = 0; i < 200; i++) {
            long gpu = random.nextLong(3 * GIB);
            int context = 1 + random.nextInt(1 << 16);
            try {
                MemoryPlan plan = MemoryPlan.of(Q2, gpu, ANY, context);
                assertThat(plan.slots() + plan.stagingSlots()).isGreaterThanOrEqualTo(2);
                assertThat(plan.unused()).isNotNegative();
            } catch (PlanException impossible) {
                Matcher more = memory.matcher(impossible.getMessage());
                assertThat(more.find()).isTrue();
                long enough = (long) (Double.parseDouble(more.group(1)) * GIB);
                assertThat(MemoryPlan.of(Q2, enough, ANY, context).unused()).isNotNegative();
                Matcher shorter = Pattern.compile("--context (\\d+)").matcher(impossible.getMessage());
                if (shorter.find()) {
                    int tokens = Integer.parseInt(shorter.group(1));
                    assertThat(MemoryPlan.of(Q2, gpu, ANY, tokens).unused()).isNotNegative();
                }
            }
        }
    }

    @Test
    void tooLittleHostMemoryNamesWhatWouldDo() {
        assertThatThrownBy(() -> MemoryPlan.of(Q2, 12 * GIB, OptionalLong.of(4 * GIB), 4096))
                .isInstanceOf(PlanException.class)
                .hasMessage("host memory: 4.0 GiB cannot hold the 102 experts that are not on the GPU; "
                        + "6.5GiB would do (--host-memory), or more --gpu-memory");
        long enough = (long) (6.5 * GIB);
        assertThat(MemoryPlan.of(Q2, 12 * GIB, OptionalLong.of(enough), 4096).hostMode())
                .isEqualTo(HostMode.EXCLUSIVE);
    }
}
