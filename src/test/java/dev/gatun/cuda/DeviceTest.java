package dev.gatun.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.gatun.bindings.cuda.CudaRuntime;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DeviceTest extends OnGpu {
    @Test
    void aDeviceTellsWhatItIs() {
        DeviceProperties properties = device.properties();

        System.out.println(properties + ", free: " + device.freeMemory() + ", " + device.streamPriorities());
        assertThat(properties.name()).isNotBlank();
        assertThat(properties.pciAddress()).matches("[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-9a-f]");
        assertThat(properties.capability()).isGreaterThanOrEqualTo(ComputeCapability.OLDEST_SUPPORTED);
        assertThat(properties.multiprocessors()).isPositive();
        assertThat(properties.l2Cache()).isPositive();
        assertThat(properties.sharedMemoryPerBlock()).isGreaterThan(48 << 10);
        assertThat(device.freeMemory()).isPositive().isLessThanOrEqualTo(properties.totalMemory());
    }

    @Test
    void devicesAreNumberedFromZero() {
        assertThat(CudaDevice.list().stream().map(CudaDevice::ordinal))
                .containsExactlyElementsOf(
                        IntStream.range(0, CudaDevice.list().size()).boxed().toList());
        assertThat(CudaDevice.list().getFirst()).isEqualTo(device).hasSameHashCodeAs(device);
        assertThatIllegalArgumentException().isThrownBy(() -> CudaDevice.open(-1));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CudaDevice.open(CudaDevice.list().size()))
                .withMessageContaining("GPUs are numbered from 0 to ");
    }

    @Test
    void itKeepsAsMuchLocalMemoryAsIsAskedFor() {
        try {
            device.keepLocalMemory(0);
            assertThat(localMemoryKept()).isLessThan(512);
            device.keepLocalMemory(768);
            assertThat(localMemoryKept()).isBetween(768L, 1024L);
            assertThatIllegalArgumentException().isThrownBy(() -> device.keepLocalMemory(-1));
        } finally {
            device.keepLocalMemory(1 << 10);
        }
    }

    private static long localMemoryKept() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(ValueLayout.JAVA_LONG);
            CudaException.check(
                    CudaRuntime.cudaDeviceGetLimit(bytes, CudaRuntime.cudaLimitStackSize()), "reading a limit");
            return bytes.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    @Test
    void moreMemoryThanThereIsNamesWhatIsFree() {
        long bytes = device.properties().totalMemory() * 4;

        assertThatExceptionOfType(CudaException.class)
                .isThrownBy(() -> DeviceBuffer.allocate(device, bytes))
                .withMessageStartingWith("allocating " + bytes + " bytes on GPU 0")
                .withMessageContaining("bytes are free there")
                .matches(e -> !e.isContextLost());
        DeviceBuffer.allocate(device, 16).close();
    }
}
