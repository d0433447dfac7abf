package dev.gatun.jmh;

import dev.gatun.cuda.CudaAvailability;
import dev.gatun.engine.cuda.CudaBackend;
import dev.gatun.engine.cuda.KernelBenchmark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.openjdk.jmh.Main;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.NoBenchmarksException;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * Runs what this machine can of the benchmarks that JMH's own command line selects, keeps the results in a file, and prints
 * them as a table.
 *
 * <p>{@code java -cp … dev.gatun.jmh.Benchmarks KernelBenchmark -p work=experts-q2/1}
 */
public final class Benchmarks {
    private static final String RESULTS = "target/bench/results.json";
    private static final List<Class<?>> ON_GPU = List.of(
            CopyBenchmark.class,
            PinnedLoadBenchmark.class,
            LaunchBenchmark.class,
            ReactionBenchmark.class,
            BothRoadsBenchmark.class,
            DecodeBenchmark.class,
            KernelBenchmark.class);

    private Benchmarks() {}

    /** See the class. */
    public static void main(String[] arguments) throws IOException, CommandLineOptionException, RunnerException {
        CommandLineOptions selected = new CommandLineOptions(arguments);
        if (selected.shouldHelp() || selected.shouldList() || selected.shouldListWithParams()) {
            Main.main(arguments);
            return;
        }
        Path results = Path.of(selected.getResult().orElse(RESULTS));
        Files.createDirectories(results.toAbsolutePath().getParent());
        ChainedOptionsBuilder options = new OptionsBuilder()
                .parent(selected)
                .resultFormat(ResultFormatType.JSON)
                .result(results.toString())
                .shouldFailOnError(selected.shouldFailOnError().orElse(true));
        leaveOutWhatCannotRun(options);
        try {
            new Runner(options.build()).run();
        } catch (NoBenchmarksException none) {
            System.err.println("No benchmark that can run here matches.");
            return;
        }
        BenchmarkTable.print(results, System.out);
    }

    private static void leaveOutWhatCannotRun(ChainedOptionsBuilder options) {
        if (CudaBackend.availability() instanceof CudaAvailability.Unavailable(String reason)) {
            System.err.println("Left out, for they need a GPU: "
                    + String.join(
                            ", ", ON_GPU.stream().map(Class::getSimpleName).toList()) + " (" + reason + ")");
            ON_GPU.forEach(benchmark -> options.exclude(Pattern.quote(benchmark.getName() + ".")));
        }
    }
}
