package dev.gatun.bench;

import java.util.Locale;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What of another machine is simulated on this one. Figures that were measured so are not this machine's, and every report
 * says so.
 *
 * @param link bytes a second, each way, of its link to the GPU; empty for this machine's own
 * @param threads how many threads its CPU has; empty for as many as this one's
 */
public record Simulation(OptionalDouble link, OptionalInt threads) {
    /** This machine as it is. */
    public static final Simulation NONE = new Simulation(OptionalDouble.empty(), OptionalInt.empty());

    /** Whether figures are this machine's own. */
    public boolean isNone() {
        return equals(NONE);
    }

    /** For people: {@code "a link of 12.0 GB/s, 4 CPU threads"}; empty where nothing is simulated. */
    String description() {
        Stream<String> linked =
                link.stream().mapToObj(rate -> String.format(Locale.ROOT, "a link of %.1f GB/s", rate / 1e9));
        Stream<String> threaded =
                threads.stream().mapToObj(count -> count == 1 ? "1 CPU thread" : count + " CPU threads");
        return Stream.concat(linked, threaded).collect(Collectors.joining(", "));
    }
}
