package dev.gatun.fuzz;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Damages files of every format at random, and has Gatun read them: {@code make fuzz}.
 *
 * <pre>
 *   --seed N       all cases follow from it; a new one each time without
 *   --cases N      how many; 100,000 without
 *   --case N       this one alone, whose damaged files stay
 *   --formats A,B  these alone, to look for more; their cases have numbers of their own
 * </pre>
 *
 * <p>Ends with 2 upon a mistake on the command line, and with 1 if there is a case that crashes the JVM, takes longer than
 * it may, takes too much memory, or is refused in another way than is documented; each is printed with the command that
 * shows it alone.
 */
public final class Fuzz {
    private static final int MOST_FAILURES = 50;
    private static final long LOOK_MILLIS = 200;
    private static final long PROGRESS_MILLIS = 10_000;

    private final FuzzPlan plan;
    private final PrintStream out;
    private final Tally tally = new Tally();

    Fuzz(FuzzPlan plan, PrintStream out) {
        this.plan = plan;
        this.out = out;
    }

    /** See the class. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.exit(new Fuzz(planOrExit(arguments), out).run() ? 0 : 1);
    }

    private static FuzzPlan planOrExit(String... arguments) {
        try {
            return FuzzArguments.plan(arguments);
        } catch (IllegalArgumentException mistake) {
            System.err.println("fuzz: " + mistake.getMessage());
            System.exit(2);
            throw mistake;
        }
    }

    /** Runs all cases; returns whether none failed. */
    boolean run() throws IOException, InterruptedException {
        long start = System.nanoTime();
        Files.createDirectories(plan.folder());
        out.printf(
                "seed %d, %,d cases of %d formats, %d processes%n",
                plan.seed(), plan.cases(), plan.formats().size(), plan.workers());
        List<WorkerProcess> workers = IntStream.range(0, plan.workers())
                .mapToObj(worker -> new WorkerProcess(plan, worker, this::hear))
                .toList();
        watch(workers, start);
        conclude(start);
        return tally.failures().isEmpty() && tally.ended() == plan.cases();
    }

    private void watch(List<WorkerProcess> workers, long start) throws InterruptedException {
        List<Thread> threads = new ArrayList<>();
        workers.forEach(worker -> threads.add(Thread.ofPlatform().start(worker)));
        long told = start;
        while (threads.stream().anyMatch(Thread::isAlive)) {
            Thread.sleep(LOOK_MILLIS);
            workers.forEach(WorkerProcess::endWhatHangs);
            if (tally.failures().size() >= MOST_FAILURES) {
                workers.forEach(WorkerProcess::stop);
            }
            if (System.nanoTime() - told > PROGRESS_MILLIS * 1_000_000) {
                told = System.nanoTime();
                progress(start);
            }
        }
    }

    private void hear(Report report) {
        tally.add(report);
        if (report.event() == Report.Event.FAILED) {
            out.printf(
                    "FAILED: seed %d, case %d (%s): %s%n  again: %s%n",
                    plan.seed(), report.number(), report.format(), report.detail(), plan.again(report.number()));
        } else if (plan.isOneCase()) {
            out.printf("%s (%s): %s%n", report.event(), report.format(), report.detail());
        }
    }

    private void progress(long start) {
        out.printf(
                "%,d of %,d cases, %,d failed, %s%n",
                tally.ended(), plan.cases(), tally.count(Report.Event.FAILED), time(start));
    }

    private void conclude(long start) throws IOException {
        tally.table().forEach(out::println);
        Path refusals = plan.folder().resolve("refusals.txt");
        Files.write(refusals, tally.refusals());
        out.printf(
                "seed %d: %,d cases in %s, %,d failed; %,d kinds of refusals in %s%n",
                plan.seed(),
                tally.ended(),
                time(start),
                tally.failures().size(),
                tally.refusals().size(),
                refusals);
    }

    private static String time(long start) {
        Duration time = Duration.ofNanos(System.nanoTime() - start);
        return "%d:%02d".formatted(time.toMinutes(), time.toSecondsPart());
    }
}
