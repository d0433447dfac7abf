package dev.gatun.bench;

import dev.gatun.GatunException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/** Runs the tests of a benchmark, one after the other, each several times. */
public final class BenchRunner {
    private final BenchSubject subject;
    private final BenchPlan plan;
    private final BenchProgress progress;
    private final BooleanSupplier stopped;
    private int done;

    /**
     * Makes a runner.
     *
     * @param stopped whether to end, asked before every run
     */
    public BenchRunner(BenchSubject subject, BenchPlan plan, BenchProgress progress, BooleanSupplier stopped) {
        this.subject = subject;
        this.plan = plan;
        this.progress = progress;
        this.stopped = stopped;
    }

    /**
     * Measures. When it is stopped, what was measured until then is returned.
     *
     * @throws GatunException if a sequence of the subject cannot hold a test's tokens
     */
    public List<BenchResult> run() {
        requireRoom();
        List<BenchResult> results = new ArrayList<>();
        for (BenchTest test : plan.tests()) {
            List<Measurement> runs = repeat(test);
            if (!runs.isEmpty()) {
                results.add(new BenchResult(test, runs));
            }
        }
        return results;
    }

    private void requireRoom() {
        int needed = plan.longestSequence();
        if (needed > subject.maxTokens()) {
            throw new GatunException("context: the tests need " + needed + " tokens, and a sequence holds "
                    + subject.maxTokens() + "; choose shorter ones, or a longer --context");
        }
    }

    private List<Measurement> repeat(BenchTest test) {
        List<Measurement> runs = new ArrayList<>();
        plan.warmUp(test).ifPresent(warmUp -> once(warmUp, "warm-up"));
        for (int i = 0; i < plan.repetitions(); i++) {
            once(test, test.label()).ifPresent(runs::add);
        }
        return runs;
    }

    /** A run during which it was stopped counts for nothing. */
    private Optional<Measurement> once(BenchTest test, String label) {
        if (stopped.getAsBoolean()) {
            return Optional.empty();
        }
        progress.step(label, done++, plan.steps());
        Measurement run = test.run(subject);
        return stopped.getAsBoolean() ? Optional.empty() : Optional.of(run);
    }
}
