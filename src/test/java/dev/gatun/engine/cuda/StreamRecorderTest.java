package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceBuffer;
import dev.gatun.cuda.RequiresGpu;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Launches of a real stream become one. */
@RequiresGpu
class StreamRecorderTest {
    private CudaStream stream;
    private DeviceBuffer from;
    private DeviceBuffer to;

    @BeforeEach
    void open() {
        CudaDevice device = CudaDevice.open(0);
        stream = CudaStream.open(device);
        from = DeviceBuffer.allocate(device, 2 * Integer.BYTES);
        to = DeviceBuffer.allocate(device, 2 * Integer.BYTES);
        try (Arena arena = Arena.ofConfined()) {
            from.upload(0, arena.allocateFrom(ValueLayout.JAVA_INT, 3, 4), stream);
        }
        to.zero(stream);
    }

    @AfterEach
    void close() {
        to.close();
        from.close();
        stream.close();
    }

    private int[] result() {
        try (Arena arena = Arena.ofConfined()) {
            var host = arena.allocate(to.byteSize());
            to.download(0, host, stream);
            return host.toArray(ValueLayout.JAVA_INT);
        }
    }

    private void copy(int index) {
        to.copyFrom((long) index * Integer.BYTES, from, (long) index * Integer.BYTES, Integer.BYTES, stream);
    }

    @Test
    void aRecordRunsWhenLaunchedAndCanBeReplaced() {
        try (LaunchRecorder.Recorded recorded =
                new StreamRecorder(stream).record(() -> copy(0)).orElseThrow()) {
            assertThat(result()).containsExactly(0, 0);
            recorded.launch();
            assertThat(result()).containsExactly(3, 0);
            assertThat(recorded.replace(() -> copy(1))).isTrue();
            assertThat(result()).containsExactly(3, 0);
            recorded.launch();
            assertThat(result()).containsExactly(3, 4);
        }
    }

    @Test
    void workOfAnotherFormDoesNotReplaceIt() {
        try (LaunchRecorder.Recorded recorded =
                new StreamRecorder(stream).record(() -> copy(0)).orElseThrow()) {
            assertThat(recorded.replace(() -> {
                        copy(0);
                        copy(1);
                    }))
                    .isFalse();
            recorded.launch();
            assertThat(result()).containsExactly(3, 0);
        }
    }

    @Test
    void whatTheWorkThrowsIsPassedOnAndTheStreamGoesOn() {
        assertThatIllegalStateException()
                .isThrownBy(() -> new StreamRecorder(stream).record(() -> {
                    copy(0);
                    throw new IllegalStateException("no");
                }))
                .withMessage("no");
        copy(1);
        assertThat(result()).containsExactly(0, 4);
    }
}
