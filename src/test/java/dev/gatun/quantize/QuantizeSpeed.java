package dev.gatun.quantize;

import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.ExpertWeights;
import dev.gatun.engine.cpu.NativeTiler;
import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.QuantizedMatrix;
import dev.gatun.quant.WeightMatrix;
import dev.gatun.quant.solver.Solver;
import dev.gatun.quant.solver.Target;
import dev.gatun.quant.solver.Workers;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * How long {@code gatun quantize} takes for an 8x7B, by measured layers of its full size: a model of one layer and one of
 * several are quantized from the page cache to the disk, and what each further layer took is 31 times added to the first.
 *
 * <p>{@code java -cp ... dev.gatun.quantize.QuantizeSpeed FOLDER auto|cpu|cuda [hqq|least-squares] [LAYERS] [DIVISOR]}. The
 * folder needs room for 4.4 GB and 3.4 GB more for each layer; what it holds from a run before is used again.
 */
public final class QuantizeSpeed {
    private static final int MODEL_LAYERS = 32;

    private final Path folder;
    private final QuantizationPlan plan;
    private final int divisor;
    private final int threads = Runtime.getRuntime().availableProcessors();

    private QuantizeSpeed(Path folder, SolverChoice choice, int divisor) {
        this.folder = folder;
        this.plan = new QuantizationPlan(choice, PartFormat.narrow(2, 16), PartFormat.wide(4, 64), PartFormat.asItIs());
        this.divisor = divisor;
    }

    public static void main(String[] arguments) throws IOException {
        Function<Integer, Optional<String>> argument =
                i -> i < arguments.length ? Optional.of(arguments[i]) : Optional.empty();
        SolverChoice choice = argument.apply(2)
                .map(name -> SolverChoice.valueOf(name.toUpperCase(Locale.ROOT).replace('-', '_')))
                .orElse(SolverChoice.LEAST_SQUARES);
        int layers = argument.apply(3).map(Integer::valueOf).orElse(4);
        int divisor = argument.apply(4).map(Integer::valueOf).orElse(1);
        QuantizeSpeed speed = new QuantizeSpeed(Path.of(arguments[0]), choice, divisor);
        try (OpenedSolver opened = speed.open(arguments[1])) {
            System.out.printf("%s on %s; %s%n", choice, opened.description(), opened.reason());
            speed.measure(opened.solver(), layers);
        }
    }

    private OpenedSolver open(String backend) {
        return switch (backend) {
            case "auto" -> OpenedSolver.best(plan.solver(), threads);
            case "cpu" -> OpenedSolver.cpu(plan.solver(), threads);
            case "cuda" -> OpenedSolver.cuda(plan.solver());
            default -> throw new IllegalArgumentException("backend: " + backend);
        };
    }

    private void measure(Solver solver, int layers) throws IOException {
        Path one = source(1);
        Path several = source(layers);
        matrices(solver, one);
        // Once more than is counted: the first run compiles, and brings files to the page cache.
        quantize(solver, one);
        double first = quantize(solver, one);
        double all = quantize(solver, several);
        double layer = (all - first) / (layers - 1);
        System.out.printf(
                Locale.ROOT,
                "a model of 1 layer: %.2f s; of %d: %.2f s; a further layer: %.2f s; of %d layers so: %.0f s%n",
                first,
                layers,
                all,
                layer,
                MODEL_LAYERS,
                first + (MODEL_LAYERS - 1) * layer);
    }

    private Path source(int layers) throws IOException {
        Path source = folder.resolve("source-" + layers + "-" + divisor);
        if (!Files.exists(source.resolve("config.json"))) {
            SyntheticSource.write(source, layers, divisor);
        }
        return source;
    }

    /** Matrices of an expert by themselves, from memory to memory. */
    private void matrices(Solver solver, Path source) {
        try (Checkpoint checkpoint = Checkpoint.open(source);
                Workers workers = Workers.open(threads)) {
            ExpertWeights expert =
                    checkpoint.weights().layers().getFirst().experts().getFirst();
            for (WeightMatrix matrix : List.of(expert.gate(), expert.down())) {
                DenseMatrix weights = (DenseMatrix) matrix;
                one(solver, weights, workers);
                for (int atOnce = 1; atOnce <= solver.matricesAtOnce(); atOnce *= 2) {
                    print(weights, atOnce, seconds(solver, weights, workers, atOnce));
                }
            }
        }
    }

    private static void print(DenseMatrix weights, int atOnce, double seconds) {
        System.out.printf(
                Locale.ROOT,
                "%d x %d, %d at once: %.1f ms each, %.2f G weights/s%n",
                weights.rows(),
                weights.columns(),
                atOnce,
                seconds * 1e3,
                (double) weights.rows() * weights.columns() / seconds / 1e9);
    }

    private double seconds(Solver solver, DenseMatrix weights, Workers workers, int atOnce) {
        int count = 4 * atOnce;
        try (Workers callers = Workers.open(atOnce)) {
            long begin = System.nanoTime();
            callers.run(count, i -> one(solver, weights, workers));
            return (System.nanoTime() - begin) / 1e9 / count;
        }
    }

    private void one(Solver solver, DenseMatrix weights, Workers workers) {
        try (Arena arena = Arena.ofShared()) {
            QuantizedMatrix matrix = solver.quantize(
                    "w", weights, Target.of(plan.experts().scheme().orElseThrow(), arena, workers));
            if (matrix.rows() != weights.rows()) {
                throw new IllegalStateException("a matrix of another shape");
            }
        }
    }

    /** Seconds from opening the source to the last byte on the disk. */
    private double quantize(Solver solver, Path source) throws IOException {
        Path target = folder.resolve("target");
        delete(target);
        long begin = System.nanoTime();
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            new Quantization(checkpoint, plan, Optional.empty(), NativeTiler.orJava(), threads)
                    .run(target, solver, (weights, all) -> {});
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        delete(target);
        return seconds;
    }

    private static void delete(Path target) throws IOException {
        if (Files.exists(target)) {
            try (Stream<Path> files = Files.walk(target)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }
}
