package dev.gatun.engine.cuda;

import dev.gatun.engine.OffloadCounts;

/**
 * The clocks of a backend that was asked for times.
 *
 * @param pass of computing
 * @param link of copies
 */
record OffloadTimes(PassTimes pass, LinkTimes link) {
    /** What they have added up. */
    OffloadCounts.Times read() {
        return new OffloadCounts.Times(link.read(), pass.read());
    }
}
