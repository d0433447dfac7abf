package dev.gatun.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class LoadingProgressTest {
    private static final long EXPERT = 66_400_000;
    private static final long TOTAL = 10 * EXPERT;

    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final AtomicBoolean interrupted = new AtomicBoolean();
    private Instant now = Instant.EPOCH;

    private LoadingProgress progress(boolean terminal, boolean quiet) {
        Console console = new Console(
                new ByteArrayInputStream(new byte[0]),
                new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                terminal,
                terminal);
        return new LoadingProgress(console, quiet, interrupted, () -> now);
    }

    /** Loads ten experts, so many milliseconds each. */
    private String load(LoadingProgress progress, long millis) {
        try (progress) {
            for (int experts = 0; experts <= 10; experts++) {
                progress.loaded(experts * EXPERT, TOTAL);
                now = now.plusMillis(millis);
            }
        }
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void whatTakesAMomentIsNotWorthALine() {
        assertThat(load(progress(false, false), 50)).isEmpty();
        assertThat(load(progress(true, false), 50)).isEmpty();
    }

    @Test
    void whatTakesLongerIsSaidOnceWhereNobodyWatches() {
        assertThat(load(progress(false, false), 60).lines()).containsExactly("loading 664 MB of experts");
    }

    @Test
    void aPersonSeesABarWhichIsTakenAway() {
        assertThat(load(progress(true, false), 400))
                .contains("loading experts", "/633 MiB")
                .containsPattern("\r {78}\r");
    }

    @Test
    void notesAreALineEach() {
        assertThat(Report.notes(List.of("a limit", "another")).lines())
                .containsExactly("note: a limit", "note: another");
        assertThat(Report.notes(List.of())).isEmpty();
    }

    @Test
    void quietMeansQuiet() {
        assertThat(load(progress(true, true), 400)).isEmpty();
        assertThat(load(progress(false, true), 400)).isEmpty();
    }

    @Test
    void ctrlCEndsTheLoadingThoughItIsQuiet() {
        try (LoadingProgress progress = progress(false, true)) {
            progress.loaded(0, TOTAL);
            interrupted.set(true);
            assertThatExceptionOfType(CancellationException.class).isThrownBy(() -> progress.loaded(EXPERT, TOTAL));
        }
    }

    @Test
    void whatIsOpenedIsGivenBackAndACancelledOpeningIsNoBug() {
        assertThat(InterruptHook.<String>duringOpening(interrupted, () -> "model"))
                .isEqualTo("model");
        assertThatExceptionOfType(CancellationException.class)
                .isThrownBy(() -> InterruptHook.duringOpening(interrupted, () -> {
                    throw new CancellationException();
                }));
        assertThat(interrupted).isFalse();
    }
}
