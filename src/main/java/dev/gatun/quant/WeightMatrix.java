package dev.gatun.quant;

/**
 * A weight matrix W of shape [rows (outputs), columns (inputs)] as it lies in memory; a product with it is
 * y[row] = &Sigma; W[row, column] &middot; x[column].
 *
 * <p>The segments belong to whoever made the matrix (a mapped checkpoint, say) and live as long as that.
 */
public sealed interface WeightMatrix permits DenseMatrix, QuantizedMatrix, TiledMatrix {
    /** Outputs. */
    int rows();

    /** Inputs. */
    int columns();

    /** Bytes of everything a product with this matrix reads: codes, scales, zeros, and their second level. */
    long bytes();

    /** Bytes of it where it is computed with: more than {@link #bytes} where kernels read no such codes. */
    default long computedBytes() {
        return bytes();
    }
}
