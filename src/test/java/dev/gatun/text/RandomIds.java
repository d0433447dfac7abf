package dev.gatun.text;

import java.util.Random;

/** Sequences of token ids, rich in byte tokens whose bytes are UTF-8 often, but not always. */
final class RandomIds {
    /** The id of {@code <0x00>} in both test vocabularies. */
    private static final int FIRST_BYTE = 3;

    private RandomIds() {}

    static int[] next(Random random, int vocabularySize) {
        TokenIds ids = new TokenIds();
        for (int parts = random.nextInt(20); parts > 0; parts--) {
            switch (random.nextInt(5)) {
                case 0 -> ids.add(random.nextInt(3));
                case 1 -> ids.add(FIRST_BYTE + random.nextInt(256));
                case 2 -> addCharacter(random, ids);
                default -> ids.add(random.nextInt(vocabularySize));
            }
        }
        return ids.toArray();
    }

    private static void addCharacter(Random random, TokenIds ids) {
        int codePoint = random.nextBoolean() ? 0x4E00 + random.nextInt(0x1000) : 0x1F300 + random.nextInt(0x300);
        for (byte value : Vocabulary.utf8(codePoint)) {
            ids.add(FIRST_BYTE + (value & 0xFF));
        }
    }
}
