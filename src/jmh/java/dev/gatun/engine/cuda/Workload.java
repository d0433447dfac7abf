package dev.gatun.engine.cuda;

import java.util.function.IntConsumer;

/**
 * An operation to time, as often as there are other weights for it.
 *
 * @param nodes how many times it is put into the stream, with other weights each time
 * @param bytes that it must read and write each time
 * @param operations of arithmetic that it needs each time, multiplications and additions counted one by one
 * @param enqueue puts it into the stream, given its number
 */
record Workload(int nodes, double bytes, double operations, IntConsumer enqueue) {
    /** Puts all of it into the stream. */
    void enqueueAll() {
        for (int node = 0; node < nodes; node++) {
            enqueue.accept(node);
        }
    }

    /** The least seconds that each takes on a device with these ceilings. */
    double leastSeconds(Ceilings ceilings) {
        return Math.max(bytes / ceilings.bytesPerSecond(), operations / ceilings.operationsPerSecond());
    }
}
