package dev.gatun.engine.cuda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How much memory this machine has, or the container that this runs in. */
final class HostMemory {
    private static final Path MACHINE = Path.of("/proc/meminfo");
    private static final Path CONTAINER = Path.of("/sys/fs/cgroup/memory.max");
    private static final Pattern TOTAL = Pattern.compile("MemTotal:\\s+(\\d{1,15}) kB");
    private static final Pattern BYTES = Pattern.compile("(\\d{1,18})\\s*");

    /** The rest is for the system and everything else. */
    private static final double USABLE = 0.875;

    private HostMemory() {}

    /**
     * What could be pinned: a part of all there is, whatever of it the system uses as a cache of files now; empty where the
     * system does not tell.
     */
    static OptionalLong usable() {
        return usable(MACHINE, CONTAINER);
    }

    static OptionalLong usable(Path machine, Path container) {
        OptionalLong total = number(machine, TOTAL, 1024);
        OptionalLong limit = number(container, BYTES, 1);
        if (total.isEmpty()) {
            return OptionalLong.empty();
        }
        long least = Math.min(total.getAsLong(), limit.orElse(Long.MAX_VALUE));
        return OptionalLong.of((long) (least * USABLE));
    }

    private static OptionalLong number(Path file, Pattern pattern, long unit) {
        try {
            Matcher found = pattern.matcher(Files.readString(file));
            return found.find() ? OptionalLong.of(Long.parseLong(found.group(1)) * unit) : OptionalLong.empty();
        } catch (IOException unreadable) {
            return OptionalLong.empty();
        }
    }
}
