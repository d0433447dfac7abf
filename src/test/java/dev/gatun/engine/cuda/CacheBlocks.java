package dev.gatun.engine.cuda;

import java.util.Arrays;

/** Rows of a cache of 16 bits in blocks of eight columns that share an exponent, bit for bit as {@code cache_block.cuh} has them. */
final class CacheBlocks {
    /** Columns of a block. */
    static final int COLUMNS = 8;

    private static final int LARGEST_BITS = Float.floatToRawIntBits(65504f);
    private static final int NO_NUMBER = 255;
    private static final int BIAS = 1 << 15;

    private CacheBlocks() {}

    /** The words of so many values, a multiple of {@link #COLUMNS}. */
    static short[] pack(float[] values) {
        short[] words = new short[values.length];
        for (int from = 0; from < values.length; from += COLUMNS) {
            packBlock(values, from, words);
        }
        return words;
    }

    private static void packBlock(float[] values, int from, short[] words) {
        int exponent = exponent(values, from);
        if (exponent == NO_NUMBER) {
            Arrays.fill(words, from, from + COLUMNS, (short) 1);
            return;
        }
        float units = Math.scalb(1f, 127 - exponent);
        for (int i = 0; exponent > 0 && i < COLUMNS; i++) {
            int lowest = exponent >> bit(i) & 1;
            words[from + i] = (short) (2 * (int) Math.rint((values[from + i] * units - lowest) * 0.5f) + lowest + BIAS);
        }
    }

    /** Of a block's unit; 0 where all are zeros. */
    private static int exponent(float[] values, int from) {
        int largest = 0;
        for (int i = 0; i < COLUMNS; i++) {
            largest = Math.max(largest, Float.floatToRawIntBits(values[from + i]) & Integer.MAX_VALUE);
        }
        return largest > LARGEST_BITS ? NO_NUMBER : Math.max(0, ((largest + 512) >> 23) - 14);
    }

    /** Which bit of the exponent a column has. */
    private static int bit(int column) {
        return column / 2 + column % 2 * 4;
    }

    /** The values of so many words. */
    static float[] unpack(short[] words) {
        float[] values = new float[words.length];
        for (int from = 0; from < words.length; from += COLUMNS) {
            int exponent = 0;
            for (int i = 0; i < COLUMNS; i++) {
                exponent |= (words[from + i] & 1) << bit(i);
            }
            for (int i = 0; i < COLUMNS; i++) {
                values[from + i] = value(words[from + i], exponent);
            }
        }
        return values;
    }

    private static float value(short word, int exponent) {
        if (exponent == NO_NUMBER) {
            return Float.NaN;
        }
        return exponent == 0 ? 0 : (float) Math.scalb((double) (Short.toUnsignedInt(word) - BIAS), exponent - 127);
    }
}
