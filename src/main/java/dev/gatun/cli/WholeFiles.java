package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.checkpoint.Checkpoint;
import dev.gatun.checkpoint.CheckpointException;
import dev.gatun.checkpoint.FileSums;
import dev.gatun.checkpoint.Verification;
import dev.gatun.hub.CachedContents;
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
     * Compares a folder's files with their checksums, or with the hashes that a hub's cache has them under, opens the model, and
     * says what it is.
     *
     * @throws GatunException if a file is not whole, or they make no model
     * @throws CancellationException if Ctrl-C came
     */
    void verify(Path folder) {
        try {
            Verification verification = verification(folder);
            requireWhole(verification);
            // Checksums tell what was written, not that it makes a model.
            try (Checkpoint checkpoint = Checkpoint.open(folder)) {
                console.out()
                        .printf(
                                "%s: %d files are whole: %s%n",
                                folder, verification.sums().files().size(), checkpoint.description());
            }
        } catch (CheckpointException unusable) {
            throw new GatunException(unusable.getMessage(), unusable);
        }
    }

    /** A cache names contents by their hashes; what lies elsewhere has a file of checksums. */
    private static Verification verification(Path folder) {
        return CachedContents.of(folder)
                .map(cached -> new Verification(folder, cached))
                .orElseGet(() -> Verification.of(folder));
    }

    private void requireWhole(Verification verification) {
        List<String> damaged = new LongWork(console, interrupted, "files were read")
                .run(progress -> verification.run((read, all) -> progress.step("MiB read", read / STEP, all / STEP)));
        if (!damaged.isEmpty()) {
            FileSums sums = verification.sums();
            throw new GatunException("`" + verification.folder() + "`: not what " + sums.source() + " says: "
                    + String.join(", ", damaged) + "; " + sums.mend());
        }
    }
}
