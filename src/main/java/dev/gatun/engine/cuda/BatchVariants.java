package dev.gatun.engine.cuda;

import dev.gatun.cuda.KernelArguments;
import dev.gatun.cuda.LaunchShape;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** One kernel for many tokens, compiled for tiles of several sizes, smallest first. */
record BatchVariants(List<Variant> variants) {
    private static final int BLOCK = 256;

    /**
     * The tile of a block.
     *
     * @param tokens its tokens
     * @param rows its rows of the matrix
     * @param shared bytes of dynamic shared memory
     */
    record Tile(int tokens, int rows, int shared) {}

    /** A tile and the kernel for it. */
    record Variant(Tile tile, KernelArguments kernel) {
        /** Blocks for a matrix's rows. */
        int rowBlocks(int rows) {
            return Math.ceilDiv(rows, tile.rows());
        }

        /** Blocks for so many tokens of one matrix. */
        int tokenTiles(int tokens) {
            return Math.ceilDiv(tokens, tile.tokens());
        }

        /** The most tiles that choices of several experts can make. */
        int expertTiles(int choices, int experts) {
            return choices / tile.tokens() + Math.min(experts, choices);
        }

        LaunchShape shape(long blocks) {
            return LaunchShape.of(Math.toIntExact(blocks), BLOCK).sharing(tile.shared());
        }
    }

    BatchVariants {
        variants = List.copyOf(variants);
    }

    /** Finds {@code PREFIX_nTOKENS} for each tile. */
    static BatchVariants find(KernelLibrary kernels, String source, String prefix, Stream<Tile> tiles) {
        return new BatchVariants(tiles.map(
                        tile -> new Variant(tile, kernels.find(source, prefix + "_n" + tile.tokens())))
                .toList());
    }

    /** Tiles of twice as many rows as tokens. */
    static Stream<Tile> wideTiles(int... tokens) {
        return IntStream.of(tokens).mapToObj(count -> new Tile(count, 2 * count, 65536));
    }

    /** The smallest with room for so many tokens, or the largest of all. */
    Variant of(int tokens) {
        return variants.stream()
                .filter(variant -> variant.tile().tokens() >= tokens)
                .findFirst()
                .orElseGet(variants::getLast);
    }

    /**
     * The largest whose grid has a block for each multiprocessor, if one has, and no larger than the tokens need.
     *
     * @param rowBlocks how many blocks the rows make, by the rows of a block
     */
    Variant filling(int tokens, IntUnaryOperator rowBlocks, int multiprocessors) {
        int largest = of(tokens).tile().tokens();
        return variants.reversed().stream()
                .filter(variant -> variant.tile().tokens() <= largest)
                .filter(variant -> (long) rowBlocks.applyAsInt(variant.tile().rows()) * variant.tokenTiles(tokens)
                        >= multiprocessors)
                .findFirst()
                .orElseGet(variants::getFirst);
    }
}
