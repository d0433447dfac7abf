package dev.gatun.checkpoint;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.FloatType;
import java.util.List;

/** Makes matrices of unquantized tensors, after checking type and shape. */
final class DenseReader {
    private final TensorTable table;

    DenseReader(TensorTable table) {
        this.table = table;
    }

    /** A tensor of the shape [rows, columns]. */
    DenseMatrix matrix(String name, int rows, int columns) {
        return read(name, List.of((long) rows, (long) columns), rows, columns);
    }

    /** A tensor of the shape [size], as a matrix of one row. */
    DenseMatrix vector(String name, int size) {
        return read(name, List.of((long) size), 1, size);
    }

    private DenseMatrix read(String name, List<Long> shape, int rows, int columns) {
        StoredTensor stored = table.take(name);
        Tensor tensor = stored.tensor();
        FloatType type = tensor.type()
                .floatType()
                .orElseThrow(() -> new CheckpointException(stored.where() + " has the dtype " + tensor.type()
                        + ", but must be BF16, F16 or F32; get another copy of the model"));
        if (!tensor.shape().equals(shape)) {
            throw new CheckpointException(stored.where() + " has the shape " + tensor.shape()
                    + ", but config.json asks for " + shape + "; get config.json and weights of one model");
        }
        return new DenseMatrix(type, rows, columns, tensor.data());
    }
}
