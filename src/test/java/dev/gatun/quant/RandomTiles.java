package dev.gatun.quant;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.SplittableRandom;

/** Well-formed random tiles, with weights of a deviation of about 1 / sqrt(columns); the same seed gives the same. */
public final class RandomTiles {
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final SplittableRandom random;

    public RandomTiles(long seed) {
        this.random = new SplittableRandom(seed);
    }

    /** Two or four bits, as the format says; Q2N has no matrices to be made of and is filled in place. */
    public MemorySegment fill(TileShape shape) {
        MemorySegment tiles = Arena.ofAuto().allocate(shape.bytes(), 256);
        fill(shape, tiles);
        return tiles;
    }

    public void fill(TileShape shape, MemorySegment target) {
        if (shape.format() == TileFormat.Q2N) {
            fillNarrow(shape, target);
            return;
        }
        int groups = shape.groupRows() * shape.columns();
        int bits = shape.format() == TileFormat.Q4 ? 4 : 2;
        HqqScheme scheme = new HqqScheme(bits, shape.format().groupSize(), groups / shape.pairs());
        HqqMatrix matrix = new RandomMatrices(random.nextLong()).hqq(scheme, shape.rows(), shape.columns());
        HqqTiler.tile(matrix, shape, target);
    }

    private void fillNarrow(TileShape shape, MemorySegment target) {
        target.fill((byte) 0);
        for (int entry = 0; entry < shape.groupRows() * shape.entries(); entry++) {
            fillSecond(target, shape.secondOffset() + 8L * entry, 1 / Math.sqrt(shape.columns()));
        }
        for (int row = 0; row < shape.groupRows(); row++) {
            for (int first = 0; first < shape.columns(); first += 128) {
                long tile = (long) row * shape.tileColumns() + first / 128;
                int width = Math.min(128, shape.columns() - first);
                fillTile(target.asSlice(tile * shape.tileBytes(), shape.tileBytes()), width);
            }
        }
    }

    private void fillTile(MemorySegment tile, int width) {
        for (int at = 0; at < 512; at++) {
            // Bytes of a word hold columns 64 apart and those 1 apart: this byte's columns are first + 16 * {0..3}.
            int first = at / 16 % 4 * 4 + at % 16 / 8 * 2 + at % 4 / 2 + at % 2 * 64;
            int code = 0;
            for (int p = 0; p < 4; p++) {
                code |= first + 16 * p < width ? random.nextInt(4) << (2 * p) : 0;
            }
            tile.set(ValueLayout.JAVA_BYTE, at, (byte) code);
        }
        for (int column = 0; column < width; column++) {
            tile.set(ValueLayout.JAVA_BYTE, 512L + column, (byte) random.nextInt(256));
        }
    }

    /** Scale codes average 7.5 and begin at -2; zeros lie about the middle of the codes. */
    private void fillSecond(MemorySegment target, long at, double deviation) {
        double step = deviation / 1.3 / 9.5;
        half(target, at, step * (0.5 + random.nextDouble()));
        half(target, at + 2, -1 - 2 * random.nextDouble());
        half(target, at + 4, 0.15 + 0.1 * random.nextDouble());
        half(target, at + 6, -random.nextDouble());
    }

    private static void half(MemorySegment target, long at, double value) {
        target.set(HALF, at, Float.floatToFloat16((float) value));
    }
}
