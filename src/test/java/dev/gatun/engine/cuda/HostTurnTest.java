package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.cpu.CpuException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** However the host's part ends, the device hears of it when the threads have ended, and not before. */
class HostTurnTest {
    private final MemorySegment memory = Arena.ofAuto().allocate(ValueLayout.JAVA_LONG);
    private final HostWord word = new HostWord(memory);
    private final FakeRoad road = new FakeRoad();
    private final HostTurn turn = new HostTurn(road, word);

    private long ended() {
        return memory.get(ValueLayout.JAVA_LONG, 0);
    }

    /** Notes what the device sees while the threads end. */
    private final class FakeRoad implements HostRoad {
        private Optional<CpuException> failure = Optional.empty();
        private long seenAtTheEnd = -1;
        private int finished;

        @Override
        public void add(int expert, int block, int fromPart, int token, int rank) {
            throw new UnsupportedOperationException("nothing is added");
        }

        @Override
        public void begin() {
            failure.ifPresent(FakeRoad::fail);
        }

        @Override
        public void finish() {
            seenAtTheEnd = ended();
            finished++;
            failure.ifPresent(FakeRoad::fail);
        }

        private static void fail(CpuException failure) {
            throw failure;
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
    void theDeviceHearsOfEachPartWhenItsThreadsHaveEnded() {
        for (long part = 1; part <= 3; part++) {
            turn.begin();
            assertThat(word.number()).isEqualTo(part);
            assertThat(turn.isBegun()).isTrue();
            turn.finish();
            assertThat(road.seenAtTheEnd).isEqualTo(part - 1);
            assertThat(ended()).isEqualTo(part);
            assertThat(turn.isBegun()).isFalse();
        }
    }

    @Test
    void aPartWhoseThreadsFailHasEndedAsWell() {
        turn.begin();
        road.failure = Optional.of(new CpuException("no memory"));
        assertThatThrownBy(turn::finish).isSameAs(road.failure.get());
        assertThat(ended()).isEqualTo(word.number());
        assertThat(turn.abandon()).as("there is nothing to end").isEmpty();
        assertThat(road.finished).isOne();
    }

    @Test
    void aPartThatDoesNotBeginIsNotWaitedFor() {
        road.failure = Optional.of(new CpuException("no threads"));
        assertThatThrownBy(turn::begin).isSameAs(road.failure.get());
        assertThat(word.number()).isEqualTo(ended());
        assertThat(turn.abandon()).isEmpty();
        assertThat(road.finished).isZero();
    }

    @Test
    void anAbandonedPartEndsAndSaysWhatFailed() {
        turn.begin();
        assertThat(turn.abandon()).isEmpty();
        assertThat(ended()).isEqualTo(1);
        turn.begin();
        road.failure = Optional.of(new CpuException("no memory"));
        assertThat(turn.abandon()).contains(road.failure.get());
        assertThat(ended()).isEqualTo(2);
        assertThat(turn.isBegun()).isFalse();
    }
}
