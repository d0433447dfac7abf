package dev.gatun.quant;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * One expert as the CUDA kernels read it and as it is copied to the device: three matrices behind each other, in the order
 * w1 (gate), w3 (up), w2 (down).
 *
 * @param gate w1, [ffn, hidden]
 * @param up w3, of the same shape
 * @param down w2, [hidden, ffn], in the order of {@link TileShape#asDown}
 */
public record ExpertBlock(TileShape gate, TileShape up, TileShape down) {
    /** What the bytes of a block are a multiple of. */
    public static final int ALIGNMENT = 4096;

    public ExpertBlock {
        if (!fit(gate, up, down)) {
            throw new IllegalArgumentException("no expert: w1 " + gate + ", w3 " + up + ", w2 " + down);
        }
    }

    /** The kernels know one shape for w1 and w3, and its transpose. */
    private static boolean fit(TileShape gate, TileShape up, TileShape down) {
        return gate.equals(up)
                && down.format() == gate.format()
                && down.rows() == gate.columns()
                && down.columns() == gate.rows()
                && down.equals(down.asDown());
    }

    /** The block of an expert, or empty if the kernels cannot read it. */
    public static Optional<ExpertBlock> of(QuantizedMatrix gate, QuantizedMatrix up, QuantizedMatrix down) {
        return TileShape.of(gate)
                .flatMap(g -> TileShape.of(up)
                        .flatMap(u -> TileShape.of(down)
                                .map(TileShape::asDown)
                                .filter(d -> fit(g, u, d))
                                .map(d -> new ExpertBlock(g, u, d))));
    }

    /** Where w1 begins. */
    public long gateOffset() {
        return 0;
    }

    /** Where w3 begins. */
    public long upOffset() {
        return gate.bytes();
    }

    /** Where w2 begins. */
    public long downOffset() {
        return gate.bytes() + up.bytes();
    }

    /** Bytes of the block. */
    public long bytes() {
        return TileShape.padded(downOffset() + down.bytes(), ALIGNMENT);
    }

    /** Writes an expert's block by {@link JavaTiler}. */
    public void tile(QuantizedMatrix w1, QuantizedMatrix w3, QuantizedMatrix w2, MemorySegment target) {
        tile(new JavaTiler(), w1, w3, w2, target);
    }

    /**
     * Writes an expert's block, padding included.
     *
     * @param tiler what writes each matrix
     * @param w1 of the shape {@link #gate}
     * @param w3 of the shape {@link #up}
     * @param w2 of the shape {@link #down}
     * @param target exactly {@link #bytes} bytes at a multiple of 16
     */
    public void tile(
            MatrixTiler tiler, QuantizedMatrix w1, QuantizedMatrix w3, QuantizedMatrix w2, MemorySegment target) {
        Shapes.requireBytes("block", target, bytes());
        tiler.tile(w1, gate, target.asSlice(gateOffset(), gate.bytes()));
        tiler.tile(w3, up, target.asSlice(upOffset(), up.bytes()));
        tiler.tile(w2, down, target.asSlice(downOffset(), down.bytes()));
        target.asSlice(downOffset() + down.bytes()).fill((byte) 0);
    }
}
