package dev.gatun.checkpoint;

import java.util.List;

/**
 * Tensors that differ in the numbers of their layer and expert alone.
 *
 * @param name their full name with {@code *} for these numbers
 * @param type of each
 * @param shape of each, outermost first; empty for a scalar
 * @param count how many there are
 * @param bytes of all together
 */
public record TensorGroup(String name, TensorType type, List<Long> shape, int count, long bytes) {
    public TensorGroup {
        shape = List.copyOf(shape);
    }
}
