package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.engine.OffloadCounts.Parts;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PassTimesTest {
    private static final List<Part> PARTS = List.of(Part.values());

    private final FakeTime time = new FakeTime();
    private final PassTimes times = new PassTimes(time::mark);

    /** A token of two layers: the first fetches, the second does not. */
    private void token(long start) {
        time.next(start, start + 10, start + 12, start + 112, start + 142);
        time.next(start + 153, start + 156, start + 160, start + 190, start + 199);
        for (boolean fetches : new boolean[] {true, false}) {
            times.enter(Part.ATTENTION);
            times.enter(Part.ATTENTION);
            times.enter(Part.ROUTER);
            times.enter(Part.HOST);
            times.enter(Part.HOST);
            if (fetches) {
                times.waited();
            }
            times.enter(Part.EXPERTS);
        }
        times.enter(Part.ATTENTION);
        times.end();
    }

    @Test
    void theTimeUpToTheNextPartIsThePresentOnes() {
        token(1000);
        times.collect();
        assertThat(times.read()).isEqualTo(new Parts(10 + 11 + 9, 2 + 3, 30 + 30, 100, 0, 4));
        token(9000);
        times.collect();
        assertThat(times.read()).isEqualTo(new Parts(60, 10, 120, 200, 0, 8));
    }

    @Test
    void onlyPassesThatAreDoneCountAndOnlyOnce() {
        token(0);
        assertThat(times.read()).isEqualTo(new Parts(0, 0, 0, 0, 0, 0));
        times.discard();
        times.collect();
        assertThat(times.read()).isEqualTo(new Parts(0, 0, 0, 0, 0, 0));
        time.next(5);
        times.enter(Part.ATTENTION);
        times.collect();
        assertThat(times.read()).isEqualTo(new Parts(0, 0, 0, 0, 0, 0));
        token(0);
        times.collect();
        times.collect();
        assertThat(times.read().waiting()).isEqualTo(100);
    }

    @Test
    void partsAddUpToTheWholePass() {
        Random random = new Random(4);
        long whole = 0;
        for (int pass = 0; pass < 50; pass++) {
            long start = random.nextInt(1000);
            long now = start;
            Part last = null;
            for (int step = random.nextInt(30); step >= 0; step--) {
                Part part = PARTS.get(random.nextInt(PARTS.size()));
                if (part != last) {
                    time.next(now);
                    last = part;
                }
                times.enter(part);
                now += random.nextInt(100);
            }
            time.next(now);
            times.end();
            times.collect();
            whole += now - start;
            Parts sum = times.read();
            assertThat(sum.attention() + sum.router() + sum.experts() + sum.waiting() + sum.cpu() + sum.host())
                    .isEqualTo(whole);
        }
    }

    @Test
    void marksAreUsedAgainAndClosed() {
        for (int pass = 0; pass < 3; pass++) {
            token(100L * pass);
            times.collect();
        }
        assertThat(time.opened()).isEqualTo(10);
        times.close();
        assertThat(time.open()).isZero();
    }
}
