package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.CheckpointException;
import dev.gatun.checkpoint.Verification;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code gatun verify}: whether a model's files are those that were written. */
@Command(
        name = "verify",
        description = "Compares the files of a model with their checksums in SHA256SUMS, and opens the model.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        usageHelpAutoWidth = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  gatun verify DIR",
            "      reads every byte; sha256sum -c SHA256SUMS in the folder does the same",
            "",
            "Exit status: 0 all are whole, 2 one is not or a mistake, 130 Ctrl-C, 1 a bug."
        })
final class VerifyCommand implements Callable<Integer> {
    /** A bar's numbers: 2^31 of them must do for any model. */
    private static final int STEP = 1 << 20;

    private final Console console;
    private final AtomicBoolean interrupted;

    @Parameters(paramLabel = "DIR", description = "Model folder.")
    private Path folder;

    VerifyCommand(Console console, AtomicBoolean interrupted) {
        this.console = console;
        this.interrupted = interrupted;
    }

    @Override
    public Integer call() {
        try {
            Verification verification = Verification.of(folder);
            requireWhole(verification);
            // Checksums tell what was written, not that it makes a model.
            try (Checkpoint checkpoint = Checkpoint.open(folder)) {
                console.out()
                        .printf(
                                "%s: %d files are whole: %s%n",
                                folder, verification.files().size(), checkpoint.description());
            }
        } catch (CheckpointException unusable) {
            throw new GatunException(unusable.getMessage(), unusable);
        }
        return ExitCode.OK;
    }

    private void requireWhole(Verification verification) {
        try (ProgressLine progress = new ProgressLine(console)) {
            List<String> damaged = InterruptHook.duringOpening(
                    interrupted, () -> verification.run((read, all) -> step(progress, read, all)));
            if (!damaged.isEmpty()) {
                throw new GatunException("`" + folder + "`: not what " + verification.source() + " says: "
                        + String.join(", ", damaged) + "; get these files again");
            }
        }
    }

    private void step(ProgressLine progress, long read, long all) {
        if (interrupted.get()) {
            throw new CancellationException("Ctrl-C while files were read");
        }
        progress.step("MiB read", read / STEP, all / STEP);
    }
}
