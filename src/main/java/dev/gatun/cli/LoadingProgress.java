package dev.gatun.cli;

import dev.gatun.LoadingListener;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * Says on standard error that experts are loaded, once that takes longer than a moment: a bar where a person sees it at once,
 * one line otherwise. Ctrl-C ends the loading, whether it is shown or not.
 */
final class LoadingProgress implements LoadingListener, AutoCloseable {
    /** What loads faster needs no bar. */
    static final Duration MOMENT = Duration.ofMillis(500);

    private static final int WIDTH = 78;

    private final PrintStream err;
    private final boolean terminal;
    private final boolean quiet;
    private final AtomicBoolean interrupted;
    private final InstantSource clock;
    private Instant begun;
    private boolean said;
    private ProgressBar bar;

    LoadingProgress(Console console, boolean quiet, AtomicBoolean interrupted, InstantSource clock) {
        this.err = console.err();
        this.terminal = console.errIsTerminal();
        this.quiet = quiet;
        this.interrupted = interrupted;
        this.clock = clock;
    }

    /**
     * Shows how far it is.
     *
     * @throws CancellationException if Ctrl-C came
     */
    @Override
    public void loaded(long bytes, long total) {
        if (interrupted.get()) {
            throw new CancellationException("Ctrl-C while experts were loaded");
        }
        if (bytes == total) {
            close();
        } else if (!quiet && isLong()) {
            show(bytes, total);
        }
    }

    private boolean isLong() {
        if (begun == null) {
            begun = clock.instant();
        }
        return Duration.between(begun, clock.instant()).compareTo(MOMENT) >= 0;
    }

    private void show(long bytes, long total) {
        if (!said) {
            said = true;
            begin(total);
        }
        if (bar != null) {
            bar.stepTo(bytes >> 20);
        }
    }

    private void begin(long total) {
        if (terminal) {
            bar = new ProgressBarBuilder()
                    .setTaskName("loading experts")
                    .setUnit(" MiB", 1)
                    .setInitialMax(total >> 20)
                    .setStyle(ProgressBarStyle.ASCII)
                    .setConsumer(new ConsoleProgressBarConsumer(err, WIDTH))
                    .clearDisplayOnFinish()
                    .build();
        } else {
            err.printf(Locale.ROOT, "loading %s of experts%n", Units.gigabytes(total));
        }
    }

    /** Takes the bar away. */
    @Override
    public void close() {
        if (bar != null) {
            bar.close();
            bar = null;
            // Once more: on a busy machine the bar's own thread may draw it last.
            err.print("\r" + " ".repeat(WIDTH) + "\r");
            err.flush();
        }
    }
}
