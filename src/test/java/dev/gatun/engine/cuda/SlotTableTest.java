package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaEvent;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.RequiresGpu;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

@RequiresGpu
class SlotTableTest {
    private static final int EXPERTS = 40;
    private static final int BLOCK = 256;

    /** Else the host would begin with its share of a prompt's experts when the device has nearly done its own. */
    @Test
    void theRowsOfALayerWaitForNothingThatTheStreamDoes() {
        CudaDevice device = CudaDevice.open(0);
        try (CudaStream stream = CudaStream.open(device);
                CudaEvent held = CudaEvent.open(device);
                DeviceArena memory = new DeviceArena(device, 1);
                KernelLibrary kernels = new KernelLibrary(device)) {
            SlotMemory slots = new SlotMemory(memory.allocate((long) EXPERTS * BLOCK), BLOCK);
            DeviceMemory pointers = memory.allocate(SlotTable.bytes(1, EXPERTS));
            PacedLink fiveBytesASecond = new PacedLink(kernels, memory, stream, stream, 5);
            try (SlotTable table = new SlotTable(stream, pointers, slots, 1, EXPERTS)) {
                stream.synchronize();
                fiveBytesASecond.upload(1, () -> {});
                stream.record(held);
                for (int expert = 0; expert < EXPERTS; expert++) {
                    table.place(0, expert, EXPERTS - 1 - expert);
                    table.current(0);
                }
                assertThat(held.hasHappened()).isFalse();
                assertThat(row(pointers, stream)).containsExactly(expected(slots));
            }
        }
    }

    private static long[] row(DeviceMemory pointers, CudaStream stream) {
        MemorySegment row = Arena.ofAuto().allocate((long) EXPERTS * Long.BYTES, Long.BYTES);
        pointers.download(0, row, stream);
        return row.toArray(ValueLayout.JAVA_LONG);
    }

    private static long[] expected(SlotMemory slots) {
        MemorySegment row = Arena.ofAuto().allocate((long) EXPERTS * Long.BYTES, Long.BYTES);
        for (int expert = 0; expert < EXPERTS; expert++) {
            slots.memory().storeAddress((EXPERTS - 1L - expert) * BLOCK, row, (long) expert * Long.BYTES);
        }
        return row.toArray(ValueLayout.JAVA_LONG);
    }
}
