package dev.gatun.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code gatun verify}: whether a model's files are those that were written. */
@Command(
        name = "verify",
        description =
                "Compares the files of a model with their checksums in SHA256SUMS, or in a hub's cache with their hashes, "
                        + "and opens the model.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        usageHelpAutoWidth = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  gatun verify DIR",
            "      reads every byte of what the folder's SHA256SUMS names, as sha256sum -c SHA256SUMS does, and opens the model",
            "  gatun verify OWNER/NAME",
            "      reads every byte of a model that gatun pull downloaded, and opens it",
            "",
            "Exit status: 0 all are whole, 2 one is not or a mistake, 130 Ctrl-C, 1 a bug."
        })
final class VerifyCommand implements Callable<Integer> {
    private final Console console;
    private final AtomicBoolean interrupted;

    @Parameters(paramLabel = "DIR", description = "Model folder, or OWNER/NAME that gatun pull downloaded.")
    private Path folder;

    VerifyCommand(Console console, AtomicBoolean interrupted) {
        this.console = console;
        this.interrupted = interrupted;
    }

    @Override
    public Integer call() {
        new WholeFiles(console, interrupted).verify(ModelPlace.of(folder));
        return ExitCode.OK;
    }
}
