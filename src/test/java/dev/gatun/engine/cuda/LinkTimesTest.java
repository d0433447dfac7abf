package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LinkTimesTest {
    private final FakeTime time = new FakeTime();
    private final LinkTimes times = new LinkTimes(time::mark, time::mark);
    private int copied;

    private void upload(long begin, long end) {
        time.next(begin, end);
        times.upload(() -> copied++);
    }

    private void download(long begin, long end) {
        time.next(begin, end);
        times.download(() -> copied++);
    }

    @Test
    void pausesBetweenCopiesDoNotCount() {
        upload(10, 20);
        upload(20, 25);
        upload(100, 130);
        assertThat(times.read()).isEqualTo(45);
        assertThat(copied).isEqualTo(3);
    }

    @Test
    void bothWaysAtOnceCountOnce() {
        upload(10, 20);
        download(15, 30);
        download(30, 32);
        upload(21, 22);
        assertThat(times.read()).isEqualTo(22);
    }

    @Test
    void aCopyCountsWhenItHasEnded() {
        time.now(15);
        upload(10, 20);
        assertThat(times.read()).isZero();
        time.now(20);
        assertThat(times.read()).isEqualTo(10);
        assertThat(times.read()).isEqualTo(10);
    }

    @Test
    void theSumIsTheUnionOfAllCopies() {
        Random random = new Random(6);
        for (int trial = 0; trial < 100; trial++) {
            BitSet busy = new BitSet();
            long before = times.read();
            int base = 10_000 * (trial + 1);
            int uploaded = base;
            int downloaded = base;
            for (int copy = random.nextInt(20); copy >= 0; copy--) {
                boolean isUp = random.nextBoolean();
                int begin = (isUp ? uploaded : downloaded) + random.nextInt(20);
                int end = begin + 1 + random.nextInt(20);
                busy.set(begin, end);
                // Not before all were put in, so that none is counted before one that began earlier.
                time.now(0);
                if (isUp) {
                    upload(begin, end);
                    uploaded = end;
                } else {
                    download(begin, end);
                    downloaded = end;
                }
            }
            time.now(Long.MAX_VALUE);
            assertThat(times.read() - before).isEqualTo(busy.cardinality());
        }
    }

    @Test
    void marksOfCopiesThatEndedAreUsedAgain() {
        for (int copy = 0; copy < 100; copy++) {
            upload(10L * copy, 10L * copy + 5);
        }
        assertThat(time.opened()).isLessThanOrEqualTo(6);
        assertThat(times.read()).isEqualTo(500);
        times.close();
        assertThat(time.open()).isZero();
    }

    @Test
    void aCopyThatCannotBePutInDoesNotCount() {
        time.next(5);
        assertThatThrownBy(() -> times.upload(() -> {
                    throw new IllegalStateException("no such block");
                }))
                .hasMessage("no such block");
        upload(10, 20);
        assertThat(times.read()).isEqualTo(10);
        times.close();
        assertThat(time.open()).isZero();
    }
}
