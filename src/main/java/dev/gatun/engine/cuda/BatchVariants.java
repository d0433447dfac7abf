package dev.gatun.engine.cuda;

import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import java.util.List;
import java.util.stream.IntStream;

/** One kernel for many tokens, compiled for blocks of several sizes, smallest first. */
record BatchVariants(List<Variant> variants) {
    private static final int BLOCK = 256;
    private static final int BYTES_PER_TOKEN = 384;
    private static final int MORE_BYTES = 16384;

    /**
     * A kernel and its block's tokens.
     *
     * @param shared bytes of dynamic shared memory
     */
    record Variant(int tokens, int shared, KernelArguments kernel) {
        LaunchShape shape(long blocks) {
            return LaunchShape.of(Math.toIntExact(blocks), BLOCK).sharing(shared);
        }
    }

    BatchVariants {
        variants = List.copyOf(variants);
    }

    /** Finds {@code PREFIX_nSIZE} for each size. */
    static BatchVariants find(KernelLibrary kernels, String source, String prefix, int... sizes) {
        return new BatchVariants(IntStream.of(sizes)
                .mapToObj(tokens -> new Variant(
                        tokens, BYTES_PER_TOKEN * tokens + MORE_BYTES, kernels.find(source, prefix + "_n" + tokens)))
                .toList());
    }

    /** The smallest with room for so many tokens, or the largest of all. */
    Variant of(int tokens) {
        return variants.stream()
                .filter(variant -> variant.tokens() >= tokens)
                .findFirst()
                .orElseGet(variants::getLast);
    }

    /** The largest whose grid has a block for each multiprocessor, if one has; no larger than the tokens need. */
    Variant filling(int tokens, int rowBlocks, int multiprocessors) {
        Variant fewest = of(tokens);
        return variants.reversed().stream()
                .filter(variant -> variant.tokens() <= fewest.tokens())
                .filter(variant -> (long) rowBlocks * Math.ceilDiv(tokens, variant.tokens()) >= multiprocessors)
                .findFirst()
                .orElseGet(variants::getFirst);
    }
}
