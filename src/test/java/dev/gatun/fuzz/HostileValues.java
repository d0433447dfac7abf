package dev.gatun.fuzz;

import java.util.List;
import java.util.SplittableRandom;

/** JSON texts that are made to hurt: numbers at the ends of types, other types, depth, length, odd characters. */
final class HostileValues {
    private static final List<String> VALUES = List.of(
            "-1",
            "0",
            "1",
            "2",
            "3",
            "65536",
            "1048576",
            "16777216",
            "268435456",
            "2147483647",
            "2147483648",
            "-2147483648",
            "4294967296",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "1e400",
            "-1e400",
            "1e-400",
            "1e38",
            "1e999999999",
            "0.5",
            "1.0",
            "-0.0",
            "NaN",
            "Infinity",
            "null",
            "true",
            "false",
            "[]",
            "{}",
            "[[1]]",
            "[null]",
            "{\"a\":{}}",
            "\"\"",
            "\"x\"",
            "\"1\"",
            "\"..\"",
            "\"../x\"",
            "\"/\"",
            "\"a\\u0000b\"",
            "\"\\ud800\"",
            "\"\\udc00\\ud800\"",
            "\"\\n\\r\\u2028\\u202e\"",
            "\"\ud83d\ude00\"",
            "\"\u2581\"",
            "\"`\"",
            "\"%s%n\"",
            "1,1",
            "",
            "01",
            "'x'",
            "/**/1");

    private static final int[] LENGTHS = {20, 999, 1001, 5_000, 100_000};
    private static final int[] DEPTHS = {2, 50, 499, 501, 1001, 50_000};

    private final SplittableRandom random;

    HostileValues(SplittableRandom random) {
        this.random = random;
    }

    /** Any value. */
    String value() {
        return switch (random.nextInt(10)) {
            case 0 -> String.valueOf(random.nextInt(-4, 300));
            case 1 -> random.nextBoolean() ? "9".repeat(length()) : "0." + "1".repeat(length());
            case 2 -> "\"" + "x\\n\u00e9".repeat(length() / 2) + "\"";
            case 3 -> nested();
            case 4 -> "[" + "0,".repeat(length()) + "0]";
            default -> VALUES.get(random.nextInt(VALUES.size()));
        };
    }

    private int length() {
        return LENGTHS[random.nextInt(LENGTHS.length)];
    }

    private String nested() {
        int depth = DEPTHS[random.nextInt(DEPTHS.length)];
        return switch (random.nextInt(3)) {
            case 0 -> "[".repeat(depth) + "]".repeat(depth);
            case 1 -> "{\"a\":".repeat(depth) + "1" + "}".repeat(depth);
            default -> "[".repeat(depth);
        };
    }
}
