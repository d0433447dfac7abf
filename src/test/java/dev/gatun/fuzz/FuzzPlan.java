package dev.gatun.fuzz;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * What to run.
 *
 * @param seed all cases follow from it
 * @param first the first case
 * @param end the one after the last
 * @param workers processes at once
 * @param limit how long a case may take
 * @param formats names of the formats that cases take turns with
 * @param folder for files that are damaged and for what is found
 */
record FuzzPlan(long seed, long first, long end, int workers, Duration limit, List<String> formats, Path folder) {
    FuzzPlan {
        formats = List.copyOf(formats);
    }

    long cases() {
        return end - first;
    }

    /** The format whose turn a case is. */
    String format(long number) {
        return formats.get((int) (number % formats.size()));
    }

    /** A case to see again keeps its damaged files. */
    boolean isOneCase() {
        return cases() == 1;
    }

    /** Where a worker's files lie. */
    Path files(int worker) {
        return folder.resolve(isOneCase() ? "seed-" + seed + "-case-" + first : "worker-" + worker);
    }

    /** What shows one of its cases alone. */
    String again(long number) {
        List<String> all = Formats.all().stream().map(Format::name).toList();
        String some = formats.equals(all) ? "" : " --formats " + String.join(",", formats);
        return "make fuzz ARGS=\"--seed " + seed + " --case " + number + some + "\"";
    }
}
