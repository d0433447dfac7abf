package dev.gatun.cli;

import dev.gatun.bench.BenchProgress;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;

/**
 * Work that takes long: a bar shows how far it is, and Ctrl-C ends it at its next step.
 *
 * @param interrupted is set when Ctrl-C came
 * @param what a few words: "a model was converted"
 */
record LongWork(Console console, AtomicBoolean interrupted, String what) {
    /**
     * Does it on this thread.
     *
     * @param work is given what hears of its steps, and returns what it made, not null
     * @throws CancellationException if Ctrl-C came
     */
    <T> T run(Function<BenchProgress, T> work) {
        try (ProgressLine line = new ProgressLine(console)) {
            return InterruptHook.duringOpening(
                    interrupted,
                    () -> work.apply((step, done, all) -> {
                        if (interrupted.get()) {
                            throw new CancellationException("Ctrl-C while " + what);
                        }
                        line.step(step, done, all);
                    }));
        }
    }
}
