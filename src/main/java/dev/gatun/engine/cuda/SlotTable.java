package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Where kernels find experts: [layers][experts] pointers in device memory. A row is brought up to date before the layer's
 * experts are computed; what a pointer that nobody chose points to means nothing.
 */
final class SlotTable implements AutoCloseable {
    private static final int NOWHERE = -1;

    private final SlotMemory slots;
    private final int experts;
    private final DeviceMemory table;
    private final UploadRing ring;
    private final int[] slotOf;

    /** @param table {@link #bytes} bytes */
    SlotTable(CudaStream stream, DeviceMemory table, SlotMemory slots, int layers, int experts) {
        this.slots = slots;
        this.experts = experts;
        this.table = table;
        this.slotOf = new int[layers * experts];
        Arrays.fill(slotOf, NOWHERE);
        table.zero(stream);
        // Last, so that nothing can fail while it is held.
        this.ring = new UploadRing(stream.device(), stream, experts * Long.BYTES);
    }

    /** Bytes of a table. */
    static long bytes(int layers, int experts) {
        return (long) layers * experts * Long.BYTES;
    }

    /** A layer's row. */
    DeviceMemory row(int layer) {
        long bytes = (long) experts * Long.BYTES;
        return table.slice(layer * bytes, bytes);
    }

    /** Notes where an expert lies; true if it lay elsewhere before, and {@link #upload} is to follow. */
    boolean place(int layer, int expert, int slot) {
        int at = layer * experts + expert;
        boolean moved = slotOf[at] != slot;
        slotOf[at] = slot;
        return moved;
    }

    /** Forgets where experts lie: each is to be placed again before it is computed with. */
    void forget() {
        Arrays.fill(slotOf, NOWHERE);
    }

    /** Puts the copy of a layer's row into the stream. */
    void upload(int layer) {
        ring.upload((long) experts * Long.BYTES, row(layer), row -> {
            for (int expert = 0; expert < experts; expert++) {
                int slot = slotOf[layer * experts + expert];
                long at = (long) expert * Long.BYTES;
                if (slot == NOWHERE) {
                    row.set(ValueLayout.JAVA_LONG, at, 0);
                } else {
                    slots.memory().storeAddress(slot * slots.blockBytes(), row, at);
                }
            }
        });
    }

    @Override
    public void close() {
        ring.close();
    }
}
