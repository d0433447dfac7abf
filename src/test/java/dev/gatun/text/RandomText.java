package dev.gatun.text;

import java.util.List;
import java.util.Random;

/** Texts that tokenizers stumble over: every plane, marks, controls, runs of spaces, the text of tokens. */
final class RandomText {
    private static final List<String> PIECES = List.of(
            " ",
            "  ",
            "       ",
            "\u2581",
            "\u2581\u2581",
            "\n",
            "\t",
            "\r\n",
            "\0",
            "\u00a0",
            "\u200d",
            "\ufeff",
            "\u0301",
            "\u0323\u0307",
            "<s>",
            "</s>",
            "<unk>",
            "<",
            "s>",
            "<s",
            "<0x41>",
            "<0x0A>",
            "[INST]",
            "the ",
            " house",
            "ing",
            "é",
            "e\u0301",
            "ﬁ",
            "ß",
            "İ",
            "你好",
            "日本",
            "한국",
            "Привет",
            "עברית",
            "हिन्दी",
            "👩‍👩‍👧",
            "🇩🇪",
            "🏽",
            "𝔘",
            "😀",
            "\uFFFD",
            "\uFFFF",
            "1234567890",
            "aaaaaaaa",
            "...",
            "\"Yes,");

    private final Random random;

    RandomText(long seed) {
        this.random = new Random(seed);
    }

    String next(int longest) {
        StringBuilder text = new StringBuilder();
        for (int pieces = random.nextInt(longest + 1); pieces > 0; pieces--) {
            switch (random.nextInt(4)) {
                case 0 -> text.append(PIECES.get(random.nextInt(PIECES.size())));
                case 1 -> text.append((char) (0x20 + random.nextInt(0x5F)));
                case 2 -> text.appendCodePoint(scalar(0x3000));
                default -> text.appendCodePoint(scalar(Character.MAX_CODE_POINT + 1));
            }
        }
        return text.toString();
    }

    private int scalar(int bound) {
        int codePoint = random.nextInt(bound);
        return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE ? 0x1F600 : codePoint;
    }
}
