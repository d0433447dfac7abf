package dev.gatun.cpu;

import dev.gatun.bindings.cpu.CpuLibrary;
import dev.gatun.bindings.cpu.gatun_matrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A weight matrix W [rows (outputs), columns (inputs)] as the CPU library sees it: a descriptor that points to weights which
 * stay where they are. A vector (a norm's weights) is a matrix of one row.
 *
 * <p>The descriptor lives in the arena given, the weights in theirs. Using the matrix after either was closed throws
 * {@link IllegalStateException}; whoever closes the weights' arena first waits for the operations that use them, by closing
 * the {@link CpuPool} for example.
 */
public final class CpuMatrix {
    /** Columns that share an entry of the second level where scales have 4 bits. */
    private static final int NARROW_COLUMNS = 128;

    private final MemorySegment struct;
    private final int rows;
    private final int columns;
    private final boolean isDense;
    private final long bytes;
    private final Liveness liveness;

    private CpuMatrix(MemorySegment struct, boolean isDense, int rows, int columns, List<MemorySegment> parts) {
        this.struct = struct;
        this.rows = rows;
        this.columns = columns;
        this.isDense = isDense;
        this.bytes = parts.stream().mapToLong(MemorySegment::byteSize).sum();
        this.liveness = Liveness.ofAll(List.of(Liveness.of(List.of(struct)), Liveness.of(parts)));
    }

    /**
     * An unquantized matrix, row-major without padding.
     *
     * @param values exactly rows &middot; columns values outside the heap, at any alignment
     * @throws IllegalArgumentException if the segment does not fit the shape
     */
    public static CpuMatrix dense(Arena arena, CpuFloatType type, int rows, int columns, MemorySegment values) {
        requireShape(rows, columns);
        Arguments.requireNative("values", values, (long) rows * columns * type.bytes());
        MemorySegment struct = allocate(arena, CpuLibrary.GATUN_DENSE(), rows, columns, values);
        gatun_matrix.dtype(struct, type.code());
        return new CpuMatrix(struct, true, rows, columns, List.of(values));
    }

    /**
     * A matrix quantized by HQQ along its rows, with 8-bit scales and zeros.
     *
     * <p>With G = rows / groupSize, S = G &middot; columns groups and M = S / scaleGroup second-level pairs, weight (n, k)
     * has group s = (n mod G) &middot; columns + k; the highest field of byte p of the codes is weight p of the row-major
     * order, the next one weight p + rows &middot; columns &middot; bits / 8, and so on. W = (code &minus; zero[s]) &middot;
     * scale[s], scale[s] = (scaleCodes[s] &minus; scaleZeros[s mod M]) &middot; scaleScales[s mod M], zero[s] =
     * (zeroCodes[s] &minus; zeroZero) &middot; zeroScale. All segments lie outside the heap, at any alignment.
     *
     * @param codes rows &middot; columns &middot; bits / 8 bytes
     * @param scaleCodes S bytes, unsigned
     * @param scaleScales M values in binary16
     * @param scaleZeros M values in binary16
     * @param zeroCodes S bytes, unsigned
     * @throws IllegalArgumentException if the layout does not divide the shape, or a segment does not fit it
     */
    public static CpuMatrix hqq(
            Arena arena,
            HqqLayout layout,
            int rows,
            int columns,
            MemorySegment codes,
            MemorySegment scaleCodes,
            MemorySegment scaleScales,
            MemorySegment scaleZeros,
            MemorySegment zeroCodes,
            float zeroScale,
            float zeroZero) {
        requireShape(rows, columns);
        long groups = layout.groups(rows, columns);
        long pairs = layout.pairs(rows, columns);
        Arguments.requireNative("codes", codes, (long) rows * columns * layout.bits() / 8);
        Arguments.requireNative("scaleCodes", scaleCodes, groups);
        Arguments.requireNative("scaleScales", scaleScales, pairs * Short.BYTES);
        Arguments.requireNative("scaleZeros", scaleZeros, pairs * Short.BYTES);
        Arguments.requireNative("zeroCodes", zeroCodes, groups);
        MemorySegment struct = allocate(arena, CpuLibrary.GATUN_HQQ(), rows, columns, codes);
        gatun_matrix.bits(struct, layout.bits());
        gatun_matrix.group_size(struct, layout.groupSize());
        gatun_matrix.scale_group(struct, layout.scaleGroup());
        gatun_matrix.scale_codes(struct, scaleCodes);
        gatun_matrix.scale_scales(struct, scaleScales);
        gatun_matrix.scale_zeros(struct, scaleZeros);
        gatun_matrix.zero_codes(struct, zeroCodes);
        gatun_matrix.zero_scale(struct, zeroScale);
        gatun_matrix.zero_zero(struct, zeroZero);
        return new CpuMatrix(
                struct, false, rows, columns, List.of(codes, scaleCodes, scaleScales, scaleZeros, zeroCodes));
    }

    /**
     * A matrix whose groups and codes are those of {@link #hqq}, with scales and zeros of 4 bits.
     *
     * <p>With G and the groups s as there and T = ceil(columns / 128), of the four values a, b, c, d at [n mod G][k / 128] of
     * the second level, scale[s] = ((metas[s] &amp; 15) &minus; b) &middot; a and zero[s] = ((metas[s] &gt;&gt; 4) &minus; d)
     * &middot; c. All segments lie outside the heap, at any alignment.
     *
     * @param bits bits of a code: 2, 4 or 8
     * @param groupSize rows that share one scale and zero; a multiple of the codes in a byte
     * @param codes rows &middot; columns &middot; bits / 8 bytes
     * @param metas S bytes
     * @param pairs [G][T][4] values in binary16
     * @throws IllegalArgumentException if the groups do not divide the shape, or a segment does not fit it
     */
    public static CpuMatrix narrow(
            Arena arena,
            int bits,
            int groupSize,
            int rows,
            int columns,
            MemorySegment codes,
            MemorySegment metas,
            MemorySegment pairs) {
        requireShape(rows, columns);
        long groups = new HqqLayout(bits, groupSize, 1).groups(rows, columns);
        long entries = groups / columns * ((columns - 1) / NARROW_COLUMNS + 1);
        Arguments.requireNative("codes", codes, (long) rows * columns * bits / 8);
        Arguments.requireNative("metas", metas, groups);
        Arguments.requireNative("pairs", pairs, entries * 4 * Short.BYTES);
        MemorySegment struct = allocate(arena, CpuLibrary.GATUN_HQQ(), rows, columns, codes);
        gatun_matrix.bits(struct, bits);
        gatun_matrix.group_size(struct, groupSize);
        // What tells the library; the struct is zeros where nothing is written.
        gatun_matrix.scale_group(struct, 0);
        gatun_matrix.scale_codes(struct, metas);
        gatun_matrix.scale_scales(struct, pairs);
        return new CpuMatrix(struct, false, rows, columns, List.of(codes, metas, pairs));
    }

    private static void requireShape(int rows, int columns) {
        Arguments.requirePositive("rows", rows);
        Arguments.requirePositive("columns", columns);
    }

    private static MemorySegment allocate(Arena arena, int kind, int rows, int columns, MemorySegment weights) {
        MemorySegment struct = gatun_matrix.allocate(arena);
        gatun_matrix.kind(struct, kind);
        gatun_matrix.rows(struct, rows);
        gatun_matrix.columns(struct, columns);
        gatun_matrix.weights(struct, weights);
        return struct;
    }

    /** Outputs. */
    public int rows() {
        return rows;
    }

    /** Inputs. */
    public int columns() {
        return columns;
    }

    /** Whether the values are floating-point numbers: embedding tables and norms must be. */
    public boolean isDense() {
        return isDense;
    }

    /** Bytes that a product with this matrix reads: codes, scales, zeros and their second level. */
    public long bytes() {
        return bytes;
    }

    MemorySegment struct() {
        return struct;
    }

    Liveness liveness() {
        return liveness;
    }

    boolean hasShapeOf(CpuMatrix other) {
        return rows == other.rows && columns == other.columns;
    }

    @Override
    public String toString() {
        return (isDense ? "dense" : "HQQ") + " matrix of " + rows + " x " + columns;
    }
}
