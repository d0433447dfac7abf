package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.bench.BenchProgress;
import dev.gatun.hub.FileSelection;
import dev.gatun.hub.HubException;
import dev.gatun.hub.HubPull;
import dev.gatun.hub.ModelReference;
import dev.gatun.hub.PullListener;
import dev.gatun.hub.PullProgress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code gatun pull}: a model from a hub. */
@Command(
        name = "pull",
        description =
                "Downloads a model from a hub to the cache that other tools share, and prints its folder. Files that are "
                        + "there are not downloaded again; what was begun is continued; every hash is checked.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  gatun pull mistralai/Mixtral-8x7B-v0.1",
            "  gatun generate -m mistralai/Mixtral-8x7B-v0.1",
            "      downloads, then runs; the second needs no network",
            "  gatun pull OWNER/NAME@v1.0 --dir model",
            "      plain files of a tag, in a folder of your own",
            "",
            "Environment: HF_TOKEN opens private models (or the token that logging in with",
            "other tools stored), HF_ENDPOINT is another hub's address, HF_HUB_CACHE or",
            "HF_HOME another cache, HF_HUB_OFFLINE=1 keeps off the network.",
            "Exit status: 0 done, 2 it cannot be had or a mistake in what was given,",
            "130 Ctrl-C, 1 a bug."
        })
final class PullCommand implements Callable<Integer> {
    /** At most one of them. */
    static final class Choice {
        @Option(names = "--all", description = "All files, not only those that it takes to run the model.")
        private boolean all;

        @Option(
                names = "--include",
                paramLabel = "PATTERN",
                description = "Only files whose path matches: * for any text, ? for any character. May be repeated.")
        private List<String> patterns = List.of();

        private FileSelection selection() {
            if (all) {
                return new FileSelection.All();
            }
            return patterns.isEmpty() ? new FileSelection.Needed() : new FileSelection.Matching(patterns);
        }
    }

    private final Console console;
    private final AtomicBoolean interrupted;

    @Parameters(
            paramLabel = "OWNER/NAME[@REV]",
            description = "The model, and a branch, tag or commit of it. Default: @" + ModelReference.MAIN + ".")
    private String model;

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            description =
                    "Put plain files into this folder, instead of the cache. Files of the same name are replaced.")
    private Optional<Path> folder = Optional.empty();

    @ArgGroup
    private Choice choice = new Choice();

    PullCommand(Console console, AtomicBoolean interrupted) {
        this.console = console;
        this.interrupted = interrupted;
    }

    @Override
    public Integer call() {
        console.out().println(pulled());
        return ExitCode.OK;
    }

    private Path pulled() {
        try {
            ModelReference reference = ModelReference.parse(model);
            HubPull pull = new HubPull(ModelPlace.settings());
            return new LongWork(console, interrupted, "a model was downloaded")
                    .run(progress -> pull(pull, reference, report -> show(progress, report)));
        } catch (HubException failure) {
            throw new GatunException(failure.getMessage(), failure);
        }
    }

    private Path pull(HubPull pull, ModelReference reference, PullListener listener) {
        return folder.isPresent()
                ? pull.toFolder(reference, choice.selection(), folder.get(), listener)
                : pull.toCache(reference, choice.selection(), listener);
    }

    private static void show(BenchProgress line, PullProgress progress) {
        line.step(
                "MiB, %d of %d files".formatted(progress.files(), progress.allFiles()),
                progress.bytes() >> 20,
                progress.allBytes() >> 20);
    }
}
