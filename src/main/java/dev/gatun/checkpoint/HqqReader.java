package dev.gatun.checkpoint;

import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqScheme;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Makes matrices of the seven tensors that HQQ stores for each. The files name neither bits nor group sizes: these
 * follow from the numbers of elements, with which {@link Statements} are compared. Stored shapes are not relied on,
 * because any reshape keeps the flat order. Codes of 3 bits, which HQQ packs into int32, become codes of 4.
 */
final class HqqReader {
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Behind a matrix's name: its codes. */
    static final String CODES = ".W_q";

    private static final String SCALE_CODES = ".meta.scale_q";

    /** What 3-bit codes are widened to. */
    private static final int WIDENED_BITS = 4;

    private final TensorTable table;
    private final Statements statements;
    private final Arena arena;

    HqqReader(TensorTable table, Statements statements, Arena arena) {
        this.table = table;
        this.statements = statements;
        this.arena = arena;
    }

    /** Whether a table has tensors of HQQ. */
    static boolean isIn(TensorTable table) {
        return table.find(name -> name.endsWith(SCALE_CODES)).isPresent();
    }

    /**
     * The matrix with this name (without {@code .W_q}) and shape.
     *
     * @throws CheckpointException if a tensor is missing, of another type, or not finite, or if their sizes do not
     *     make a scheme that {@link HqqScheme} describes, or another than is stated
     */
    HqqMatrix matrix(String name, int rows, int columns) {
        StoredTensor codes = table.take(name + CODES);
        StoredTensor scaleCodes = table.take(name + SCALE_CODES).require(TensorType.U8);
        StoredTensor scaleScales = table.take(name + ".meta.meta_scale.scale").requireFinite();
        StoredTensor scaleZeros = table.take(name + ".meta.meta_scale.zero").requireFinite();
        StoredTensor zeroCodes = table.take(name + ".meta.zero_q").require(TensorType.U8);
        StoredTensor zeroScale = table.take(name + ".meta.meta_zero.scale").requireFinite();
        StoredTensor zeroZero = table.take(name + ".meta.meta_zero.zero").requireFinite();

        requireCount(zeroCodes, scaleCodes.tensor().count());
        requireCount(scaleZeros, scaleScales.tensor().count());
        requireCount(zeroScale, 1);
        requireCount(zeroZero, 1);
        requireGroupsDownTheRows(zeroCodes);
        boolean isThreeBit = codes.tensor().type() == TensorType.I32;
        int bits = isThreeBit ? WIDENED_BITS : bits(codes.require(TensorType.U8), rows, columns);
        HqqScheme scheme = scheme(bits, rows, columns, codes, scaleCodes, scaleScales);
        statements.require(
                name, codes, new StatedScheme(isThreeBit ? 3 : bits, scheme.groupSize(), scheme.scaleGroup()));
        return new HqqMatrix(
                scheme,
                rows,
                columns,
                isThreeBit
                        ? new ThreeBitCodes(rows, columns, scheme.groupSize()).widen(codes, statements.order(), arena)
                        : codes.tensor().data(),
                scaleCodes.tensor().data(),
                scaleScales.tensor().data(),
                scaleZeros.tensor().data(),
                zeroCodes.tensor().data(),
                half(zeroScale),
                half(zeroZero));
    }

    private static int bits(StoredTensor codes, int rows, int columns) {
        return divide(codes, 8 * codes.tensor().count(), (long) rows * columns, rows, columns);
    }

    private static HqqScheme scheme(
            int bits, int rows, int columns, StoredTensor codes, StoredTensor scaleCodes, StoredTensor scaleScales) {
        long weights = (long) rows * columns;
        int groupSize = divide(scaleCodes, weights, scaleCodes.tensor().count(), rows, columns);
        long groups = scaleCodes.tensor().count();
        int scaleGroup = divide(scaleScales, groups, scaleScales.tensor().count(), rows, columns);
        HqqScheme scheme;
        try {
            scheme = new HqqScheme(bits, groupSize, scaleGroup);
        } catch (IllegalArgumentException problem) {
            throw misfit(codes, problem.getMessage() + ", for", rows, columns);
        }
        if (!scheme.divides(rows, columns)) {
            throw misfit(scaleCodes, "groups of " + groupSize + " down the rows do not divide", rows, columns);
        }
        return scheme;
    }

    private static int divide(StoredTensor stored, long dividend, long divisor, int rows, int columns) {
        if (divisor == 0 || dividend % divisor != 0 || dividend / divisor > Integer.MAX_VALUE) {
            throw misfit(stored, "its " + stored.tensor().count() + " elements do not fit", rows, columns);
        }
        return (int) (dividend / divisor);
    }

    private static void requireCount(StoredTensor stored, long count) {
        if (stored.tensor().count() != count) {
            throw new CheckpointException(
                    stored.where() + " has " + stored.tensor().count() + " elements, but the tensors beside it ask for "
                            + count + "; download the file again");
        }
    }

    /** A column of zeros is how HQQ stores groups along the inputs (axis 1), which would decode to nonsense. */
    private static void requireGroupsDownTheRows(StoredTensor zeroCodes) {
        Tensor zeros = zeroCodes.tensor();
        if (zeros.count() > 1 && zeros.shape().size() == 2 && zeros.shape().getLast() == 1) {
            throw new CheckpointException(zeroCodes.where() + " has the shape " + zeros.shape()
                    + ", that of groups along the inputs (axis 1); Gatun reads groups down the rows (axis 0)");
        }
    }

    private static float half(StoredTensor scalar) {
        return Float.float16ToFloat(scalar.tensor().data().get(HALF, 0));
    }

    private static CheckpointException misfit(StoredTensor stored, String what, int rows, int columns) {
        return new CheckpointException(stored.where() + ": " + what + " the matrix of " + rows + " x " + columns
                + " that config.json asks for; get config.json and weights of one model");
    }
}
