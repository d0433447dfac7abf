package dev.gatun.quant;

import java.lang.foreign.MemorySegment;

/** Brings matrices of Gatun's own scheme into the order in which the kernels read them, {@link TileFormat#Q2N}. */
final class NarrowTiler {
    private NarrowTiler() {}

    /** See {@link MatrixTiler#tile}. */
    static void tile(NarrowMatrix source, TileShape shape, MemorySegment target) {
        requireOwnShape(source, shape);
        HqqTiler.requireTarget(shape, target);
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
        // An entry of the second level is one of a tile, in the same order.
        MemorySegment.copy(source.pairs(), 0, target, shape.secondOffset(), shape.secondBytes());
        target.asSlice(shape.secondOffset() + shape.secondBytes()).fill((byte) 0);
    }

    private static void requireOwnShape(NarrowMatrix source, TileShape shape) {
        if (shape.format() != TileFormat.Q2N
                || source.scheme().bits() != 2
                || source.scheme().groupSize() != shape.format().groupSize()
                || shape.rows() != source.rows()
                || shape.columns() != source.columns()) {
            throw new IllegalArgumentException(shape + " is not the shape of a matrix of " + source.rows() + " x "
                    + source.columns() + " in " + source.scheme());
        }
    }
}
