package dev.gatun.bench;

import java.util.OptionalDouble;

/**
 * How well the two roads to missing experts were used, on average over the whole time of a test.
 *
 * @param bytesPerSecond copied to the device and read by the CPU, together
 * @param link bytes copied, as a share of what the link carries in that time; 0 where there is no link
 * @param host bytes of experts that the CPU read, as a share of what it can read in that time; 0 where that was not measured
 * @param cpuBusy the share of the time that the CPU computed
 */
record RoadUse(double bytesPerSecond, double link, double host, double cpuBusy) {
    static RoadUse of(BenchResult result, FetchCost cost, Ceilings ceilings) {
        double seconds = result.seconds();
        return new RoadUse(
                cost.bytes() / seconds,
                share(cost.bytesUp() / seconds, ceilings.link()),
                share(cost.roads().bytes() / seconds, ceilings.host()),
                cost.roads().computing() / seconds);
    }

    private static double share(double rate, OptionalDouble ceiling) {
        return ceiling.isPresent() ? rate / ceiling.getAsDouble() : 0;
    }
}
