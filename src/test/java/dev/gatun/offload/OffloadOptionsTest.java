package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class OffloadOptionsTest {
    private static final long GIB = 1L << 30;
    private static final CacheShape SHAPE = new CacheShape(2, 4, 3, 2, CacheShape.Sharing.POOL);
    private static final RoutingTrace RECORDED = new RoutingTrace("tiny", 2, 4, 2, new int[] {3, 1, 0, 1, 3, 2, 1, 0});

    @Test
    void whatIsSetIsKeptAndTheRestStays() {
        OffloadOptions options = OffloadOptions.defaults()
                .withGpuMemory(12 * GIB)
                .withHostMemory(20 * GIB)
                .withPolicy(PolicyKind.LFU)
                .withSharing(CacheShape.Sharing.POOL)
                .withPrefetch(2)
                .withHostMode(HostMode.EXCLUSIVE)
                .withContext(1000);
        assertThat(options.gpuMemory()).hasValue(12 * GIB);
        assertThat(options.hostMemory()).hasValue(20 * GIB);
        assertThat(options.hostMode()).contains(HostMode.EXCLUSIVE);
        assertThat(options.context()).isEqualTo(1000);
        assertThat(options.misses()).isEqualTo(MissMode.AUTO);
        assertThat(options.newPolicy(SHAPE, 2)).isInstanceOf(LfuPolicy.class);
        assertThat(options.sharing()).isEqualTo(CacheShape.Sharing.POOL);
        assertThat(options.prefetch()).isEqualTo(2);
    }

    @Test
    void aPlacementKeepsWhatTheRecordingUsedMost() {
        CachePolicy policy = OffloadOptions.defaults().withPlacement(RECORDED).newPolicy(SHAPE, 2);
        // Used twice: expert 3 of the first layer, 0 and 1 of the second.
        assertThat(((FixedPlacement) policy).placed().stream()).containsExactly(3, 4, 5);
    }

    @Test
    void aPlacementOfAnotherModelIsRefused() {
        OffloadOptions options = OffloadOptions.defaults().withPlacement(RECORDED);
        CacheShape other = new CacheShape(3, 4, 3, 2, CacheShape.Sharing.POOL);
        assertThatThrownBy(() -> options.newPolicy(other, 2))
                .isInstanceOf(PlanException.class)
                .hasMessage("placement: it was recorded from `tiny`, 2 layers of 4 experts; this model has 3 of 4");
    }

    @Test
    void whatMakesNoSenseIsRefused() {
        OffloadOptions options = OffloadOptions.defaults();
        assertThatThrownBy(() -> options.withPrefetch(4)).hasMessageContaining("prefetch: 4");
        assertThatThrownBy(() -> options.withPrefetch(-1)).hasMessageContaining("prefetch: -1");
        assertThatThrownBy(() -> options.withPolicy(PolicyKind.BEST)).hasMessageContaining("best");
        assertThatThrownBy(() -> options.withPolicy(PolicyKind.FIXED)).hasMessageContaining("placement");
        assertThatThrownBy(() -> options.withHostMode(HostMode.NONE)).hasMessageContaining("host mode");
        assertThatThrownBy(() -> options.withGpuMemory(0)).hasMessageContaining("GPU memory");
        assertThatThrownBy(() -> options.withHostMemory(-1)).hasMessageContaining("host memory");
    }
}
