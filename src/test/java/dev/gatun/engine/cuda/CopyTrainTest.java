package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class CopyTrainTest {
    private final FakeTime time = new FakeTime();
    private int copies;

    @Test
    void aFewAreAheadAndThoseThatEndedCount() {
        time.next(LongStream.rangeClosed(1, 100).map(copy -> 10 * copy).toArray());
        time.now(0);
        try (CopyTrain train = new CopyTrain(() -> copies++, time::mark)) {
            train.look();
            assertThat(copies).isEqualTo(CopyTrain.AHEAD);
            assertThat(train.ended()).isZero();
            for (int ended : new int[] {0, 1, 5, 5, 20, 30}) {
                time.now(10L * ended + 9);
                train.look();
                assertThat(train.ended()).isEqualTo(ended);
                assertThat(copies).isEqualTo(ended + CopyTrain.AHEAD);
            }
        }
        assertThat(time.open()).isZero();
    }

    /** The link had nothing to do meanwhile. */
    @Test
    void whoLooksTooSeldomFindsNoMoreThanWerePutIn() {
        time.next(LongStream.rangeClosed(1, 100).toArray());
        try (CopyTrain train = new CopyTrain(() -> copies++, time::mark)) {
            train.look();
            assertThat(train.ended()).isEqualTo(CopyTrain.AHEAD);
            assertThat(copies).isEqualTo(CopyTrain.AHEAD);
        }
    }
}
