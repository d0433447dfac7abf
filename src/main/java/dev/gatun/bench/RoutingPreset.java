package dev.gatun.bench;

import dev.gatun.GatunException;

/** How the router of a synthetic model chooses. */
public sealed interface RoutingPreset {
    /** Every expert as likely as any other, whatever was chosen before. */
    record Uniform() implements RoutingPreset {}

    /** Repeats itself as published for real text: a cache of 4 of 8 experts that the least recent one leaves hits about 0.6. */
    record RealText() implements RoutingPreset {}

    /**
     * Chooses resident experts as often as is asked for.
     *
     * @param ratio the share of the chosen experts that are resident, 0 to 1
     */
    record HitRatio(double ratio) implements RoutingPreset {
        public HitRatio {
            if (!(ratio >= 0 && ratio <= 1)) {
                throw new GatunException("routing: a hit ratio of " + ratio + " is not between 0 and 1");
            }
        }
    }

    /**
     * Reads {@code uniform}, {@code real-text} or a hit ratio.
     *
     * @throws GatunException if it is none of them
     */
    static RoutingPreset parse(String text) {
        return switch (text) {
            case "uniform" -> new Uniform();
            case "real-text" -> new RealText();
            default -> new HitRatio(number(text));
        };
    }

    private static double number(String text) {
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException neither) {
            throw new GatunException(
                    "routing: `" + text + "` is neither uniform nor real-text nor a hit ratio such as 0.7", neither);
        }
    }
}
