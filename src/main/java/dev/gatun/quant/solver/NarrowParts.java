package dev.gatun.quant.solver;

import dev.gatun.quant.NarrowMatrix;
import dev.gatun.quant.NarrowScheme;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Scales and zeros of 4 bits, with a second level for every block of a row of groups. So few codes are worth a choice of
 * range: one that leaves out some of the outermost values may fit all of them better.
 */
final class NarrowParts implements MatrixParts {
    private static final int TOP = 15;

    /** Parts of the range that may be left out at each end: multiples, from 0 on, of a step. */
    private static final int CUTS = 6;

    private static final float CUT = 0.08f;

    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final NarrowScheme scheme;
    private final Grid grid;
    private final Affine[] scales;
    private final Affine[] zeros;
    private final MemorySegment metas;
    private final Arena arena;

    private NarrowParts(NarrowScheme scheme, Grid grid, Affine[] scales, Affine[] zeros, Arena arena) {
        this.scheme = scheme;
        this.grid = grid;
        this.scales = scales;
        this.zeros = zeros;
        this.metas = arena.allocate(grid.groups());
        this.arena = arena;
    }

    static NarrowParts fit(NarrowScheme scheme, GroupFits fits, Arena arena, Workers workers) {
        Grid grid = fits.grid();
        int entries = grid.groupRows() * grid.blocks();
        Affine[] scales = new Affine[entries];
        Affine[] zeros = new Affine[entries];
        workers.run(grid.groupRows(), groupRow -> {
            float[] blockScales = new float[Grid.LANES];
            float[] blockZeros = new float[Grid.LANES];
            float[] weights = new float[Grid.LANES];
            for (int block = 0; block < grid.blocks(); block++) {
                int entry = groupRow * grid.blocks() + block;
                fits.read(groupRow, block, blockScales, blockZeros);
                Arrays.fill(weights, 1);
                scales[entry] = best(blockScales, weights, grid.width(block));
                // A zero that is off by something moves weights by that many scales.
                square(blockScales, weights);
                zeros[entry] = best(blockZeros, weights, grid.width(block));
            }
        });
        return new NarrowParts(scheme, grid, scales, zeros, arena);
    }

    private static void square(float[] values, float[] squares) {
        for (int i = 0; i < values.length; i++) {
            squares[i] = values[i] * values[i];
        }
    }

    private static Affine best(float[] values, float[] weights, int count) {
        Range range = Range.of(values, 0, count, 1);
        Affine best = range.affine(TOP);
        double least = best.error(values, weights, count, TOP);
        for (int cut = 1; cut < CUTS * CUTS; cut++) {
            int below = cut / CUTS;
            int above = cut % CUTS;
            Affine candidate = range.without(below * CUT, above * CUT).affine(TOP);
            double error = candidate.error(values, weights, count, TOP);
            if (error < least) {
                best = candidate;
                least = error;
            }
        }
        return best;
    }

    @Override
    public int top() {
        return TOP;
    }

    @Override
    public Affine scale(int groupRow, int column) {
        return scales[entry(groupRow, column)];
    }

    @Override
    public Affine zero(int groupRow, int column) {
        return zeros[entry(groupRow, column)];
    }

    private int entry(int groupRow, int column) {
        return groupRow * grid.blocks() + column / NarrowMatrix.PAIR_COLUMNS;
    }

    @Override
    public void store(int groupRow, int column, int scaleCode, int zeroCode) {
        metas.set(ValueLayout.JAVA_BYTE, grid.group(groupRow, column), (byte) (scaleCode | zeroCode << 4));
    }

    @Override
    public NarrowMatrix matrix(MemorySegment codes) {
        MemorySegment pairs = arena.allocate((long) scales.length * NarrowMatrix.PAIR_BYTES);
        for (int entry = 0; entry < scales.length; entry++) {
            long at = (long) entry * NarrowMatrix.PAIR_BYTES;
            pairs.set(HALF, at, Float.floatToFloat16(scales[entry].step()));
            pairs.set(HALF, at + 2, Float.floatToFloat16(scales[entry].zero()));
            pairs.set(HALF, at + 4, Float.floatToFloat16(zeros[entry].step()));
            pairs.set(HALF, at + 6, Float.floatToFloat16(zeros[entry].zero()));
        }
        return new NarrowMatrix(scheme, grid.rows(), grid.columns(), codes, metas, pairs);
    }
}
