package dev.gatun.engine.cuda;

import java.util.Optional;

/**
 * A part of the host from its begin to its end. Whatever fails between, the part ends, since threads of the host and kernels
 * of the device wait for that; the thread that begins it also ends it.
 */
final class HostTurn {
    private final HostRoad road;
    private final HostWord word;
    private boolean isBegun;

    /**
     * Begins nothing yet.
     *
     * @param word tells the device what has ended
     */
    HostTurn(HostRoad road, HostWord word) {
        this.road = road;
        this.word = word;
    }

    /** Has the host's threads start on what was noted for the road. If that fails, nothing has begun. */
    void begin() {
        road.begin();
        word.begin();
        isBegun = true;
    }

    /** Whether a part was begun and not ended. */
    boolean isBegun() {
        return isBegun;
    }

    /** Works along until all is computed, and tells the device. */
    void finish() {
        isBegun = false;
        try {
            road.finish();
        } finally {
            word.end();
        }
    }

    /**
     * Ends what was begun, if anything was; what it computed is of no use.
     *
     * @return what failed at that
     */
    Optional<RuntimeException> abandon() {
        if (isBegun) {
            try {
                finish();
            } catch (RuntimeException failure) {
                return Optional.of(failure);
            }
        }
        return Optional.empty();
    }
}
