package dev.gatun.cuda;

import java.util.Comparator;

/**
 * The generation of a GPU, as NVIDIA numbers them: 7.5 is Turing, 9.0 Hopper.
 *
 * @param major the generation
 * @param minor the variant
 */
public record ComputeCapability(int major, int minor) implements Comparable<ComputeCapability> {
    /** The oldest generation that CUDA 13 and Gatun work on: Turing. */
    public static final ComputeCapability OLDEST_SUPPORTED = new ComputeCapability(7, 5);

    private static final Comparator<ComputeCapability> ORDER =
            Comparator.comparingInt(ComputeCapability::major).thenComparingInt(ComputeCapability::minor);

    /** Whether kernels can run there. */
    public boolean isSupported() {
        return compareTo(OLDEST_SUPPORTED) >= 0;
    }

    @Override
    public int compareTo(ComputeCapability other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}
