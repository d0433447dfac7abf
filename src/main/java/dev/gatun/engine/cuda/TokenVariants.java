package dev.gatun.engine.cuda;

import dev.gatun.cuda.KernelArguments;
import java.util.List;
import java.util.stream.IntStream;

/**
 * One kernel of a decode step, compiled for at most 1, 2, 4 and 8 tokens: each reads the weights once for all its tokens.
 *
 * @param variants in that order
 */
record TokenVariants(List<KernelArguments> variants) {
    /** The most tokens of a launch. */
    static final int MOST = 8;

    TokenVariants {
        variants = List.copyOf(variants);
    }

    /** Finds {@code PREFIX_t1} and so on. */
    static TokenVariants find(KernelLibrary kernels, String source, String prefix) {
        return new TokenVariants(IntStream.of(1, 2, 4, MOST)
                .mapToObj(tokens -> kernels.find(source, prefix + "_t" + tokens))
                .toList());
    }

    /** The variant with the fewest tokens that has room for so many. */
    KernelArguments of(int tokens) {
        return variants.get(index(tokens));
    }

    /** Which variant that is. */
    static int index(int tokens) {
        return Integer.SIZE - Integer.numberOfLeadingZeros(tokens - 1);
    }
}
