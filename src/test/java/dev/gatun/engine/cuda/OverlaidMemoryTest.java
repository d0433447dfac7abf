package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.RequiresGpu;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@RequiresGpu
class OverlaidMemoryTest {
    private CudaStream stream;
    private DeviceArena arena;

    @BeforeEach
    void open() {
        CudaDevice device = CudaDevice.open(0);
        stream = CudaStream.open(device);
        arena = new DeviceArena(device, 1 << 20);
    }

    @AfterEach
    void close() {
        arena.close();
        stream.close();
    }

    @Test
    void branchesLieOverEachOtherAndBehindWhatWasThere() {
        OverlaidMemory all = OverlaidMemory.of(arena, 2048);
        DeviceMemory kept = all.allocate(100);
        DeviceMemory one = all.branch().allocate(1000);
        DeviceMemory other = all.branch().allocate(1792);
        kept.fill((byte) 1, stream);
        one.fill((byte) 2, stream);
        other.fill((byte) 3, stream);
        assertThat(bytes(kept)).containsOnly((byte) 1);
        assertThat(bytes(one)).containsOnly((byte) 3);
        assertThat(bytes(other)).containsOnly((byte) 3);
    }

    @Test
    void moreThanWasPlannedIsRefused() {
        OverlaidMemory all = OverlaidMemory.of(arena, 2048);
        all.allocate(100);
        OverlaidMemory branch = all.branch();
        assertThatThrownBy(() -> branch.allocate(1793)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    private byte[] bytes(DeviceMemory source) {
        try (Arena host = Arena.ofConfined()) {
            MemorySegment target = host.allocate(source.byteSize());
            source.download(0, target, stream);
            return target.toArray(ValueLayout.JAVA_BYTE);
        }
    }
}
