package dev.gatun.text;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the {@code decoder} section of a {@code tokenizer.json}: replacements, then perhaps byte fallback, then fusing,
 * then perhaps the cut of leading spaces.
 */
final class DecoderReader {
    private static final Pattern BYTE_PIECE = Pattern.compile("<0x([0-9A-Fa-f]{2})>");

    private final List<JsonSection> steps;
    private int at;

    private DecoderReader(List<JsonSection> steps) {
        this.steps = steps;
    }

    static TokenDecoder read(JsonSection section, TokenTable table) {
        if (section.isAbsent()) {
            throw section.unsupported("it has no decoder");
        }
        if (!section.type().equals("Sequence")) {
            throw section.unsupported("its decoder is `%s`".formatted(section.type()));
        }
        return new DecoderReader(section.member("decoders").elements()).decoder(section, table);
    }

    private TokenDecoder decoder(JsonSection section, TokenTable table) {
        List<NormalizerStep.Replace> replacements = new ArrayList<>();
        while (nextIs("Replace")) {
            JsonSection step = steps.get(at++);
            replacements.add(new NormalizerStep.Replace(
                    SplittingReader.pattern(step), step.member("content").string()));
        }
        boolean bytes = take("ByteFallback");
        if (!take("Fuse")) {
            throw section.unsupported("its decoder is not Replace, ByteFallback, Fuse and Strip in this order");
        }
        int leadingSpaces = nextIs("Strip") ? leadingSpaces(steps.get(at++)) : 0;
        if (at < steps.size()) {
            throw section.unsupported(
                    "its decoder has `%s` as step %d".formatted(steps.get(at).type(), at + 1));
        }
        return new TokenDecoder(
                table.pieces().stream()
                        .map(piece -> text(piece, replacements, bytes))
                        .toList(),
                special(table),
                leadingSpaces);
    }

    private boolean nextIs(String type) {
        return at < steps.size() && steps.get(at).type().equals(type);
    }

    private boolean take(String type) {
        boolean taken = nextIs(type);
        at += taken ? 1 : 0;
        return taken;
    }

    private static int leadingSpaces(JsonSection strip) {
        int start = strip.member("start").integer();
        if (!strip.member("content").string().equals(" ")
                || strip.member("stop").integer() != 0
                || start < 0) {
            throw strip.unsupported("`%s` strips something other than leading spaces".formatted(strip.where()));
        }
        return start;
    }

    private static TokenText text(String piece, List<NormalizerStep.Replace> replacements, boolean bytes) {
        String text = piece;
        for (NormalizerStep.Replace replacement : replacements) {
            text = replacement.apply(text);
        }
        Matcher matcher = BYTE_PIECE.matcher(text);
        return bytes && matcher.matches()
                ? new TokenText.SingleByte((byte) Integer.parseInt(matcher.group(1), 16))
                : new TokenText.Characters(text);
    }

    private static List<Boolean> special(TokenTable table) {
        Set<Integer> ids = new HashSet<>();
        for (TokenTable.Added token : table.added()) {
            if (token.special()) {
                ids.add(token.id());
            }
        }
        List<Boolean> special = new ArrayList<>();
        for (int id = 0; id < table.pieces().size(); id++) {
            special.add(ids.contains(id));
        }
        return special;
    }
}
