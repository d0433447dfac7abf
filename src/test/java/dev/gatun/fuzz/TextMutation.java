package dev.gatun.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Damage to JSON as text, which leaves everything else spelled as it was. */
public final class TextMutation implements Mutation {
    private static final Pattern NUMBER = Pattern.compile("(?<=[\\[,: ])-?\\d+(\\.\\d+)?");
    private static final Pattern OFFSETS = Pattern.compile("\"data_offsets\":\\[\\d+,\\d+]");
    private static final Pattern WORD = Pattern.compile("\"[^\"]*\"");

    @Override
    public byte[] apply(byte[] bytes, SplittableRandom random) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        String changed = switch (random.nextInt(4)) {
            case 0 -> swap(text, WORD, random);
            case 1 -> swap(text, OFFSETS, random);
            case 2 -> swap(text, NUMBER, random);
            default -> replaceNumber(text, random);
        };
        return changed.getBytes(StandardCharsets.UTF_8);
    }

    private static String replaceNumber(String text, SplittableRandom random) {
        List<MatchResult> numbers = NUMBER.matcher(text).results().toList();
        if (numbers.isEmpty()) {
            return text;
        }
        MatchResult number = numbers.get(random.nextInt(numbers.size()));
        return text.substring(0, number.start()) + new HostileValues(random).value() + text.substring(number.end());
    }

    private static String swap(String text, Pattern what, SplittableRandom random) {
        List<MatchResult> found = what.matcher(text).results().toList();
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
}
