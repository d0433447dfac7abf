package dev.gatun.engine.cpu;

import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cpu.CpuLevel;
import dev.gatun.cpu.CpuMatrix;
import dev.gatun.cpu.CpuPool;
import dev.gatun.cpu.FloatMatrix;
import dev.gatun.cpu.Product;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.QuantizedMatrix;
import dev.gatun.quant.solver.ErrorFeedbackSolver;
import dev.gatun.quant.solver.Moments;
import dev.gatun.quant.solver.Solver;
import dev.gatun.quant.solver.Target;
import dev.gatun.quant.solver.Workers;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * The experts of one layer, and the tokens of a calibration text that its router sent to each. Each expert is quantized once,
 * or passed if that was done before, in their order: that adds what they give to the residual streams. Valid until its {@link CalibrationText} is
 * closed or enters another layer.
 */
public final class CalibratedExperts {
    /** Tokens that are computed at once. */
    private static final int BATCH = 512;

    private final MixtralConfig config;
    private final List<Window> windows;
    private final int threads;
    private final CpuLevel level;

    CalibratedExperts(MixtralConfig config, List<Window> windows, int threads, CpuLevel level) {
        this.config = config;
        this.windows = windows;
        this.threads = threads;
        this.level = level;
    }

    /**
     * A window of the text before the experts.
     *
     * @param stream the residual stream, [tokens, hidden]
     * @param inputs the experts' inputs, [tokens, hidden]
     * @param choices the chosen experts and their weights
     */
    record Window(FloatMatrix stream, FloatMatrix inputs, List<Choice> choices) {
        /** Copies the inputs, which are the backend's, to a matrix that stays. */
        static Window of(FloatMatrix stream, FloatMatrix inputs, CpuRouting routing) {
            int tokens = stream.rows();
            int[] ids = routing.ids().toArray(ValueLayout.JAVA_INT);
            float[] weights = routing.weights().toArray(ValueLayout.JAVA_FLOAT);
            List<Choice> choices = new ArrayList<>(ids.length);
            inputs.copyFrom(routing.normed().rows(0, tokens).toArray());
            for (int i = 0; i < ids.length; i++) {
                choices.add(new Choice(i / (ids.length / tokens), ids[i], weights[i]));
            }
            return new Window(stream, inputs, choices);
        }
    }

    /** An expert of a token, and the weight of what it gives. */
    record Choice(int token, int expert, float weight) {}

    /** A token of an expert. */
    private record Visit(Window window, Choice choice) {
        float[] input() {
            return window.inputs().rows(choice.token(), 1).toArray();
        }
    }

    /**
     * Quantizes an expert with error feedback, or by plain least squares where it has too few tokens: w1 and w3 for their
     * inputs, w2 for what those make of them when they are quantized.
     *
     * @param expert its number in the layer
     * @param name what its tensors' names begin with, for messages
     * @param original its unquantized weights
     * @param target its scheme must divide all three; its arena is shared between threads, outside the heap
     * @throws dev.gatun.quant.solver.QuantizationException if a weight is a NaN or an infinity
     */
    public ExpertWeights quantize(int expert, String name, ExpertWeights original, Target target) {
        List<Visit> visits = visits(Objects.checkIndex(expert, config.experts()));
        Solver wide = wide(visits, target.workers());
        QuantizedMatrix gate = wide.quantize(name + "w1.weight", (DenseMatrix) original.gate(), target);
        QuantizedMatrix up = wide.quantize(name + "w3.weight", (DenseMatrix) original.up(), target);
        try (CpuPool pool = CpuPool.open(threads, level);
                Arena scratch = Arena.ofShared()) {
            CpuMatrix w1 = CpuWeights.matrix(scratch, gate);
            CpuMatrix w3 = CpuWeights.matrix(scratch, up);
            QuantizedMatrix down = down(pool, w1, w3, visits, target.workers())
                    .quantize(name + "w2.weight", (DenseMatrix) original.down(), target);
            add(pool, w1, w3, CpuWeights.matrix(scratch, down), visits);
            return new ExpertWeights(gate, up, down);
        }
    }

    /** The solver of w1 and w3. */
    private Solver wide(List<Visit> visits, Workers workers) {
        Moments inputs = new Moments(config.hiddenSize());
        for (List<Visit> batch : batches(visits)) {
            inputs.add(batch.stream().map(Visit::input).toArray(float[][]::new), workers);
        }
        return ErrorFeedbackSolver.orLeastSquares(inputs, workers);
    }

    /** The solver of w2, for what the quantized w1 and w3 send it. */
    private Solver down(CpuPool pool, CpuMatrix w1, CpuMatrix w3, List<Visit> visits, Workers workers) {
        Moments middle = new Moments(config.intermediateSize());
        for (List<Visit> batch : batches(visits)) {
            try (Arena scratch = Arena.ofShared()) {
                middle.add(TokenRows.of(middle(scratch, pool, w1, w3, batch)), workers);
            }
        }
        return ErrorFeedbackSolver.orLeastSquares(middle, workers);
    }

    /**
     * Adds what an expert gives that was quantized before.
     *
     * @param expert its number in the layer
     * @param quantized its weights, outside the heap
     */
    public void pass(int expert, ExpertWeights quantized) {
        List<Visit> visits = visits(Objects.checkIndex(expert, config.experts()));
        try (CpuPool pool = CpuPool.open(threads, level);
                Arena scratch = Arena.ofShared()) {
            add(
                    pool,
                    CpuWeights.matrix(scratch, quantized.gate()),
                    CpuWeights.matrix(scratch, quantized.up()),
                    CpuWeights.matrix(scratch, quantized.down()),
                    visits);
        }
    }

    private void add(CpuPool pool, CpuMatrix w1, CpuMatrix w3, CpuMatrix w2, List<Visit> visits) {
        for (List<Visit> batch : batches(visits)) {
            try (Arena scratch = Arena.ofShared()) {
                add(product(scratch, pool, w2, middle(scratch, pool, w1, w3, batch)), batch);
            }
        }
    }

    private List<Visit> visits(int expert) {
        return windows.stream()
                .flatMap(window -> window.choices().stream()
                        .filter(choice -> choice.expert() == expert)
                        .map(choice -> new Visit(window, choice)))
                .toList();
    }

    private static List<List<Visit>> batches(List<Visit> visits) {
        List<List<Visit>> batches = new ArrayList<>();
        for (int from = 0; from < visits.size(); from += BATCH) {
            batches.add(visits.subList(from, Math.min(from + BATCH, visits.size())));
        }
        return batches;
    }

    /** silu(w1 x) * (w3 x) of each token. */
    private FloatMatrix middle(Arena scratch, CpuPool pool, CpuMatrix w1, CpuMatrix w3, List<Visit> batch) {
        FloatMatrix inputs = FloatMatrix.allocate(scratch, batch.size(), config.hiddenSize());
        for (int token = 0; token < batch.size(); token++) {
            inputs.rows(token, 1).copyFrom(batch.get(token).input());
        }
        FloatMatrix gate = product(scratch, pool, w1, inputs);
        FloatMatrix up = product(scratch, pool, w3, inputs);
        IntStream.range(0, batch.size()).parallel().forEach(token -> swiGlu(gate.rows(token, 1), up.rows(token, 1)));
        return up;
    }

    private static void swiGlu(FloatMatrix gate, FloatMatrix up) {
        float[] factors = gate.toArray();
        float[] middle = up.toArray();
        for (int i = 0; i < middle.length; i++) {
            middle[i] *= (float) (factors[i] / (1 + Math.exp(-factors[i])));
        }
        up.copyFrom(middle);
    }

    private static FloatMatrix product(Arena scratch, CpuPool pool, CpuMatrix matrix, FloatMatrix x) {
        FloatMatrix y = FloatMatrix.allocate(scratch, x.rows(), matrix.rows());
        pool.multiply(List.of(new Product(matrix, x, y)));
        return y;
    }

    private static void add(FloatMatrix outputs, List<Visit> batch) {
        // Each is another token's: an expert is chosen once.
        IntStream.range(0, batch.size())
                .parallel()
                .forEach(i -> add(batch.get(i), outputs.rows(i, 1).toArray()));
    }

    private static void add(Visit visit, float[] output) {
        Choice choice = visit.choice();
        FloatMatrix row = visit.window().stream().rows(choice.token(), 1);
        float[] sums = row.toArray();
        for (int i = 0; i < sums.length; i++) {
            sums[i] += choice.weight() * output[i];
        }
        row.copyFrom(sums);
    }
}
