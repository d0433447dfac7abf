package dev.gatun.cpu;

/**
 * One product y = x &middot; W&#7488;: y[token][row] = &Sigma; W[row][column] &middot; x[token][column].
 *
 * @param matrix W [rows, columns]
 * @param x inputs [tokens, W's columns]
 * @param y outputs [tokens, W's rows], apart from x
 */
public record Product(CpuMatrix matrix, FloatMatrix x, FloatMatrix y) {
    public Product {
        Arguments.requireEqual("the columns of x", x.columns(), "those of the matrix", matrix.columns());
        Arguments.requireEqual("the columns of y", y.columns(), "the rows of the matrix", matrix.rows());
        Arguments.requireEqual("the rows of y", y.rows(), "those of x", x.rows());
    }

    /** Throws unless all memory can be used now. */
    void requireUsable() {
        matrix.liveness().require("a matrix");
        x.requireReadable("x");
        y.requireWritable("y");
    }
}
