package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.cpu.CpuException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** However the host's part ends, the device hears of it when the threads have ended, and not before. */
class HostTurnTest {
    private final MemorySegment memory = Arena.ofAuto().allocate(ValueLayout.JAVA_LONG);
    private final HostWord word = new HostWord(memory);
    private final FakeRoad road = new FakeRoad(this::ended);
    private final CpuException failure = new CpuException("no memory");
    private final HostTurn turn = new HostTurn(road, word);

    private long ended() {
        return memory.get(ValueLayout.JAVA_LONG, 0);
    }

    @Test
    void theDeviceHearsOfEachPartWhenItsThreadsHaveEnded() {
        for (long part = 1; part <= 3; part++) {
            turn.begin();
            assertThat(word.number()).isEqualTo(part);
            assertThat(turn.isBegun()).isTrue();
            turn.finish();
            assertThat(road.seenAtTheEnd()).isEqualTo(part - 1);
            assertThat(ended()).isEqualTo(part);
            assertThat(turn.isBegun()).isFalse();
        }
    }

    @Test
    void aPartWhoseThreadsFailHasEndedAsWell() {
        turn.begin();
        road.fail(failure);
        assertThatThrownBy(turn::finish).isSameAs(failure);
        assertThat(ended()).isEqualTo(word.number());
        assertThat(turn.abandon()).as("there is nothing to end").isEmpty();
        assertThat(road.finished()).isOne();
    }

    @Test
    void aPartThatDoesNotBeginIsNotWaitedFor() {
        road.fail(failure);
        assertThatThrownBy(turn::begin).isSameAs(failure);
        assertThat(word.number()).isEqualTo(ended());
        assertThat(turn.abandon()).isEmpty();
        assertThat(road.finished()).isZero();
    }

    @Test
    void anAbandonedPartEndsAndSaysWhatFailed() {
        turn.begin();
        assertThat(turn.abandon()).isEmpty();
        assertThat(ended()).isEqualTo(1);
        turn.begin();
        road.fail(failure);
        assertThat(turn.abandon()).contains(failure);
        assertThat(ended()).isEqualTo(2);
        assertThat(turn.isBegun()).isFalse();
    }
}
