package dev.gatun.cli;

import dev.gatun.BackendPreference;
import dev.gatun.GatunException;
import dev.gatun.ModelOptions;
import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.CheckpointException;
import dev.gatun.checkpoint.GatunWriter;
import dev.gatun.engine.cpu.DefaultCalibration;
import dev.gatun.engine.cpu.NativeTiler;
import dev.gatun.hub.HubCache;
import dev.gatun.quant.solver.QuantizationException;
import dev.gatun.quant.solver.Solver;
import dev.gatun.quantize.OpenedSolver;
import dev.gatun.quantize.Quantization;
import dev.gatun.quantize.QuantizationPlan;
import dev.gatun.quantize.SolverChoice;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code gatun quantize}: an unquantized model in few bits. */
@Command(
        name = "quantize",
        description = "Quantizes a model from a Hugging Face folder (bf16, fp16 or fp32) into Gatun's own format.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  gatun quantize IN OUT",
            "      experts in 2.53 bits a weight, attention in 4; goes on where a run before ended",
            "  gatun quantize IN OUT --scale-bits 8 --solver hqq",
            "      the published scheme and solver, 3.02 bits a weight",
            "  gatun quantize IN OUT --solver gptq --calibration text.txt",
            "      better, and much slower: fitted to what the text sends through the model",
            "",
            "Exit status: 0 done, 2 a mistake in what was given, 130 Ctrl-C, 1 a bug."
        })
final class QuantizeCommand implements Callable<Integer> {
    private static final long MILLION = 1_000_000;

    private final Console console;
    private final AtomicBoolean interrupted;

    @Parameters(
            paramLabel = "IN",
            description = "Folder of the unquantized model, or OWNER/NAME that gatun pull downloaded.")
    private Path folder;

    @Parameters(paramLabel = "OUT", description = "Folder to write; it is made if need be.")
    private Path target;

    @Option(
            names = "--solver",
            paramLabel = "NAME",
            defaultValue = "least-squares",
            description = "${COMPLETION-CANDIDATES}. Default: least-squares.")
    private SolverChoice solver;

    @Mixin
    private final FormatArguments formats = new FormatArguments();

    @Option(
            names = "--calibration",
            paramLabel = "FILE",
            description = "Text for --solver gptq, in UTF-8. Default: English fiction that comes with Gatun.")
    private Optional<Path> calibration = Optional.empty();

    @Option(names = "--verify", description = "Read everything again at the end, and compare it with its checksums.")
    private boolean verify;

    @Option(
            names = "--backend",
            paramLabel = "NAME",
            defaultValue = "auto",
            description = "Where to compute: auto, cpu or cuda; --solver gptq runs on the CPU. Default: auto.")
    private BackendPreference backend;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "0",
            description = "CPU threads. Default: one per processor.")
    private int threads;

    @Mixin
    private final ConfigArguments source = new ConfigArguments();

    QuantizeCommand(Console console, AtomicBoolean interrupted) {
        this.console = console;
        this.interrupted = interrupted;
    }

    @Override
    public Integer call() {
        int workers = ModelOptions.defaults().withThreads(threads).threads();
        try {
            QuantizationPlan plan = formats.plan(solver);
            Optional<String> text = text();
            GatunWriter.requireNoModel(target);
            try (Checkpoint checkpoint = Checkpoint.open(source.model(folder).forCheckpoint())) {
                int used = workers > 0 ? workers : Runtime.getRuntime().availableProcessors();
                run(checkpoint, plan, text, used);
            }
        } catch (CheckpointException | QuantizationException unusable) {
            throw new GatunException(unusable.getMessage(), unusable);
        }
        if (verify) {
            new WholeFiles(console, interrupted).verify(target);
        }
        return ExitCode.OK;
    }

    private Optional<String> text() {
        Optional<String> given = calibration.map(file -> Utf8Text.of("calibration", file));
        return solver == SolverChoice.GPTQ && given.isEmpty() ? Optional.of(DefaultCalibration.text()) : given;
    }

    private void run(Checkpoint checkpoint, QuantizationPlan plan, Optional<String> text, int used) {
        // What is a mistake is refused before a GPU is touched, which takes seconds.
        Quantization quantization = new Quantization(checkpoint, plan, text, NativeTiler.orJava(), used);
        try (OpenedSolver opened = open(used)) {
            String name = HubCache.modelName(checkpoint.directory());
            console.err()
                    .println(Report.opening(name, checkpoint.description(), opened.description(), opened.reason()));
            run(quantization, opened.solver());
        }
    }

    private OpenedSolver open(int used) {
        return switch (backend) {
            case AUTO -> OpenedSolver.best(solver, used);
            case CPU -> OpenedSolver.cpu(solver, used);
            case CUDA -> OpenedSolver.cuda(solver);
        };
    }

    private void run(Quantization quantization, Solver solver) {
        Path written = new LongWork(console, interrupted, "a model was quantized").run(progress -> {
            quantization.run(
                    target,
                    solver,
                    (weights, all) -> progress.step("million weights", weights / MILLION, all / MILLION));
            return target;
        });
        console.out().println(written + ": written");
    }
}
