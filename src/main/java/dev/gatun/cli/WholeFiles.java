package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.CheckpointException;
import dev.gatun.checkpoint.Verification;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Whether a model's files are those that were written.
 *
 * @param console shows how far it is
 * @param interrupted is set when Ctrl-C came
 */
record WholeFiles(Console console, AtomicBoolean interrupted) {
    /** A bar's numbers: 2^31 of them must do for any model. */
    private static final int STEP = 1 << 20;

    /**
     * Compares a folder's files with their checksums, opens the model, and says what it is.
     *
     * @throws GatunException if a file is not whole, or they make no model
     * @throws CancellationException if Ctrl-C came
     */
    void verify(Path folder) {
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
    }

    private void requireWhole(Verification verification) {
        List<String> damaged = new LongWork(console, interrupted, "files were read")
                .run(progress -> verification.run((read, all) -> progress.step("MiB read", read / STEP, all / STEP)));
        if (!damaged.isEmpty()) {
            throw new GatunException("`" + verification.folder() + "`: not what " + verification.source() + " says: "
                    + String.join(", ", damaged) + "; get these files again");
        }
    }
}
