package dev.gatun.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Random damage to the bytes of a file, from single bits to numbers of a header that are made to hurt. */
final class Mutations {
    private static final Pattern NUMBER = Pattern.compile("(?<=[\\[,: ])-?\\d+(\\.\\d+)?");
    private static final Pattern OFFSETS = Pattern.compile("\"data_offsets\":\\[\\d+,\\d+]");
    private static final Pattern WORD = Pattern.compile("\"[^\"]*\"");
    private static final List<String> VALUES = List.of(
            "-1",
            "0",
            "1",
            "2",
            "3",
            "65536",
            "2147483647",
            "2147483648",
            "4294967296",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "1e400",
            "1e-400",
            "0.5",
            "null",
            "true",
            "[]",
            "{}",
            "\"x\"",
            "[[1]]",
            "NaN",
            "1,1",
            "");

    private final SplittableRandom random;

    Mutations(SplittableRandom random) {
        this.random = random;
    }

    /** A damaged copy; it may happen to be equal. */
    byte[] mutate(byte[] bytes, boolean safetensors) {
        return switch (random.nextInt(safetensors ? 10 : 8)) {
            case 0 -> flipBit(bytes, bytes.length);
            case 1 -> Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
            case 2 -> insert(bytes);
            case 3 -> remove(bytes);
            case 4 -> flipBit(bytes, Math.min(bytes.length, 400));
            case 5 -> text(bytes, safetensors, this::replaceNumber);
            case 6 -> text(bytes, safetensors, this::swapWords);
            case 7 -> text(bytes, safetensors, this::replaceNumber);
            case 8 -> changeLength(bytes);
            default -> text(bytes, true, this::swapOffsets);
        };
    }

    private interface TextChange {
        String apply(String text);
    }

    private byte[] flipBit(byte[] bytes, int within) {
        byte[] changed = bytes.clone();
        if (within > 0) {
            changed[random.nextInt(within)] ^= (byte) (1 << random.nextInt(8));
        }
        return changed;
    }

    private byte[] insert(byte[] bytes) {
        int at = random.nextInt(bytes.length + 1);
        byte[] more = new byte[random.nextInt(1, 20)];
        random.nextBytes(more);
        return concat(Arrays.copyOf(bytes, at), concat(more, Arrays.copyOfRange(bytes, at, bytes.length)));
    }

    private byte[] remove(byte[] bytes) {
        int from = random.nextInt(bytes.length + 1);
        int to = Math.min(bytes.length, from + random.nextInt(1, 20));
        return concat(Arrays.copyOf(bytes, from), Arrays.copyOfRange(bytes, to, bytes.length));
    }

    private byte[] changeLength(byte[] bytes) {
        byte[] changed = bytes.clone();
        if (changed.length >= Long.BYTES) {
            ByteBuffer buffer = ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN);
            long value = random.nextBoolean() ? random.nextLong() >>> random.nextInt(64) : random.nextInt(bytes.length);
            buffer.putLong(0, value);
        }
        return changed;
    }

    /** Changes JSON; in a safetensors file the header's length follows, so that the change is looked at. */
    private byte[] text(byte[] bytes, boolean safetensors, TextChange change) {
        if (!safetensors) {
            return change.apply(new String(bytes, StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8);
        }
        long length = bytes.length < Long.BYTES
                ? -1
                : ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (length < 0 || length > bytes.length - Long.BYTES) {
            return bytes;
        }
        int end = Long.BYTES + (int) length;
        byte[] header = change.apply(new String(bytes, Long.BYTES, (int) length, StandardCharsets.UTF_8))
                .getBytes(StandardCharsets.UTF_8);
        byte[] first = ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .array();
        return concat(first, concat(header, Arrays.copyOfRange(bytes, end, bytes.length)));
    }

    private String replaceNumber(String text) {
        List<MatchResult> numbers = NUMBER.matcher(text).results().toList();
        if (numbers.isEmpty()) {
            return text;
        }
        MatchResult number = pick(numbers);
        String value = random.nextInt(3) == 0 ? String.valueOf(random.nextInt(-4, 300)) : pick(VALUES);
        return text.substring(0, number.start()) + value + text.substring(number.end());
    }

    private String swapWords(String text) {
        return swap(text, WORD.matcher(text));
    }

    private String swapOffsets(String text) {
        return swap(text, OFFSETS.matcher(text));
    }

    private String swap(String text, Matcher matcher) {
        List<MatchResult> found = matcher.results().toList();
        if (found.size() < 2) {
            return text;
        }
        int second = random.nextInt(1, found.size());
        MatchResult a = found.get(random.nextInt(second));
        MatchResult b = found.get(second);
        return text.substring(0, a.start())
                + b.group()
                + text.substring(a.end(), b.start())
                + a.group()
                + text.substring(b.end());
    }

    private <T> T pick(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    private static byte[] concat(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }
}
