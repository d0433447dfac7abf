package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.RequiresGpu;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("model") // tools that check memory make copies slow
@RequiresGpu
class RoadBandwidthTest {
    @Test
    void bothRoadsAreMeasured() {
        RoadBandwidth bandwidth = RoadBandwidth.measure(CudaDevice.open(0), 2);
        // Any link since 2003, and none there is yet.
        assertThat(bandwidth.link()).isBetween(0.25, 1000.0);
        assertThat(bandwidth.read()).isBetween(0.25, 5000.0);
    }
}
