package dev.gatun.checkpoint;

import dev.gatun.quant.NarrowMatrix;
import dev.gatun.quant.NarrowScheme;

/**
 * Makes matrices of the three tensors that Gatun's own scheme takes outside of tiles. As with HQQ, bits and group size follow
 * from the numbers of elements.
 */
final class NarrowReader {
    /** Behind a matrix's name: its scales and zeros, a byte for each group. */
    static final String METAS = ".metas";

    /** Its second level. */
    static final String PAIRS = ".pairs";

    private final TensorTable table;

    NarrowReader(TensorTable table) {
        this.table = table;
    }

    /**
     * The matrix with this name and shape.
     *
     * @throws CheckpointException if a tensor is missing, of another type, or not finite, or if their sizes make no scheme
     */
    NarrowMatrix matrix(String name, int rows, int columns) {
        StoredTensor codes = table.take(name + ".W_q").require(TensorType.U8);
        StoredTensor metas = table.take(name + METAS).require(TensorType.U8);
        StoredTensor pairs = table.take(name + PAIRS).requireFinite();
        long weights = (long) rows * columns;
        try {
            NarrowScheme scheme = new NarrowScheme(
                    quotient(8 * codes.tensor().count(), weights),
                    quotient(weights, metas.tensor().count()));
            return new NarrowMatrix(
                    scheme,
                    rows,
                    columns,
                    codes.tensor().data(),
                    metas.tensor().data(),
                    pairs.tensor().data());
        } catch (IllegalArgumentException misfit) {
            throw new CheckpointException(
                    codes.where() + ": " + misfit.getMessage() + ", in the matrix of " + rows + " x " + columns
                            + " that config.json asks for; get config.json and weights of one model",
                    misfit);
        }
    }

    private static int quotient(long dividend, long divisor) {
        if (divisor == 0 || dividend % divisor != 0 || dividend / divisor > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("its elements do not fit");
        }
        return (int) (dividend / divisor);
    }
}
