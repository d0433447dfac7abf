package dev.gatun.quant.solver;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.QuantizedMatrix;
import java.util.Arrays;

/**
 * Half-Quadratic Quantization (Badri and Shaji, 2023) as version 0.1.1 of the original library does it on a GPU, in binary16:
 * scales come from the range of a group, and zeros minimize the p-norm, p = 0.7, of the error, in at most 20 rounds that all
 * groups of a matrix make together until the mean error falls no more. A second level of 8 bits is the original's too, so that what is
 * stored is the same byte for byte, but for scales that differ too little for the original's steps; where it has 4 bits, codes
 * are rounded again.
 */
public record HqqSolver() implements Solver {
    @Override
    public QuantizedMatrix quantize(String name, DenseMatrix weights, Target target) {
        Problem problem = Problem.of(name, weights, target);
        GroupFits fits = begin(problem);
        HqqSchedule.run(beta -> improve(problem, fits, beta));
        return switch (target.scheme()) {
            case HqqScheme wide -> encode(problem, fits, wide);
            case NarrowScheme narrow -> problem.encode(fits, CodeSearch.NEAREST);
        };
    }

    private static GroupFits begin(Problem problem) {
        GroupFits fits = new GroupFits(problem.grid());
        problem.forEachBlock(() -> {
            HqqRounds rounds = new HqqRounds(problem.target().top());
            float[] scales = new float[Grid.LANES];
            float[] zeros = new float[Grid.LANES];
            return (groupRow, block, weights) -> {
                rounds.begin(weights, scales, zeros);
                fits.write(groupRow, block, scales, zeros);
            };
        });
        return fits;
    }

    /** Moves all zeros; returns the mean of the errors' magnitudes with those before, which is a binary16 too. */
    private static double improve(Problem problem, GroupFits fits, double beta) {
        Grid grid = problem.grid();
        double[] errors = new double[grid.groupRows()];
        problem.forEachBlock(() -> {
            HqqRounds rounds = new HqqRounds(problem.target().top());
            float[] scales = new float[Grid.LANES];
            float[] zeros = new float[Grid.LANES];
            return (groupRow, block, weights) -> {
                fits.read(groupRow, block, scales, zeros);
                errors[groupRow] += rounds.improve(weights, grid.width(block), zeros, beta);
                fits.write(groupRow, block, scales, zeros);
            };
        });
        // In order, whatever the threads did.
        return HqqSchedule.meanError(Arrays.stream(errors).sum(), grid.rows(), grid.columns());
    }

    private static QuantizedMatrix encode(Problem problem, GroupFits fits, HqqScheme scheme) {
        Grid grid = problem.grid();
        HqqSecondLevel level = HqqSecondLevel.of(fits, scheme);
        HqqParts parts = new HqqParts(
                scheme, grid, level.scales(), level.zeros(), problem.target().arena());
        PackedCodes packed = new PackedCodes(problem.target(), grid);
        problem.forEachBlock(() -> {
            HqqRounds rounds = new HqqRounds(problem.target().top());
            float[] scales = new float[Grid.LANES];
            float[] zeros = new float[Grid.LANES];
            float[][] codes = new float[grid.groupSize()][Grid.LANES];
            return (groupRow, block, weights) -> {
                fits.read(groupRow, block, scales, zeros);
                rounds.codes(weights, zeros, codes);
                for (int i = 0; i < grid.width(block); i++) {
                    int column = block * Grid.LANES + i;
                    int group = grid.group(groupRow, column);
                    parts.store(groupRow, column, level.scaleCode(group, scales[i]), level.zeroCode(zeros[i]));
                    packed.store(groupRow, column, codes, i);
                }
            };
        });
        return parts.matrix(packed.segment());
    }
}
