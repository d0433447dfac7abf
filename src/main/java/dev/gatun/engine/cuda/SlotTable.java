package dev.gatun.engine.cuda;

import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Where kernels find experts: [layers + 1][experts] pointers in device memory, the last row for an expert that is there in
 * part. A row is brought up to date before the layer's
 * experts are computed; what a pointer that nobody chose points to means nothing.
 */
final class SlotTable implements AutoCloseable {
    /** What stands for the slot of an expert that is computed elsewhere. */
    static final int ELSEWHERE = -2;

    private static final int NOWHERE = -1;

    /** The pointer that kernels take for {@link #ELSEWHERE}: see {@code active.cuh}. */
    private static final long COMPUTED_ELSEWHERE = 1;

    private final SlotMemory slots;
    private final int layers;
    private final int experts;
    private final DeviceMemory table;
    private final UploadRing ring;
    private final int[] slotOf;
    private final boolean[] stale;

    /**
     * Takes the host's side.
     *
     * @param table {@link #bytes} bytes
     */
    SlotTable(CudaStream stream, DeviceMemory table, SlotMemory slots, int layers, int experts) {
        this.slots = slots;
        this.layers = layers;
        this.experts = experts;
        this.table = table;
        this.slotOf = new int[layers * experts];
        this.stale = new boolean[layers];
        Arrays.fill(slotOf, NOWHERE);
        table.zero(stream);
        // Last, so that nothing can fail while it is held.
        this.ring = new UploadRing(stream.device(), stream, rowsAhead(experts), experts * Long.BYTES);
    }

    /**
     * Rows that may be on their way. In a layer of a prompt there is one for what was resident and one for each expert that is
     * uploaded; the host puts in all of them before it begins with its own share, so none may wait for the device.
     */
    private static int rowsAhead(int experts) {
        return Math.max(UploadRing.USUAL_PLACES, experts + 1);
    }

    /** Bytes of a table. */
    static long bytes(int layers, int experts) {
        return (layers + 1L) * experts * Long.BYTES;
    }

    private DeviceMemory row(int layer) {
        long bytes = (long) experts * Long.BYTES;
        return table.slice(layer * bytes, bytes);
    }

    /** Notes where an expert lies, or {@link #ELSEWHERE}. */
    void place(int layer, int expert, int slot) {
        int at = layer * experts + expert;
        stale[layer] |= slotOf[at] != slot;
        slotOf[at] = slot;
    }

    /** The layer's row, brought up to date by a copy in the stream if something was noted since. */
    DeviceMemory current(int layer) {
        if (stale[layer]) {
            upload(layer);
            stale[layer] = false;
        }
        return row(layer);
    }

    /** Forgets where experts lie: each is to be placed again before it is computed with. */
    void forget() {
        Arrays.fill(slotOf, NOWHERE);
    }

    private void upload(int layer) {
        ring.upload((long) experts * Long.BYTES, row(layer), row -> {
            for (int expert = 0; expert < experts; expert++) {
                int slot = slotOf[layer * experts + expert];
                long at = (long) expert * Long.BYTES;
                if (slot == NOWHERE) {
                    row.set(ValueLayout.JAVA_LONG, at, 0);
                } else if (slot == ELSEWHERE) {
                    row.set(ValueLayout.JAVA_LONG, at, COMPUTED_ELSEWHERE);
                } else {
                    slots.memory().storeAddress(slot * slots.blockBytes(), row, at);
                }
            }
        });
    }

    /** Puts a row into the stream that is no layer's: one expert in a slot, all others computed elsewhere. */
    DeviceMemory uploadAlone(int expert, int slot) {
        DeviceMemory target = row(layers);
        ring.upload((long) experts * Long.BYTES, target, row -> {
            for (int other = 0; other < experts; other++) {
                row.setAtIndex(ValueLayout.JAVA_LONG, other, COMPUTED_ELSEWHERE);
            }
            slots.memory().storeAddress(slot * slots.blockBytes(), row, (long) expert * Long.BYTES);
        });
        return target;
    }

    @Override
    public void close() {
        ring.close();
    }
}
