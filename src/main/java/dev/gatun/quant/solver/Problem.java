package dev.gatun.quant.solver;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.QuantizationScheme;
import dev.gatun.quant.QuantizedMatrix;
import java.lang.foreign.Arena;
import java.util.function.Supplier;

/**
 * A matrix to be quantized, and the steps that all solvers have in common.
 *
 * @param name the tensor's, for messages
 * @param weights [N, K]
 * @param scheme divides the shape
 * @param top the largest code of a weight
 * @param grid its groups
 * @param workers the threads that do it
 */
record Problem(String name, DenseMatrix weights, QuantizationScheme scheme, int top, Grid grid, Workers workers) {
    static Problem of(String name, DenseMatrix weights, QuantizationScheme scheme, int bits, Workers workers) {
        if (!scheme.divides(weights.rows(), weights.columns())) {
            throw new IllegalArgumentException(scheme + " does not divide `" + name + "`, a matrix of " + weights.rows()
                    + " x " + weights.columns());
        }
        if (bits < 1 || bits > scheme.bits()) {
            throw new IllegalArgumentException("codes of " + bits + " bits for `" + name + "` in " + scheme);
        }
        Grid grid = new Grid(weights.rows(), weights.columns(), scheme.groupSize());
        return new Problem(name, weights, scheme, (1 << bits) - 1, grid, workers);
    }

    /** What is done with each block. */
    @FunctionalInterface
    interface BlockTask {
        /**
         * Takes a block.
         *
         * @param weights [groupSize][LANES]; zeros behind the last column; overwritten when this returns
         */
        void take(int groupRow, int block, float[][] weights);
    }

    /**
     * Takes all blocks, those of a row of groups one after the other in one thread.
     *
     * @param task makes what takes the blocks of one row; tasks of different rows run at once
     */
    void forEachBlock(Supplier<BlockTask> task) {
        workers.run(grid.groupRows(), groupRow -> {
            BlockTask blocks = task.get();
            float[][] weights = new float[grid.groupSize()][Grid.LANES];
            Strip strip = new Strip(this);
            strip.load(groupRow);
            for (int block = 0; block < grid.blocks(); block++) {
                strip.block(block, weights);
                blocks.take(groupRow, block, weights);
            }
        });
    }

    /** Fits the second level to what a solver found, and chooses all codes. */
    QuantizedMatrix encode(GroupFits fits, CodeChoice.Search search, Arena arena) {
        MatrixParts parts = MatrixParts.fit(scheme, fits, arena, workers);
        PackedCodes packed = new PackedCodes(scheme, grid, arena);
        forEachBlock(() -> {
            CodeChoice choice = new CodeChoice(grid.groupSize(), Grid.LANES, top(), search);
            LevelLanes level = new LevelLanes(Grid.LANES);
            float[] scales = new float[Grid.LANES];
            float[] zeros = new float[Grid.LANES];
            return (groupRow, block, weights) -> {
                fits.read(groupRow, block, scales, zeros);
                int first = block * Grid.LANES;
                for (int i = 0; i < grid.width(block); i++) {
                    level.set(i, parts.scale(groupRow, first + i), parts.zero(groupRow, first + i));
                }
                choice.choose(weights, scales, zeros, level, parts.top());
                for (int i = 0; i < grid.width(block); i++) {
                    parts.store(groupRow, first + i, choice.scaleCode(i), choice.zeroCode(i));
                    packed.store(groupRow, first + i, choice.codes(), i);
                }
            };
        });
        return parts.matrix(packed.segment());
    }
}
