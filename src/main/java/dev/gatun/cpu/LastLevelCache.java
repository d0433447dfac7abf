package dev.gatun.cpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The size of the largest cache of the first processor, as Linux tells it. */
public final class LastLevelCache {
    private static final Path CACHES = Path.of("/sys/devices/system/cpu/cpu0/cache");
    // Where the kernel does not say, as in some containers: more than most processors have.
    private static final long UNKNOWN = 64L << 20;

    private LastLevelCache() {}

    /** Bytes; a guess where the system does not say. */
    public static long bytes() {
        long largest = 0;
        try (var caches = Files.newDirectoryStream(CACHES, "index*")) {
            for (Path cache : caches) {
                largest = Math.max(
                        largest, parse(Files.readString(cache.resolve("size")).strip()));
            }
        } catch (IOException unknown) {
            return UNKNOWN;
        }
        return largest == 0 ? UNKNOWN : largest;
    }

    /** {@code 32768K} or {@code 32M}. */
    private static long parse(String size) {
        long number = Long.parseLong(size.substring(0, size.length() - 1));
        return size.endsWith("M") ? number << 20 : number << 10;
    }
}
