package dev.gatun.offload;

import java.util.function.LongSupplier;

/**
 * Watches the link while something that a layer needs is on it: until when, and how much. From the first upload that is
 * needed until all of them are seen to have ended the link is busy. How long each ran corrects the rates.
 */
final class LinkWatch {
    private final Uploads uploads;
    private final RoadRates rates;
    private final FetchTally tally;
    private final LongSupplier clock;
    private final TimedUploads timed = new TimedUploads();

    private long needed = CopyEngine.ENDED;
    private long begun;
    private long bytes;
    private int count;
    private long hostEnded;
    private boolean hostWaits;

    LinkWatch(Uploads uploads, RoadSplit split, FetchTally tally) {
        this.uploads = uploads;
        this.rates = split.rates();
        this.tally = tally;
        this.clock = split.clock();
    }

    /** A layer has chosen; ahead of what it needs, so much is in flight that nobody needs. */
    void choose(long inFlight) {
        hostWaits = false;
        if (!isBusy()) {
            begun = clock.getAsLong();
            bytes = inFlight;
            count = 0;
        }
    }

    /** Something is needed that was put in, the last bytes of it now. */
    void needs(long ticket, long putIn) {
        if (ticket != CopyEngine.ENDED) {
            if (!isBusy() && bytes == 0) {
                // Since the choice the host may have begun, which the link has nothing to do with.
                begun = clock.getAsLong();
            }
            needed = Math.max(needed, ticket);
            if (putIn > 0) {
                bytes += putIn;
                count++;
                timed.add(ticket, putIn);
            }
        }
    }

    /** Seconds until all that is needed should have arrived. */
    double ahead() {
        return Math.max(0, rates.linkSeconds(bytes, count) - (clock.getAsLong() - begun) * 1e-9);
    }

    /** The host has ended its part of the layer; is called without delay, since that is when one looks. */
    void hostEnded() {
        look();
        hostWaits = isBusy();
        hostEnded = clock.getAsLong();
    }

    /** Whether something needed had not arrived at the last look. */
    boolean isBusy() {
        return needed != CopyEngine.ENDED;
    }

    /** Looks whether all that is needed has arrived. */
    void look() {
        if (isBusy() && uploads.hasEnded(needed)) {
            needed = CopyEngine.ENDED;
            timed.learn(uploads, rates);
            if (hostWaits) {
                tally.waited(clock.getAsLong() - hostEnded);
                hostWaits = false;
            }
        }
    }

    void reset() {
        needed = CopyEngine.ENDED;
        hostWaits = false;
        timed.clear();
    }
}
