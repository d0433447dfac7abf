package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.offload.MissMode;
import dev.gatun.offload.RoadRates;
import dev.gatun.offload.RoadSpeed;
import org.junit.jupiter.api.Test;

class MissDecisionTest {
    private static RoadRates rates(double link, double processor) {
        return new RoadRates(new RoadSpeed(link, 0), new RoadSpeed(processor, 0));
    }

    @Test
    void pinnedMemoryIsUsedAsWished() {
        for (MissMode mode : MissMode.values()) {
            MissDecision decision = MissDecision.of(mode, true, rates(1e9, 1e10));
            assertThat(decision.mode()).isEqualTo(mode);
            assertThat(decision.note()).isEmpty();
        }
    }

    @Test
    void withMemoryThatIsNotPinnedTheFasterRoadDoesAll() {
        MissDecision slowLink = MissDecision.of(MissMode.AUTO, false, rates(7e9, 50e9));
        assertThat(slowLink.mode()).isEqualTo(MissMode.CPU);
        assertThat(slowLink.note().orElseThrow()).startsWith("misses are computed by the CPU, not divided: not all");
        MissDecision slowHost = MissDecision.of(MissMode.AUTO, false, rates(7e9, 1e9));
        assertThat(slowHost.mode()).isEqualTo(MissMode.FETCH);
        assertThat(slowHost.note().orElseThrow()).startsWith("misses are fetched, not divided: not all");
    }

    @Test
    void whoAsksForOneRoadGetsIt() {
        for (MissMode mode : new MissMode[] {MissMode.FETCH, MissMode.CPU}) {
            for (double link : new double[] {1e9, 1e11}) {
                assertThat(MissDecision.of(mode, false, rates(link, 1e10)).mode())
                        .isEqualTo(mode);
            }
        }
    }
}
