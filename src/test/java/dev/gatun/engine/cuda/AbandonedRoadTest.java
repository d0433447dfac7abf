package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cpu.CpuException;
import org.junit.jupiter.api.Test;

class AbandonedRoadTest {
    /** Its threads fail too. */
    private static final class FailingRoad implements HostRoad {
        private boolean finished;

        @Override
        public void add(int expert, int block, int fromPart, int token, int rank) {
            throw new UnsupportedOperationException("nothing is added");
        }

        @Override
        public void begin() {
            throw new UnsupportedOperationException("it was begun before");
        }

        @Override
        public void finish() {
            finished = true;
            throw new CpuException("no memory");
        }

        @Override
        public void forget() {
            throw new UnsupportedOperationException("nothing was noted");
        }

        @Override
        public void addWhole(int expert, int block, int[] tokens, int[] ranks, int count) {
            throw new UnsupportedOperationException("nothing is added");
        }
    }

    @Test
    void aSecondFailureDoesNotHideTheFirst() {
        FailingRoad road = new FailingRoad();
        HostExperts host = new HostExperts(null, road, null, null);
        IllegalStateException first = new IllegalStateException("first");
        host.abandon(first);
        assertThat(first.getSuppressed()).singleElement().isInstanceOf(CpuException.class);
        assertThat(road.finished).as("its threads were waited for").isTrue();
    }
}
