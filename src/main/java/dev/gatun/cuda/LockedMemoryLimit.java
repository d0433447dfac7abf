package dev.gatun.cuda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What to tell a user whose system locks no more memory. */
final class LockedMemoryLimit {
    private static final Path LIMITS = Path.of("/proc/self/limits");
    private static final String LINE = "Max locked memory";

    private LockedMemoryLimit() {}

    static String advice() {
        return "the system locks no more memory (`ulimit -l` is " + limit(LIMITS)
                + "): raise that limit or the container's, or pin less; copies of memory that is not pinned go at"
                + " about an eighth of the speed (7 instead of 55 GB/s over PCIe 5 x16) and do not overlap with kernels";
    }

    /** The soft limit as the kernel prints it, bytes or {@code unlimited}. */
    static String limit(Path limits) {
        try {
            return Files.readAllLines(limits).stream()
                    .filter(line -> line.startsWith(LINE))
                    .map(line -> line.substring(LINE.length()).strip().split("\\s+", 2)[0])
                    .findFirst()
                    .orElse("unknown");
        } catch (IOException e) {
            return "unknown";
        }
    }
}
