package dev.gatun.quant.solver;

import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqScheme;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Scales and zeros of 8 bits: scale groups are the groups s with one s mod M, M being their number; all zeros of a matrix
 * are one group.
 */
final class HqqParts implements MatrixParts {
    private static final int TOP = 255;
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final HqqScheme scheme;
    private final Grid grid;
    private final Affine[] scales;
    private final Affine zeros;
    private final MemorySegment scaleCodes;
    private final MemorySegment zeroCodes;
    private final Arena arena;

    /** With a second level that is there: a pair for each scale group, and one for all zeros. */
    HqqParts(HqqScheme scheme, Grid grid, Affine[] scales, Affine zeros, Arena arena) {
        this.scheme = scheme;
        this.grid = grid;
        this.scales = scales;
        this.zeros = zeros;
        this.scaleCodes = arena.allocate(grid.groups());
        this.zeroCodes = arena.allocate(grid.groups());
        this.arena = arena;
    }

    static HqqParts fit(HqqScheme scheme, GroupFits fits, Arena arena, Workers workers) {
        Affine[] scales = new Affine[fits.grid().groups() / scheme.scaleGroup()];
        workers.run((scales.length - 1) / Grid.LANES + 1, chunk -> {
            int from = chunk * Grid.LANES;
            fitScales(fits.scales(), scales, from, Math.min(from + Grid.LANES, scales.length));
        });
        Range range = Range.of(fits.zeros(), 0, fits.zeros().length, 1);
        return new HqqParts(scheme, fits.grid(), scales, range.affine(TOP), arena);
    }

    private static void fitScales(float[] values, Affine[] pairs, int from, int to) {
        for (int pair = from; pair < to; pair++) {
            pairs[pair] = Range.of(values, pair, values.length, pairs.length).affine(TOP);
        }
    }

    @Override
    public int top() {
        return TOP;
    }

    @Override
    public Affine scale(int groupRow, int column) {
        return scales[grid.group(groupRow, column) % scales.length];
    }

    @Override
    public Affine zero(int groupRow, int column) {
        return zeros;
    }

    @Override
    public void store(int groupRow, int column, int scaleCode, int zeroCode) {
        int group = grid.group(groupRow, column);
        scaleCodes.set(ValueLayout.JAVA_BYTE, group, (byte) scaleCode);
        zeroCodes.set(ValueLayout.JAVA_BYTE, group, (byte) zeroCode);
    }

    @Override
    public HqqMatrix matrix(MemorySegment codes) {
        MemorySegment steps = arena.allocate((long) scales.length * Short.BYTES);
        MemorySegment offsets = arena.allocate((long) scales.length * Short.BYTES);
        for (int pair = 0; pair < scales.length; pair++) {
            steps.set(HALF, (long) pair * Short.BYTES, Float.floatToFloat16(scales[pair].step()));
            offsets.set(HALF, (long) pair * Short.BYTES, Float.floatToFloat16(scales[pair].zero()));
        }
        return new HqqMatrix(
                scheme,
                grid.rows(),
                grid.columns(),
                codes,
                scaleCodes,
                steps,
                offsets,
                zeroCodes,
                zeros.step(),
                zeros.zero());
    }
}
