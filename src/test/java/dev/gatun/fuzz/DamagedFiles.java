package dev.gatun.fuzz;

import java.nio.file.Path;
import java.util.List;

/**
 * Files that were damaged for one case.
 *
 * @param number the case's
 * @param format what they are
 * @param folder where they lie
 * @param files names of those that were damaged
 */
record DamagedFiles(long number, Format format, Path folder, List<String> files) {
    DamagedFiles {
        files = List.copyOf(files);
    }
}
