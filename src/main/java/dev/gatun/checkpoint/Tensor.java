package dev.gatun.checkpoint;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A tensor of a safetensors file, row-major; a view of the mapped file.
 *
 * @param name as the file spells it
 * @param type the type of each element
 * @param shape the dimensions, outermost first; empty for a scalar
 * @param data exactly the elements, read-only, at any alignment; lives as long as the file's arena
 */
public record Tensor(String name, TensorType type, List<Long> shape, MemorySegment data) {
    public Tensor {
        shape = List.copyOf(shape);
        if (!data.isReadOnly()) {
            throw new IllegalArgumentException("data of " + name + ": must be read-only");
        }
        if (data.byteSize() != Math.multiplyExact(product(shape), (long) type.bytes())) {
            throw new IllegalArgumentException(
                    "data of " + name + ": " + data.byteSize() + " bytes do not fit its shape");
        }
    }

    /** Number of elements: the product of the shape. */
    public long count() {
        return data.byteSize() / type.bytes();
    }

    private static long product(List<Long> shape) {
        return shape.stream().mapToLong(Long::longValue).reduce(1, Math::multiplyExact);
    }
}
