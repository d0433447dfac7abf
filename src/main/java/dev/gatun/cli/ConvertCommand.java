package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.CheckpointException;
import dev.gatun.checkpoint.GatunConversion;
import dev.gatun.engine.cpu.NativeTiler;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code gatun convert}: a model in Gatun's own format, with the same weights. */
@Command(
        name = "convert",
        description =
                "Writes a model in Gatun's own format, without changing a weight: 2-bit experts lie in the order in "
                        + "which they are computed, so that loading is plain reading.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        usageHelpAutoWidth = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  gatun convert IN OUT",
            "      goes on where a run before ended, if OUT holds some of the model",
            "",
            "Exit status: 0 done, 2 a mistake in what was given, 130 Ctrl-C, 1 a bug."
        })
final class ConvertCommand implements Callable<Integer> {
    private final Console console;
    private final AtomicBoolean interrupted;

    @Parameters(paramLabel = "IN", description = "Model folder, or OWNER/NAME that gatun pull downloaded.")
    private Path folder;

    @Parameters(paramLabel = "OUT", description = "Folder to write; it is made if need be.")
    private Path target;

    @Mixin
    private final SourceArguments source = new SourceArguments();

    ConvertCommand(Console console, AtomicBoolean interrupted) {
        this.console = console;
        this.interrupted = interrupted;
    }

    @Override
    public Integer call() {
        try (Checkpoint checkpoint = Checkpoint.open(source.model(folder).forCheckpoint())) {
            GatunConversion conversion = new GatunConversion(checkpoint, NativeTiler.orJava());
            Path written = new LongWork(console, interrupted, "a model was converted").run(progress -> {
                conversion.run(target, (shards, all) -> progress.step("shards written", shards, all));
                return target;
            });
            console.out().println(written + ": written");
        } catch (CheckpointException unusable) {
            throw new GatunException(unusable.getMessage(), unusable);
        }
        return ExitCode.OK;
    }
}
