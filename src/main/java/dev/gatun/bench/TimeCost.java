package dev.gatun.bench;

import dev.gatun.OffloadStatistics;
import dev.gatun.OffloadStatistics.PartTimes;
import dev.gatun.engine.OffloadCounts;
import java.time.Duration;

/**
 * Where the time of a measurement went, in seconds.
 *
 * @param link copies ran
 * @param attention attention with its projections, embedding and head
 * @param router choosing experts
 * @param experts computing them
 * @param waiting the device waited for a copy
 * @param cpu the device waited for the CPU's part of the experts
 * @param host the device waited for the host to order something
 */
public record TimeCost(
        double link, double attention, double router, double experts, double waiting, double cpu, double host) {
    /** The device computed. */
    public double computing() {
        return attention + router + experts;
    }

    static TimeCost of(OffloadStatistics.Times times) {
        PartTimes parts = times.parts();
        return new TimeCost(
                seconds(times.linkBusy()),
                seconds(parts.attention()),
                seconds(parts.router()),
                seconds(parts.experts()),
                seconds(parts.waiting()),
                seconds(parts.cpu()),
                seconds(parts.host()));
    }

    private static double seconds(Duration time) {
        return time.toNanos() / 1e9;
    }

    static TimeCost of(OffloadCounts.Times times) {
        OffloadCounts.Parts parts = times.parts();
        return new TimeCost(
                times.link() / 1e9,
                parts.attention() / 1e9,
                parts.router() / 1e9,
                parts.experts() / 1e9,
                parts.waiting() / 1e9,
                parts.cpu() / 1e9,
                parts.host() / 1e9);
    }

    TimeCost plus(TimeCost more) {
        return new TimeCost(
                link + more.link,
                attention + more.attention,
                router + more.router,
                experts + more.experts,
                waiting + more.waiting,
                cpu + more.cpu,
                host + more.host);
    }
}
