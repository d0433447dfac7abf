package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.SessionOptions;
import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.CheckpointException;
import dev.gatun.checkpoint.Inventory;
import dev.gatun.offload.MemoryPlan;
import dev.gatun.offload.ModelSizes;
import dev.gatun.offload.PlanException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code gatun inspect}: what lies in a model folder. */
@Command(
        name = "inspect",
        description =
                "Prints what a model folder holds: tensors, shapes and types, bits a weight of each part, and what "
                        + "would be resident on a GPU.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  gatun inspect DIR",
            "      parts and tensors; * stands for the numbers of layers and experts",
            "  gatun inspect DIR --gpu-memory 12GiB --json",
            "      for machines, with what 12 GiB would hold of it",
            "",
            "Exit status: 0 done, 2 it is no model or does not fit, 1 a bug."
        })
final class InspectCommand implements Callable<Integer> {
    private final Console console;

    @Parameters(paramLabel = "DIR", description = "Model folder, or OWNER/NAME that gatun pull downloaded.")
    private Path folder;

    @Mixin
    private final SourceArguments source = new SourceArguments();

    @Option(
            names = "--gpu-memory",
            paramLabel = "SIZE",
            converter = Units.Size.class,
            description = "Say what would be resident with so much of a GPU's memory: 12GiB.")
    private Optional<Long> gpuMemory = Optional.empty();

    @Option(
            names = {"-c", "--context"},
            paramLabel = "N",
            defaultValue = "0",
            description = "Tokens whose keys and values --gpu-memory has to hold as well. Default: the model's limit, "
                    + "at most " + SessionOptions.DEFAULT_CONTEXT + ".")
    private int context;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    InspectCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        try (Checkpoint checkpoint = Checkpoint.open(source.model(folder).forCheckpoint())) {
            InspectReport report = new InspectReport(checkpoint, Inventory.of(checkpoint), plan(checkpoint));
            console.out().print(json ? report.json() : report.text());
        } catch (CheckpointException | PlanException unusable) {
            throw new GatunException(unusable.getMessage(), unusable);
        }
        return ExitCode.OK;
    }

    private Optional<MemoryPlan> plan(Checkpoint checkpoint) {
        int tokens = ContextLength.of(context, checkpoint.config());
        return gpuMemory.map(bytes -> MemoryPlan.of(
                ModelSizes.stored(checkpoint.config(), checkpoint.weights(), ModelSizes.GPU_CHUNK),
                bytes,
                OptionalLong.empty(),
                tokens));
    }
}
