package dev.gatun.cli;

import dev.gatun.GenerationListener;
import dev.gatun.Session;
import dev.gatun.Token;
import java.io.PrintStream;
import java.util.concurrent.atomic.AtomicBoolean;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Prints tokens as they come, and a bar while a long prompt is processed. */
final class TextPrinter implements GenerationListener, AutoCloseable {
    private static final int BAR_WIDTH = 78;

    private final PrintStream out;
    private final PrintStream err;
    private final Session session;
    private final AtomicBoolean interrupted;
    private final boolean text;
    private final boolean progress;
    private ProgressBar bar;

    TextPrinter(Console console, Session session, AtomicBoolean interrupted, boolean text, boolean progress) {
        this.out = console.out();
        this.err = console.err();
        this.session = session;
        this.interrupted = interrupted;
        this.text = text;
        this.progress = progress;
    }

    @Override
    public void prompt(int done, int total) {
        heedInterrupt();
        if (progress && bar == null && done < total) {
            bar = new ProgressBarBuilder()
                    .setTaskName("prompt")
                    .setUnit(" tokens", 1)
                    .setInitialMax(total)
                    .setStyle(ProgressBarStyle.ASCII)
                    .setConsumer(new ConsoleProgressBarConsumer(err, BAR_WIDTH))
                    .clearDisplayOnFinish()
                    .build();
        }
        if (bar != null) {
            bar.stepTo(done);
        }
        if (done == total) {
            close();
        }
    }

    @Override
    public void token(Token token) {
        heedInterrupt();
        if (text) {
            out.print(token.text());
            out.flush();
            // Whoever read the text has gone away (`| head`): nothing more to do.
            if (out.checkError()) {
                session.cancel();
            }
        }
    }

    /** Ctrl-C may have come before the generation began, when there was nothing to cancel yet. */
    private void heedInterrupt() {
        if (interrupted.get()) {
            session.cancel();
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
            bar = null;
        }
    }
}
