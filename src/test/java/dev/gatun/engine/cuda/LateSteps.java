package dev.gatun.engine.cuda;

import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/** Random pauses of one thread: none, a few nanoseconds, or long enough for other threads to do several steps. */
final class LateSteps {
    private final SplittableRandom random;

    LateSteps(SplittableRandom random) {
        this.random = random;
    }

    void pause() {
        switch (random.nextInt(6)) {
            case 0 -> LockSupport.parkNanos(random.nextInt(1, 200_000));
            case 1 -> LockSupport.parkNanos(1);
            case 2 -> {
                for (int spins = random.nextInt(200); spins > 0; spins--) {
                    Thread.onSpinWait();
                }
            }
            default -> {}
        }
    }
}
