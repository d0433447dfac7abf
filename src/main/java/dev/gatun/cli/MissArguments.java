package dev.gatun.cli;

import dev.gatun.ExpertMisses;
import dev.gatun.GatunException;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options for chosen experts that are not on the GPU. */
final class MissArguments {
    @Option(
            names = "--misses",
            paramLabel = "NAME",
            description = "What is done about chosen experts that are not on the GPU: fetch (copied there), cpu "
                    + "(computed where they lie), or auto (both at once, divided so that both end together). "
                    + "Default: auto.")
    private Optional<ExpertMisses> misses = Optional.empty();

    @Option(
            names = "--deterministic",
            description = "Give the same bits whatever was on the GPU before: --misses fetch. Otherwise logits differ "
                    + "in rounding from run to run.")
    private boolean deterministic;

    /**
     * What was asked for, or the default.
     *
     * @throws GatunException if two options contradict each other
     */
    ExpertMisses chosen() {
        ExpertMisses chosen = misses.orElse(deterministic ? ExpertMisses.FETCH : ExpertMisses.AUTO);
        if (deterministic && chosen != ExpertMisses.FETCH) {
            throw new GatunException("--deterministic: with --misses " + word(chosen)
                    + " sums are rounded as they are divided; leave one of the two out");
        }
        return chosen;
    }

    /** What was asked for in words, unless it is the default. */
    Optional<String> changed() {
        return Optional.of(chosen())
                .filter(chosen -> chosen != ExpertMisses.AUTO)
                .map(chosen -> "misses " + word(chosen));
    }

    private static String word(ExpertMisses misses) {
        return misses.name().toLowerCase(Locale.ROOT);
    }
}
