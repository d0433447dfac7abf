package dev.gatun.engine.cuda;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;

/**
 * The host's road, which does nothing until it is woken: so the probe finds that it costs nothing, and the host gets all it can.
 * Then it fails where it is told to, once.
 */
final class SpoiledRoad implements HostRoad, UnaryOperator<HostRoad> {
    /** Where it can fail. */
    enum Step {
        ADD,
        BEGIN,
        FINISH,
        ADD_WHOLE
    }

    /** What was wanted. */
    static final class BrokenRoadException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        BrokenRoadException(Step step) {
            super("the host failed in " + step);
        }
    }

    private Optional<HostRoad> road = Optional.empty();
    private boolean isAwake;
    private Optional<Step> broken = Optional.empty();
    private int untilFailure;
    private Duration pause = Duration.ZERO;
    private int wholes;

    @Override
    public HostRoad apply(HostRoad opened) {
        road = Optional.of(opened);
        return this;
    }

    /** Works from now on. */
    void wake() {
        isAwake = true;
    }

    /** Fails once, after so many calls that pass. */
    void breakAfter(int good, Step step) {
        untilFailure = good;
        broken = Optional.of(step);
    }

    /** Is stopped for so long the next time that it is to finish. */
    void sleepOnce(Duration time) {
        pause = time;
    }

    /** Whether it has failed as it was told to. */
    boolean hasFailed() {
        return broken.isEmpty();
    }

    /** Experts of prompts that were computed, for some tokens each. */
    int wholes() {
        return wholes;
    }

    /** What comes to nothing while it sleeps. */
    private void run(Runnable work) {
        if (isAwake) {
            work.run();
        }
    }

    private void fail(Step step) {
        if (broken.filter(step::equals).isPresent() && untilFailure-- == 0) {
            broken = Optional.empty();
            throw new BrokenRoadException(step);
        }
    }

    private HostRoad road() {
        return road.orElseThrow();
    }

    @Override
    public void add(int expert, int block, int fromPart, int token, int rank) {
        fail(Step.ADD);
        run(() -> road().add(expert, block, fromPart, token, rank));
    }

    @Override
    public void begin() {
        fail(Step.BEGIN);
        run(road()::begin);
    }

    /** As with the real one, the threads have ended however it ends. */
    @Override
    public void finish() {
        run(road()::finish);
        long nanos = pause.toNanos();
        pause = Duration.ZERO;
        LockSupport.parkNanos(nanos);
        fail(Step.FINISH);
    }

    @Override
    public void forget() {
        run(road()::forget);
    }

    @Override
    public void addWhole(int expert, int block, int[] tokens, int[] ranks, int count) {
        fail(Step.ADD_WHOLE);
        run(() -> {
            wholes++;
            road().addWhole(expert, block, tokens, ranks, count);
        });
    }
}
