package dev.gatun.offload;

import java.util.Arrays;

/**
 * Uploads whose times are not known yet, in the order in which they end. Room grows when there are more than ever before, and
 * nothing is allocated otherwise.
 */
final class TimedUploads {
    private long[] tickets = new long[8];
    private long[] bytes = new long[8];
    private int count;

    void add(long ticket, long putIn) {
        if (count == tickets.length) {
            tickets = Arrays.copyOf(tickets, 2 * count);
            bytes = Arrays.copyOf(bytes, 2 * count);
        }
        tickets[count] = ticket;
        bytes[count++] = putIn;
    }

    /** All have ended: what they took corrects the rates, as far as it is known still. */
    void learn(Uploads uploads, RoadRates rates) {
        for (int i = 0; i < count; i++) {
            long nanos = uploads.nanos(tickets[i]);
            if (nanos > 0) {
                rates.uploaded(bytes[i], nanos);
            }
        }
        count = 0;
    }

    void clear() {
        count = 0;
    }
}
