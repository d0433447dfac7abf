package dev.gatun.cli;

import dev.gatun.bench.BenchProgress;
import java.io.PrintStream;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A bar on standard error, where a person sees it at once; nothing otherwise. */
final class ProgressLine implements BenchProgress, AutoCloseable {
    private static final int WIDTH = 78;

    private final PrintStream err;
    private final boolean shown;
    private ProgressBar bar;
    private long total;

    ProgressLine(Console console) {
        this.err = console.err();
        this.shown = console.errIsTerminal();
    }

    /** A new bar begins where the total changes. */
    @Override
    public void step(String what, long done, long newTotal) {
        if (!shown) {
            return;
        }
        if (bar == null || newTotal != total) {
            close();
            total = newTotal;
            bar = new ProgressBarBuilder()
                    .setInitialMax(newTotal)
                    .setStyle(ProgressBarStyle.ASCII)
                    .setConsumer(new ConsoleProgressBarConsumer(err, WIDTH))
                    .clearDisplayOnFinish()
                    .build();
        }
        bar.setExtraMessage(" " + what);
        bar.stepTo(done);
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
            bar = null;
        }
    }
}
