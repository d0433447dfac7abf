package dev.gatun.quant;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Brings matrices of Gatun's own scheme into the order in which the kernels read them, {@link TileFormat#Q2N}. */
final class NarrowTiler {
    private NarrowTiler() {}

    /** See {@link MatrixTiler#tile}. */
    static void tile(NarrowMatrix source, TileShape shape, MemorySegment target) {
        requireOwnShape(source, shape);
        HqqTiler.requireTarget(shape, target);
        if (shape.order() == ColumnOrder.NATURAL) {
            write(source, shape, target);
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            write(MovedColumns.inSixteens(source, arena), shape, target);
        }
    }

    /** Columns lie as those of the source do, and so do entries of the second level. */
    private static void write(NarrowMatrix source, TileShape shape, MemorySegment target) {
        TileCodes codes = new TileCodes(shape);
        for (int group = 0; group < shape.groupRows(); group++) {
            for (int tile = 0; tile < shape.tileColumns(); tile += codes.side()) {
                codes.tile(source.codes(), group, tile, target);
            }
            for (int tile = 0; tile < shape.tileColumns(); tile++) {
                long metas = shape.tileAt(group, tile) + shape.format().codeBytes();
                HqqTiler.copyMetas(source.metas(), shape, group, tile, target, metas);
            }
        }
        MemorySegment.copy(source.pairs(), 0, target, shape.secondOffset(), shape.secondBytes());
        target.asSlice(shape.secondOffset() + shape.secondBytes()).fill((byte) 0);
    }

    /** Where 128 does not divide the slices, only some slices of an expert lie in the order of w2, and they are no matrix. */
    private static boolean isOrderOf(NarrowMatrix source, ColumnOrder order) {
        return order == ColumnOrder.NATURAL || order == ColumnOrder.ofDown(TileFormat.Q2N, source.columns());
    }

    private static void requireOwnShape(NarrowMatrix source, TileShape shape) {
        if (shape.format() != TileFormat.Q2N
                || source.scheme().bits() != 2
                || source.scheme().groupSize() != shape.format().groupSize()
                || shape.rows() != source.rows()
                || shape.columns() != source.columns()
                || !isOrderOf(source, shape.order())) {
            throw new IllegalArgumentException(shape + " is not the shape of a matrix of " + source.rows() + " x "
                    + source.columns() + " in " + source.scheme());
        }
    }
}
