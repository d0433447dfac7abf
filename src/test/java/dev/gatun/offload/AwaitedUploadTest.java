package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.offload.CacheShape.Sharing;
import dev.gatun.offload.FetchSetting.Rig;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What the device's computing waits for: the device does nothing unless it is told to. */
class AwaitedUploadTest {
    private static final CacheShape SHAPE = new CacheShape(2, 8, 4, 2, Sharing.PER_LAYER);
    private static final RoadSpeed SLOW = new RoadSpeed(1e9, 0);
    private static final RoadSpeed TWICE = new RoadSpeed(2e9, 0);

    private static Rig rig(MissMode mode) {
        FetchSetting setting = new FetchSetting(
                SHAPE, PolicyKind.LRU, HostMode.INCLUSIVE, 2, 2, new PrefetchSettings(1, 16), 1, false, 12, mode, 3);
        Rig rig = setting.rig(new Random(1), new RoadSplit(mode, 3, new RoadRates(TWICE, SLOW), 0, () -> 0));
        rig.device().freeze();
        return rig;
    }

    private static boolean isAllThere(Rig rig, int... experts) {
        return rig.fetcher()
                .fetch(0, experts, experts.length, new int[experts.length], new int[experts.length], () -> {});
    }

    @Test
    void aWholeExpertOnItsWayIsAwaitedUntilItIsThere() {
        Rig rig = rig(MissMode.FETCH);
        assertThat(isAllThere(rig, 5)).isFalse();
        assertThat(rig.fetcher().awaitsUpload()).isTrue();
        rig.fetcher().computed();
        rig.device().finish();
        assertThat(isAllThere(rig, 5)).isTrue();
        assertThat(rig.fetcher().awaitsUpload()).isFalse();
        rig.fetcher().computed();
        rig.device().finish();
    }

    @Test
    void whatTheHostComputesIsNotAwaited() {
        Rig rig = rig(MissMode.CPU);
        assertThat(isAllThere(rig, 5, 6)).isFalse();
        assertThat(rig.fetcher().awaitsUpload()).isFalse();
        rig.fetcher().computed();
        rig.device().finish();
    }

    @Test
    void aSoleExpertThatIsCutIsAwaitedWhereItsPartsAre() {
        Rig rig = rig(MissMode.AUTO);
        int[] parts = new int[1];
        assertThat(rig.fetcher().fetch(0, new int[] {5}, 1, new int[1], parts, () -> {}))
                .isFalse();
        assertThat(parts).containsExactly(2);
        assertThat(rig.fetcher().awaitsUpload()).isFalse();
        rig.fetcher().computeAfterParts();
        rig.fetcher().computed();
        rig.device().finish();
    }
}
