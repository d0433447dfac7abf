package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.HostMemoryMode;
import dev.gatun.SessionOptions;
import dev.gatun.SystemInfo;
import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.CheckpointException;
import dev.gatun.hub.HubCache;
import dev.gatun.offload.CostModel;
import dev.gatun.offload.MemoryBudget;
import dev.gatun.offload.MemoryPlan;
import dev.gatun.offload.MissMode;
import dev.gatun.offload.ModelShape;
import dev.gatun.offload.OffloadOptions;
import dev.gatun.offload.PlanException;
import dev.gatun.offload.Prediction;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code gatun plan}: what goes where in a GPU's memory, and how fast that would decode. */
@Command(
        name = "plan",
        description = "Prints what of a model fits a GPU, what lies in host memory, and the speed to expect of that.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  gatun plan -m DIR",
            "      your own model on this machine's GPU",
            "  gatun plan --shape mixtral-8x7b --bits 2.53 --gpu-memory 16GiB",
            "      a model and a GPU that are not here",
            "  gatun plan --shape mixtral-8x22b --gpu-memory 24GiB --link 25GB/s",
            "      a GPU on PCIe 4",
            "",
            "The speed is that of decoding one sequence, where every expert is as likely",
            "as any other, and missing ones are fetched and computed by the CPU at once: at",
            "most, if neither is ever idle, and to expect, with what short kernels and the",
            "host's reaction add. gatun info measures the three rates of this machine.",
            "Exit status: 0 it fits, 2 it does not or a mistake in what was given, 1 a bug."
        })
final class PlanCommand implements Callable<Integer> {
    /** One of the two. */
    static final class Source {
        @Option(
                names = {"-m", "--model"},
                paramLabel = "DIR",
                description = "Model folder, or OWNER/NAME, which gatun pull downloaded.")
        Optional<Path> folder = Optional.empty();

        @Option(
                names = "--shape",
                paramLabel = "NAME",
                description = "A model that need not be here: mixtral-8x7b, mixtral-8x22b, or sizes: "
                        + "hidden=4096,ffn=14336,layers=32,experts=8,top=2,heads=32,kv-heads=8,vocab=32000.")
        Optional<String> shape = Optional.empty();
    }

    private final Console console;

    @ArgGroup
    private Source source = new Source();

    @Mixin
    private final SourceArguments reading = new SourceArguments();

    @Option(
            names = "--bits",
            paramLabel = "B",
            description =
                    "Plan for 4-bit attention and experts of 3.0 bits a weight (the published checkpoint's scheme) "
                            + "or 2.53. Default: 3.0 for a shape; for a folder, what lies there.")
    private Optional<String> bits = Optional.empty();

    @Option(
            names = "--gpu-memory",
            paramLabel = "SIZE",
            converter = Units.Size.class,
            description = "What may be used of the GPU's memory: 12GiB. Default: what is free here, less 512 MiB.")
    private Optional<Long> gpuMemory = Optional.empty();

    @Option(
            names = "--host-memory",
            paramLabel = "SIZE",
            converter = Units.Size.class,
            description = "What may be pinned of the host's memory: 64GiB. Default: as much as is needed.")
    private Optional<Long> hostMemory = Optional.empty();

    @Option(
            names = "--host-mode",
            paramLabel = "NAME",
            defaultValue = "auto",
            description = "What the host's memory holds: inclusive (every expert), exclusive (those that are not on "
                    + "the GPU), or auto, by what fits. Default: auto.")
    private HostMemoryMode hostMode;

    @Option(
            names = "--most-experts",
            paramLabel = "N",
            description = "Keep no more than so many experts on the GPU, all layers together. Default: as many as fit.")
    private Optional<Integer> mostExperts = Optional.empty();

    @Option(
            names = {"-c", "--context"},
            paramLabel = "N",
            defaultValue = "0",
            description = "Tokens that prompt and answer can have together. Default: the model's limit, at most "
                    + SessionOptions.DEFAULT_CONTEXT + ".")
    private int context;

    @Option(
            names = "--link",
            paramLabel = "RATE",
            converter = Units.Rate.class,
            defaultValue = "52GB/s",
            description = "From host to GPU, as measured with pinned memory. Default: 52GB/s, PCIe 5 x16.")
    private double link;

    @Option(
            names = "--hbm",
            paramLabel = "RATE",
            converter = Units.Rate.class,
            defaultValue = "3000GB/s",
            description = "The GPU reading its own memory. Default: 3000GB/s, an H100.")
    private double hbm;

    @Option(
            names = "--dram",
            paramLabel = "RATE",
            converter = Units.Rate.class,
            defaultValue = "120GB/s",
            description = "The CPU reading the host's memory. Default: 120GB/s, sixteen cores beside an H100.")
    private double dram;

    @Option(
            names = "--cpu",
            paramLabel = "RATE",
            converter = Units.Rate.class,
            description = "The CPU computing experts where they lie. Default: 0.7 of --dram.")
    private Optional<Double> cpu = Optional.empty();

    @Mixin
    private final MissArguments misses = new MissArguments();

    PlanCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        try {
            if (source.folder.isPresent()) {
                planFolder(source.folder.get());
            } else {
                ModelShape model = ModelShape.parse(source.shape.orElseThrow(PlanCommand::missing));
                plan(PlannedModel.quantized(model.name(), model.config(), Bits.format(bits.orElse("3.0"))));
            }
        } catch (PlanException | CheckpointException impossible) {
            throw new GatunException(impossible.getMessage(), impossible);
        }
        return ExitCode.OK;
    }

    private static GatunException missing() {
        return new GatunException("model: there is none; name one with -m DIR or --shape mixtral-8x7b");
    }

    private void planFolder(Path folder) {
        try (Checkpoint checkpoint = Checkpoint.open(reading.model(folder).forCheckpoint())) {
            String name = HubCache.modelName(checkpoint.directory());
            plan(bits.map(Bits::format)
                    .map(format -> PlannedModel.quantized(name, checkpoint.config(), format))
                    .orElseGet(() -> PlannedModel.stored(name, checkpoint)));
        }
    }

    private void plan(PlannedModel model) {
        int tokens = ContextLength.of(context, model.config());
        long gpu = gpuMemory.orElseGet(PlanCommand::freeHere);
        OptionalLong host = hostMemory.map(OptionalLong::of).orElse(OptionalLong.empty());
        MemoryBudget budget = new MemoryBudget(gpu, host, OffloadArguments.planned(hostMode), mostExperts(), tokens);
        MemoryPlan plan = MemoryPlan.of(model.sizes(), budget);
        CostModel costs = CostModel.of(link, hbm, cpu.orElse(CostModel.CPU_SHARE * dram));
        MissMode mode = MissMode.valueOf(misses.chosen().name());
        PlanTable.print(console.out(), model.name(), plan, mode == MissMode.FETCH ? 0 : model.kept());
        SpeedTable.print(console.out(), costs, mode, open -> Prediction.uniform(plan, costs, open, model.parts()));
    }

    private OptionalInt mostExperts() {
        int most = mostExperts.orElse(0);
        if (most < 0) {
            throw new GatunException("most experts: " + most + " is negative");
        }
        return mostExperts.map(OptionalInt::of).orElse(OptionalInt.empty());
    }

    private static long freeHere() {
        return SystemInfo.freeGpuMemory()
                        .orElseThrow(() -> new GatunException("GPU memory: there is no GPU here (" + SystemInfo.gpus()
                                + "); say how much to plan for with --gpu-memory 12GiB"))
                - OffloadOptions.MARGIN;
    }
}
