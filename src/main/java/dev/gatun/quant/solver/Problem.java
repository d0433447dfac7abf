package dev.gatun.quant.solver;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.QuantizedMatrix;
import java.util.function.Supplier;

/**
 * A matrix to be quantized, and the steps that all solvers have in common.
 *
 * @param name the tensor's, for messages
 * @param weights [N, K]
 * @param target its scheme divides the shape
 * @param grid its groups
 */
record Problem(String name, DenseMatrix weights, Target target, Grid grid) {
    static Problem of(String name, DenseMatrix weights, Target target) {
        target.requireDivides(name, weights);
        Grid grid = new Grid(weights.rows(), weights.columns(), target.scheme().groupSize());
        return new Problem(name, weights, target, grid);
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
        target.workers().run(grid.groupRows(), groupRow -> {
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
    QuantizedMatrix encode(GroupFits fits, CodeSearch search) {
        MatrixParts parts = MatrixParts.fit(target, fits);
        PackedCodes packed = new PackedCodes(target, grid);
        forEachBlock(() -> {
            CodeChoice choice = new CodeChoice(grid.groupSize(), Grid.LANES, target.top(), search);
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
