package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cpu.CpuException;
import dev.gatun.cpu.FloatMatrix;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.KernelArguments;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class HostExpertsTest {
    private final Arena arena = Arena.ofAuto();
    private final MemorySegment ended = arena.allocate(ValueLayout.JAVA_LONG);

    /** Memory for one token, without a device. */
    private final class Handed implements HandOff {
        private final HostSide side = new HostSide(
                FloatMatrix.allocate(arena, 1, 4),
                arena.allocate(ValueLayout.JAVA_FLOAT),
                1,
                FloatMatrix.allocate(arena, 1, 4),
                new HostWord(ended));

        @Override
        public HostSide host() {
            return side;
        }

        @Override
        public void setRouter(KernelArguments router, int inputs, int weights) {
            throw new UnsupportedOperationException("there are no kernels");
        }

        @Override
        public void add(int token, DeviceFloats hidden, DeviceMemory error) {
            throw new UnsupportedOperationException("there are no kernels");
        }
    }

    @Test
    void aSecondFailureDoesNotHideTheFirst() {
        FakeRoad road = new FakeRoad(() -> ended.get(ValueLayout.JAVA_LONG, 0));
        HostExperts host = new HostExperts(new Handed(), road, null, null, true);
        host.begin(0, 0, new int[0], new int[0], 0, null);
        CpuException second = new CpuException("no memory");
        road.fail(second);
        IllegalStateException first = new IllegalStateException("first");
        host.abandon(first);
        assertThat(first).hasSuppressedException(second);
        assertThat(road.finished()).as("its threads were waited for").isOne();
        assertThat(host.isBegun()).isFalse();
        assertThat(ended.get(ValueLayout.JAVA_LONG, 0))
                .as("the device waits for nothing")
                .isOne();
    }
}
