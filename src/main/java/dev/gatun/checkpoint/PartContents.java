package dev.gatun.checkpoint;

import java.util.List;

/**
 * What a model folder holds of one part.
 *
 * @param part the part
 * @param groups its tensors, by name
 * @param formats how its matrices are stored: {@code bf16}, {@code 2-bit in groups of 16}; one where all are alike
 * @param weights numbers that the matrices consist of, whatever they are stored as
 */
public record PartContents(ModelPart part, List<TensorGroup> groups, List<String> formats, long weights) {
    public PartContents {
        groups = List.copyOf(groups);
        formats = List.copyOf(formats);
    }

    /** Tensors of all groups. */
    public int tensors() {
        return groups.stream().mapToInt(TensorGroup::count).sum();
    }

    /** Bytes of all groups. */
    public long bytes() {
        return groups.stream().mapToLong(TensorGroup::bytes).sum();
    }

    /** Bits that a weight takes, scales and zeros included. */
    public double bitsPerWeight() {
        return 8.0 * bytes() / weights;
    }
}
