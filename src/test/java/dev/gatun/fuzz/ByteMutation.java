package dev.gatun.fuzz;

import java.util.Arrays;
import java.util.SplittableRandom;

/** Damage that knows nothing of a file's format: bits, pieces and lengths. */
public final class ByteMutation implements Mutation {
    /** Where headers and magic numbers lie. */
    private static final int BEGINNING = 400;

    private static final int LONGEST_PIECE = 20;
    private static final int MOST_COPIES = 300;

    @Override
    public byte[] apply(byte[] bytes, SplittableRandom random) {
        return switch (random.nextInt(9)) {
            case 0 -> flipBit(bytes, bytes.length, random);
            case 1 -> flipBit(bytes, Math.min(bytes.length, BEGINNING), random);
            case 2 -> Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
            case 3 -> insertNoise(bytes, random);
            case 4 -> remove(bytes, random);
            case 5 -> splice(bytes, random);
            case 6 -> repeat(bytes, random);
            case 7 -> fill(bytes, random);
            default -> concat(bytes, bytes);
        };
    }

    private static byte[] flipBit(byte[] bytes, int within, SplittableRandom random) {
        byte[] changed = bytes.clone();
        if (within > 0) {
            changed[random.nextInt(within)] ^= (byte) (1 << random.nextInt(Byte.SIZE));
        }
        return changed;
    }

    private static byte[] insertNoise(byte[] bytes, SplittableRandom random) {
        byte[] noise = new byte[random.nextInt(1, LONGEST_PIECE)];
        random.nextBytes(noise);
        return insert(bytes, random.nextInt(bytes.length + 1), noise);
    }

    private static byte[] remove(byte[] bytes, SplittableRandom random) {
        int from = random.nextInt(bytes.length + 1);
        int to = Math.min(bytes.length, from + random.nextInt(1, LONGEST_PIECE));
        return concat(Arrays.copyOf(bytes, from), Arrays.copyOfRange(bytes, to, bytes.length));
    }

    /** Copies a piece over another place. */
    private static byte[] splice(byte[] bytes, SplittableRandom random) {
        byte[] piece = piece(bytes, random, bytes.length);
        byte[] changed = bytes.clone();
        int at = random.nextInt(bytes.length + 1);
        System.arraycopy(piece, 0, changed, at, Math.min(piece.length, bytes.length - at));
        return changed;
    }

    /** Puts a piece in many times over. */
    private static byte[] repeat(byte[] bytes, SplittableRandom random) {
        byte[] piece = piece(bytes, random, LONGEST_PIECE);
        int copies = random.nextInt(1, MOST_COPIES);
        byte[] all = new byte[copies * piece.length];
        for (int copy = 0; copy < copies; copy++) {
            System.arraycopy(piece, 0, all, copy * piece.length, piece.length);
        }
        return insert(bytes, random.nextInt(bytes.length + 1), all);
    }

    private static byte[] fill(byte[] bytes, SplittableRandom random) {
        byte[] changed = bytes.clone();
        int from = random.nextInt(bytes.length + 1);
        int to = Math.min(bytes.length, from + random.nextInt(1, LONGEST_PIECE));
        Arrays.fill(changed, from, to, random.nextBoolean() ? (byte) 0 : (byte) -1);
        return changed;
    }

    private static byte[] piece(byte[] bytes, SplittableRandom random, int longest) {
        int from = random.nextInt(bytes.length + 1);
        int length = random.nextInt(Math.max(1, Math.min(longest, bytes.length - from) + 1));
        return Arrays.copyOfRange(bytes, from, from + length);
    }

    private static byte[] insert(byte[] bytes, int at, byte[] more) {
        return concat(concat(Arrays.copyOf(bytes, at), more), Arrays.copyOfRange(bytes, at, bytes.length));
    }

    static byte[] concat(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }
}
