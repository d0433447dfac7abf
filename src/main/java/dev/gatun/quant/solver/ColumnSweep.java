package dev.gatun.quant.solver;

import java.util.Arrays;

/**
 * Rounds all columns of some rows of groups, one after the other, with error feedback. Rows know nothing of each other, so
 * sweeps over different rows run at once. One object serves one thread.
 */
final class ColumnSweep {
    /** Columns that hear of an error together: so many times less memory is read. */
    private static final int BLOCK = 16;

    /** Errors that a block hears of at a time. */
    private static final int HEARD = 64;

    private final Problem problem;
    private final Feedback feedback;
    private final int first;
    private final int count;
    private final LeastSquaresFit fit;
    private final CodeChoice choice;
    private final LevelLanes level;
    private final float[] scales;
    private final float[] zeros;
    /** By column, the rows of a group one after the other: the weights, and from when it is rounded on what it lacks. */
    private final float[][] weights;
    /** The same by place. */
    private final float[][] ordered;
    /** The columns of the present block, with what they hear of errors. */
    private final float[][] fed;
    /** The present column, [groupSize][count]. */
    private final float[][] values;

    /**
     * A sweep over some rows of groups.
     *
     * @param first the first row of groups
     * @param count how many, at most {@link Grid#LANES}
     */
    ColumnSweep(Problem problem, Feedback feedback, CodeSearch search, int first, int count) {
        Grid grid = problem.grid();
        this.problem = problem;
        this.feedback = feedback;
        this.first = first;
        this.count = count;
        this.fit = new LeastSquaresFit(grid.groupSize(), count, problem.target().top());
        this.choice = new CodeChoice(grid.groupSize(), count, problem.target().top(), search);
        this.level = new LevelLanes(count);
        this.scales = new float[count];
        this.zeros = new float[count];
        this.weights = new float[grid.columns()][grid.groupSize() * count];
        this.ordered = new float[grid.columns()][];
        Arrays.setAll(ordered, place -> weights[feedback.column(place)]);
        this.fed = new float[BLOCK][grid.groupSize() * count];
        this.values = new float[grid.groupSize()][count];
    }

    /**
     * Rounds the columns.
     *
     * @param parts has the second level; receives scale and zero codes
     * @param packed receives the codes
     */
    void run(MatrixParts parts, PackedCodes packed) {
        load();
        for (int begin = 0; begin < feedback.places(); begin += BLOCK) {
            int end = Math.min(begin + BLOCK, feedback.places());
            begin(begin, end);
            for (int place = begin; place < end; place++) {
                round(feedback.column(place), fed[place - begin], parts, packed);
                for (int next = place + 1; next < end; next++) {
                    feed(place, place + 1, next, fed[next - begin]);
                }
            }
        }
    }

    /** Tells a block of all errors before it, some at a time that fit a second-level cache. */
    private void begin(int begin, int end) {
        for (int place = begin; place < end; place++) {
            System.arraycopy(ordered[place], 0, fed[place - begin], 0, fed[place - begin].length);
        }
        for (int first = 0; first < begin; first += HEARD) {
            int last = Math.min(first + HEARD, begin);
            for (int place = begin; place < end; place++) {
                feed(first, last, place, fed[place - begin]);
            }
        }
    }

    /** Tells a place of the errors at places [first, last). */
    private void feed(int first, int last, int place, float[] target) {
        RowProducts.add(target, 0, target.length, ordered, feedback.factors(place), first, last);
    }

    private void load() {
        Grid grid = problem.grid();
        Strip strip = new Strip(problem);
        float[][] block = new float[grid.groupSize()][Grid.LANES];
        for (int lane = 0; lane < count; lane++) {
            strip.load(first + lane);
            for (int column = 0; column < grid.columns(); column++) {
                if (column % Grid.LANES == 0) {
                    strip.block(column / Grid.LANES, block);
                }
                for (int row = 0; row < grid.groupSize(); row++) {
                    weights[column][row * count + lane] = block[row][column % Grid.LANES];
                }
            }
        }
    }

    private void round(int column, float[] fedColumn, MatrixParts parts, PackedCodes packed) {
        for (int row = 0; row < values.length; row++) {
            System.arraycopy(fedColumn, row * count, values[row], 0, count);
        }
        fit.fit(values, scales, zeros);
        for (int lane = 0; lane < count; lane++) {
            level.set(lane, parts.scale(first + lane, column), parts.zero(first + lane, column));
        }
        choice.choose(values, scales, zeros, level, parts.top());
        for (int lane = 0; lane < count; lane++) {
            parts.store(first + lane, column, choice.scaleCode(lane), choice.zeroCode(lane));
            packed.store(first + lane, column, choice.codes(), lane);
            takeError(column, lane, parts);
        }
    }

    private void takeError(int column, int lane, MatrixParts parts) {
        float scale = parts.scale(first + lane, column).value(choice.scaleCode(lane));
        float zero = parts.zero(first + lane, column).value(choice.zeroCode(lane));
        for (int row = 0; row < values.length; row++) {
            weights[column][row * count + lane] -= (choice.codes()[row][lane] - zero) * scale;
        }
    }
}
