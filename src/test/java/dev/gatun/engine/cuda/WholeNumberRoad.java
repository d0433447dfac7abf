package dev.gatun.engine.cuda;

import dev.gatun.cpu.CpuException;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntUnaryOperator;

/**
 * The host's road on some threads beside the calling one, each with columns of its own; every step of each may be late. They
 * compute {@link WholeNumbers}. It may fail when something is noted, or when its threads have ended.
 */
final class WholeNumberRoad implements HostRoad, AutoCloseable {
    private static final int THREADS = 2;

    private final HandOff.HostSide handed;
    private final IntUnaryOperator expertIn;
    private final int parts;
    private final double failing;
    private final SplittableRandom random;
    private final LateSteps[] steps = new LateSteps[THREADS + 1];
    private final ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    private final List<Work> noted = new ArrayList<>();
    private final List<Future<?>> begun = new ArrayList<>();
    private List<Work> mine = List.of();

    private record Work(int expert, int fromPart, int token, int rank) {}

    /**
     * Makes it.
     *
     * @param expertIn which expert a block holds
     * @param parts of an expert
     * @param failing how often it fails
     */
    WholeNumberRoad(
            HandOff.HostSide handed, IntUnaryOperator expertIn, int parts, double failing, SplittableRandom random) {
        this.handed = handed;
        this.expertIn = expertIn;
        this.parts = parts;
        this.failing = failing;
        this.random = random;
        for (int thread = 0; thread <= THREADS; thread++) {
            steps[thread] = new LateSteps(random.split());
        }
    }

    @Override
    public void add(int expert, int block, int fromPart, int token, int rank) {
        if (expert != expertIn.applyAsInt(block)) {
            throw new IllegalArgumentException("expert " + expert + " does not lie in block " + block);
        }
        noted.add(new Work(expert, fromPart, token, rank));
        failAtTimes();
    }

    @Override
    public void begin() {
        if (!begun.isEmpty()) {
            throw new IllegalStateException("what was begun before was not finished");
        }
        mine = List.copyOf(noted);
        noted.clear();
        List<Work> works = mine;
        for (int thread = 0; thread < THREADS; thread++) {
            int number = thread;
            begun.add(threads.submit(() -> works.forEach(work -> compute(work, number))));
        }
    }

    @Override
    public void finish() {
        mine.forEach(work -> compute(work, THREADS));
        mine = List.of();
        begun.forEach(WholeNumberRoad::await);
        begun.clear();
        failAtTimes();
    }

    private void failAtTimes() {
        if (random.nextDouble() < failing) {
            throw new CpuException("the road fails");
        }
    }

    private static void await(Future<?> thread) {
        try {
            thread.get();
        } catch (InterruptedException | ExecutionException stuck) {
            throw new AssertionError("threads compute", stuck);
        }
    }

    @Override
    public void forget() {
        noted.clear();
    }

    @Override
    public void addWhole(int expert, int block, int[] tokens, int[] ranks, int count) {
        if (count < 1 || count > MOST_TOKENS) {
            throw new IllegalArgumentException(count + " tokens at once");
        }
        for (int i = 0; i < count; i++) {
            add(expert, block, 0, tokens[i], ranks[i]);
        }
        begin();
        finish();
    }

    private void compute(Work work, int thread) {
        steps[thread].pause();
        float weight = handed.weight(work.token, work.rank).get(ValueLayout.JAVA_FLOAT, 0);
        for (int k = thread; k < handed.inputs().columns(); k += THREADS + 1) {
            float x = handed.inputs().get(work.token, k);
            float more = weight * WholeNumbers.parts(work.expert, work.fromPart, parts, x);
            float sum = handed.outputs().get(work.token, k);
            steps[thread].pause();
            handed.outputs().set(work.token, k, sum + more);
        }
    }

    @Override
    public void close() {
        threads.close();
    }
}
