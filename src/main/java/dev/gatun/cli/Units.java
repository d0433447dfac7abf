package dev.gatun.cli;

import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Sizes and rates with units. */
final class Units {
    private static final Pattern NUMBER =
            Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([KMGT]i?B)", Pattern.CASE_INSENSITIVE);
    private static final Map<String, Long> FACTORS = Map.of(
            "kb",
            1_000L,
            "mb",
            1_000_000L,
            "gb",
            1_000_000_000L,
            "tb",
            1_000_000_000_000L,
            "kib",
            1L << 10,
            "mib",
            1L << 20,
            "gib",
            1L << 30,
            "tib",
            1L << 40);
    private static final double LARGEST = 1L << 60;

    private Units() {}

    /** Bytes: {@code 12GiB}, {@code 16.5 GB}. */
    static final class Size implements ITypeConverter<Long> {
        @Override
        public Long convert(String text) {
            return (long) bytes(text, text, "a size such as 12GiB or 16.5GB");
        }
    }

    /** Bytes a second: {@code 52GB/s}. */
    static final class Rate implements ITypeConverter<Double> {
        @Override
        public Double convert(String text) {
            boolean rate = text.toLowerCase(Locale.ROOT).endsWith("/s");
            return bytes(rate ? text.substring(0, text.length() - 2) : "", text, "a rate such as 52GB/s");
        }
    }

    private static double bytes(String number, String text, String wanted) {
        Matcher parts = NUMBER.matcher(number.strip());
        if (parts.matches()) {
            double bytes = Double.parseDouble(parts.group(1))
                    * FACTORS.get(parts.group(2).toLowerCase(Locale.ROOT));
            if (bytes >= 1 && bytes <= LARGEST) {
                return bytes;
            }
        }
        throw new TypeConversionException("'" + text + "' is not " + wanted);
    }

    /** Bytes as people read them. */
    static String gigabytes(long bytes) {
        return bytes < 1e9
                ? String.format(Locale.ROOT, bytes < 1e8 ? "%.1f MB" : "%.0f MB", bytes / 1e6)
                : String.format(Locale.ROOT, "%.2f GB", bytes / 1e9);
    }
}
