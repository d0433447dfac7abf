package dev.gatun.quant;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A matrix quantized by HQQ with 8-bit scales and zeros; {@link HqqScheme} says where each weight lies.
 *
 * <p>With S = rows &middot; columns / groupSize groups and M = S / scaleGroup second-level pairs, group s has
 * scale[s] = (scaleCodes[s] &minus; scaleZeros[s mod M]) &middot; scaleScales[s mod M] and
 * zero[s] = (zeroCodes[s] &minus; zeroZero) &middot; zeroScale, in float32. Segments may have any alignment.
 *
 * @param scheme bits and group sizes; must divide the shape
 * @param rows outputs N
 * @param columns inputs K
 * @param codes N &middot; K &middot; bits / 8 bytes
 * @param scaleCodes S bytes, unsigned
 * @param scaleScales M values in binary16
 * @param scaleZeros M values in binary16
 * @param zeroCodes S bytes, unsigned
 * @param zeroScale the scale of all zeros
 * @param zeroZero the zero of all zeros
 */
public record HqqMatrix(
        HqqScheme scheme,
        int rows,
        int columns,
        MemorySegment codes,
        MemorySegment scaleCodes,
        MemorySegment scaleScales,
        MemorySegment scaleZeros,
        MemorySegment zeroCodes,
        float zeroScale,
        float zeroZero)
        implements QuantizedMatrix {
    /** In codes; the rounding of weights to binary16 is more. */
    private static final double RAISING_ERROR = 1e-3;

    public HqqMatrix {
        Shapes.requireDivided(scheme, rows, columns);
        long groups = (long) rows / scheme.groupSize() * columns;
        long pairs = groups / scheme.scaleGroup();
        Shapes.requireBytes("codes", codes, (long) rows * columns * scheme.bits() / 8);
        Shapes.requireBytes("scaleCodes", scaleCodes, groups);
        Shapes.requireBytes("scaleScales", scaleScales, pairs * Short.BYTES);
        Shapes.requireBytes("scaleZeros", scaleZeros, pairs * Short.BYTES);
        Shapes.requireBytes("zeroCodes", zeroCodes, groups);
    }

    @Override
    public HqqMatrix computable(Arena arena) {
        if (!isPacked()) {
            return this;
        }
        return withCodes(WideCodes.TO_BITS, WideCodes.of(codes, arena), zeroZero);
    }

    /**
     * The same weights, but for float32's rounding, for kernels that hold in binary16 how far codes and zeros are from the middle of
     * what 4 bits can be: codes of 3 bits, and zeros with them, are raised to there. What rounding does to the weights is half as
     * much then. Codes of 3 bits may lie in fields of 4 already. A matrix of other codes is {@link #computable}, and so is one
     * whose {@code zeroScale} is 0, or whose zeros cannot be raised to within 1/1000 of a code.
     *
     * @param arena new codes are allocated in it; shared between threads, since several write them
     */
    public HqqMatrix centered(Arena arena) {
        float raisedZero = zeroZero - WideCodes.RAISED / zeroScale;
        double error = Math.abs(((double) zeroZero - raisedZero) * zeroScale - WideCodes.RAISED);
        // Not a number where the scale is 0.
        boolean isExact = error <= RAISING_ERROR;
        if (!isExact || !hasThreeBits()) {
            return computable(arena);
        }
        MemorySegment raised = isPacked()
                ? WideCodes.of(codes, arena)
                : arena.allocate(codes.byteSize()).copyFrom(codes);
        WideCodes.raise(raised);
        return withCodes(WideCodes.TO_BITS, raised, raisedZero);
    }

    private boolean isPacked() {
        return scheme.bits() == WideCodes.FROM_BITS;
    }

    /** Whether codes are below 8. */
    private boolean hasThreeBits() {
        return isPacked() || (scheme.bits() == WideCodes.TO_BITS && WideCodes.areBelowEight(codes));
    }

    /**
     * The same weights with codes of 3 bits, if a group of them is a multiple of 8 rows; this matrix itself otherwise.
     *
     * @param arena new codes are allocated in it; several threads write them, so it must let them
     * @throws IllegalStateException unless its codes have 4 bits, of which these use 3
     */
    public HqqMatrix inThreeBits(Arena arena) {
        if (scheme.bits() != WideCodes.TO_BITS || !WideCodes.areBelowEight(codes)) {
            throw new IllegalStateException("codes of more than 3 bits in " + scheme);
        }
        if (scheme.groupSize() % Byte.SIZE != 0) {
            return this;
        }
        return withCodes(WideCodes.FROM_BITS, WideCodes.undo(codes, arena), zeroZero);
    }

    private HqqMatrix withCodes(int bits, MemorySegment newCodes, float newZeroZero) {
        return new HqqMatrix(
                new HqqScheme(bits, scheme.groupSize(), scheme.scaleGroup()),
                rows,
                columns,
                newCodes,
                scaleCodes,
                scaleScales,
                scaleZeros,
                zeroCodes,
                zeroScale,
                newZeroZero);
    }

    @Override
    public long bytes() {
        return codes.byteSize()
                + scaleCodes.byteSize()
                + scaleScales.byteSize()
                + scaleZeros.byteSize()
                + zeroCodes.byteSize()
                + 2 * Short.BYTES;
    }
}
