package dev.gatun.bench;

import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.HqqTiler;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;

/** Fills the memory of a 2-bit matrix in the kernels' order: random codes, scales and zeros, and all else as it must be. */
final class RandomTiles {
    private static final int BITS = 2;
    private static final int WIDE_META_BITS = 8;
    private static final int NARROW_META_BITS = 4;
    private static final int PAIR_BYTES = 2 * Short.BYTES;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final TileShape shape;
    private final RandomScales scales;
    /** The bits of a tile at the matrix's right edge that columns have, if some columns are missing there. */
    private final Optional<MemorySegment> edge;

    /** For matrices of a shape, {@link TileFormat#Q2} or {@link TileFormat#Q2N}. */
    RandomTiles(TileShape shape) {
        int metaBits = shape.format() == TileFormat.Q2N ? NARROW_META_BITS : WIDE_META_BITS;
        this.shape = shape;
        this.scales = RandomScales.of(BITS, metaBits, shape.columns());
        this.edge = shape.columns() % TileShape.TILE_COLUMNS == 0 ? Optional.empty() : Optional.of(edge(shape));
    }

    /** Wide tiles of all ones are zero where no column is; a narrow tile is the first 640 bytes of a wide one. */
    private static MemorySegment edge(TileShape shape) {
        int columns = shape.columns();
        int rows = TileFormat.Q2.groupSize();
        TileShape row = new TileShape(TileFormat.Q2, rows, columns, 1);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment codes = ones(arena, (long) rows * columns * BITS / Byte.SIZE);
            MemorySegment metas = ones(arena, columns);
            MemorySegment pair = ones(arena, Short.BYTES);
            HqqScheme scheme = new HqqScheme(BITS, rows, columns);
            HqqMatrix matrix = new HqqMatrix(scheme, rows, columns, codes, metas, pair, pair, metas, 0, 0);
            MemorySegment tiles = arena.allocate(row.bytes(), Long.BYTES * 2L);
            HqqTiler.tile(matrix, row, tiles);
            byte[] last = tiles.asSlice(row.secondOffset() - row.tileBytes(), shape.tileBytes())
                    .toArray(ValueLayout.JAVA_BYTE);
            return MemorySegment.ofArray(last);
        }
    }

    private static MemorySegment ones(Arena arena, long bytes) {
        return arena.allocate(bytes).fill((byte) -1);
    }

    /**
     * Fills a matrix, padding included.
     *
     * @param target exactly {@code shape.bytes()} bytes
     */
    void fill(MemorySegment target, Noise noise) {
        long second = shape.secondOffset();
        noise.bytes(target.asSlice(shape.tilesOffset(), second - shape.tilesOffset()));
        edge.ifPresent(mask -> clearEdge(target, mask));
        if (shape.format() == TileFormat.Q2N) {
            fillNarrowSecond(target.asSlice(second, shape.secondBytes()), noise);
        } else {
            target.asSlice(0, shape.tilesOffset()).fill((byte) 0);
            target.set(FLOAT, 0, (float) scales.zeroScale());
            fillWideSecond(target.asSlice(second, shape.secondBytes()), noise);
        }
        target.asSlice(second + shape.secondBytes()).fill((byte) 0);
    }

    private void clearEdge(MemorySegment target, MemorySegment mask) {
        long rowBytes = (long) shape.tileColumns() * shape.tileBytes();
        for (int row = 1; row <= shape.groupRows(); row++) {
            long tile = shape.tilesOffset() + row * rowBytes - shape.tileBytes();
            for (long at = 0; at < shape.tileBytes(); at += Long.BYTES) {
                target.set(LONG, tile + at, target.get(LONG, tile + at) & mask.get(LONG, at));
            }
        }
    }

    private void fillWideSecond(MemorySegment second, Noise noise) {
        for (long at = 0; at < second.byteSize(); at += PAIR_BYTES) {
            fillScales(second, at, noise);
        }
    }

    private void fillNarrowSecond(MemorySegment second, Noise noise) {
        for (long at = 0; at < second.byteSize(); at += 2 * PAIR_BYTES) {
            fillScales(second, at, noise);
            Noise.set(second, at + PAIR_BYTES, Noise.half(scales.zeroScale()));
            Noise.set(second, at + PAIR_BYTES + Short.BYTES, (short) 0);
        }
    }

    private void fillScales(MemorySegment second, long at, Noise noise) {
        Noise.set(second, at, noise.halfNear(scales.scaleScale()));
        Noise.set(second, at + Short.BYTES, Noise.half(scales.scaleZero()));
    }
}
