package dev.gatun.quant.solver;

/**
 * Rounds all columns of some rows of groups, one after the other, with error feedback. Rows know nothing of each other, so
 * sweeps over different rows run at once. One object serves one thread.
 */
final class ColumnSweep {
    /** Columns that hear of an error together: so many times less memory is read. */
    private static final int BLOCK = 16;

    private final Problem problem;
    private final Feedback feedback;
    private final int first;
    private final int count;
    private final LeastSquaresFit fit;
    private final CodeChoice choice;
    private final LevelLanes level;
    private final float[] scales;
    private final float[] zeros;
    /** By column, row of a group and group row: the weights, and from when a column is rounded what it lacks. */
    private final float[][][] weights;
    /** The columns of the present block, with what they hear of errors. */
    private final float[][][] fed;

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
        this.weights = new float[grid.columns()][grid.groupSize()][count];
        this.fed = new float[BLOCK][grid.groupSize()][count];
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
                    feed(place, next, fed[next - begin]);
                }
            }
        }
    }

    /** Tells a block of all errors before it. */
    private void begin(int begin, int end) {
        for (int place = begin; place < end; place++) {
            float[][] source = weights[feedback.column(place)];
            for (int row = 0; row < source.length; row++) {
                System.arraycopy(source[row], 0, fed[place - begin][row], 0, count);
            }
        }
        for (int from = 0; from < begin; from++) {
            for (int place = begin; place < end; place++) {
                feed(from, place, fed[place - begin]);
            }
        }
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
                    weights[column][row][lane] = block[row][column % Grid.LANES];
                }
            }
        }
    }

    private void feed(int from, int place, float[][] target) {
        float factor = feedback.factors(place)[from];
        float[][] errors = weights[feedback.column(from)];
        for (int row = 0; row < target.length; row++) {
            add(errors[row], factor, target[row]);
        }
    }

    private static void add(float[] errors, float factor, float[] target) {
        for (int i = 0; i < target.length; i++) {
            target[i] += errors[i] * factor;
        }
    }

    private void round(int column, float[][] values, MatrixParts parts, PackedCodes packed) {
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
        for (int row = 0; row < weights[column].length; row++) {
            weights[column][row][lane] -= (choice.codes()[row][lane] - zero) * scale;
        }
    }
}
