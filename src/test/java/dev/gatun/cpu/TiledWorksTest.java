package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.quant.TileFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several experts in one go, at once or begun and finished. */
class TiledWorksTest extends OnEveryLevel {
    private static final int ROWS = 5;

    /** One to six works of different sizes, whose outputs are rows of one matrix. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Together(Guarded y, float[] before, List<TiledWork> works) {
        static Together any(Arena arena, Random random) {
            int hidden = 16 * Cases.between(random, 1, 40);
            Guarded y = Guarded.allocate(arena, ROWS, hidden);
            List<TiledWork> works = new ArrayList<>();
            for (int i = Cases.between(random, 1, 6); i > 0; i--) {
                works.add(work(arena, random, hidden, y.inner()));
            }
            return new Together(y, Cases.values(random, ROWS * hidden), works);
        }

        private static TiledWork work(Arena arena, Random random, int hidden, FloatMatrix y) {
            TileFormat format = random.nextBoolean() ? TileFormat.Q2 : TileFormat.Q2N;
            SampleTiles sample = SampleTiles.of(arena, random, format, hidden, 16 * Cases.between(random, 1, 60));
            int tokens = Cases.between(random, 1, 4);
            int from = random.nextInt(sample.slices() + 1);
            return new TiledWork(
                    sample.expert(),
                    from,
                    Cases.between(random, from, sample.slices()),
                    Guarded.of(arena, tokens, hidden, Cases.values(random, tokens * hidden)),
                    arena.allocateFrom(ValueLayout.JAVA_FLOAT, Cases.values(random, tokens)),
                    y.rows(random.nextInt(ROWS - tokens + 1), tokens));
        }

        /** What the rows are after something was done with the works. */
        float[] after(Consumer<List<TiledWork>> adding) {
            y.inner().copyFrom(before);
            adding.accept(works);
            return y.values();
        }

        float[] oneAfterTheOther(CpuPool pool) {
            return after(all -> all.forEach(work -> pool.addExperts(List.of(work))));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7})
    void togetherTheyAddWhatTheyAddOneAfterTheOther(int threads) {
        try (CpuPool other = CpuPool.open(threads, level)) {
            Cases.random(40, random -> {
                try (Arena arena = Arena.ofConfined()) {
                    Together together = Together.any(arena, random);
                    assertThat(together.after(other::addExperts)).isEqualTo(together.oneAfterTheOther(pool));
                }
            });
        }
    }

    /** Whoever is late: the caller, or the threads that went to sleep. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7})
    void aDelayBetweenBeginAndFinishNeverChangesABit(int threads) {
        try (CpuPool other = CpuPool.open(threads, level)) {
            Cases.random(40, random -> {
                try (Arena arena = Arena.ofConfined()) {
                    Together together = Together.any(arena, random);
                    long[] delays = {random.nextInt(3) * 200_000L, random.nextInt(3) * 200_000L};
                    float[] sums = together.after(works -> {
                        pause(delays[0]);
                        other.begin(works);
                        pause(delays[1]);
                        other.finish();
                    });
                    assertThat(sums).isEqualTo(together.oneAfterTheOther(pool));
                }
            });
        }
    }

    private static void pause(long nanoseconds) {
        try {
            TimeUnit.NANOSECONDS.sleep(nanoseconds);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private TiledWork small(Arena arena, int hidden, FloatMatrix x, FloatMatrix y) {
        SampleTiles sample = SampleTiles.of(arena, new Random(1), TileFormat.Q2N, hidden, 48);
        return TiledWork.of(sample.expert(), x, arena.allocate(4L * x.rows(), 4), y);
    }

    @Test
    void whoBeganHasToFinishFirst() {
        try (Arena arena = Arena.ofConfined()) {
            FloatMatrix x = FloatMatrix.allocate(arena, 1, 32);
            FloatMatrix y = FloatMatrix.allocate(arena, 1, 32);
            List<TiledWork> works = List.of(small(arena, 32, x, y));
            assertIllegal(pool::finish, "this thread has begun nothing");
            pool.begin(works);
            String unfinished = "this thread has begun experts that it has to finish first";
            assertIllegal(() -> pool.begin(works), unfinished);
            assertIllegal(() -> pool.addExperts(works), unfinished);
            assertIllegal(() -> pool.read(x.segment()), unfinished);
            assertIllegal(pool::close, unfinished);
            pool.finish();
            assertIllegal(pool::finish, "this thread has begun nothing");
            pool.addExperts(works);
        }
    }

    @Test
    void otherThreadsWaitForTheFinish() throws Exception {
        try (Arena arena = Arena.ofShared();
                ExecutorService users = Executors.newSingleThreadExecutor()) {
            FloatMatrix x = FloatMatrix.allocate(arena, 1, 32);
            FloatMatrix y = FloatMatrix.allocate(arena, 1, 32);
            List<TiledWork> works = List.of(small(arena, 32, x, y));
            pool.begin(works);
            CountDownLatch tried = new CountDownLatch(1);
            Future<?> other = users.submit(() -> {
                assertIllegal(pool::finish, "this thread has begun nothing");
                tried.countDown();
                pool.addExperts(works);
            });
            assertThat(tried.await(30, TimeUnit.SECONDS)).isTrue();
            assertThatThrownBy(() -> other.get(20, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
            pool.finish();
            other.get(30, TimeUnit.SECONDS);
        }
    }

    @Test
    void worksThatDoNotGoTogetherAreRefused() {
        try (Arena arena = Arena.ofConfined()) {
            FloatMatrix x = FloatMatrix.allocate(arena, 1, 32);
            FloatMatrix y = FloatMatrix.allocate(arena, 3, 32);
            TiledWork first = small(arena, 32, x, y.rows(1, 1));
            FloatMatrix wide = FloatMatrix.allocate(arena, 2, 48);
            assertRefused(
                    List.of(first, small(arena, 48, wide.rows(0, 1), wide.rows(1, 1))),
                    "works must have one hidden size: 32 of work 0, 48 of work 1");
            assertRefused(
                    List.of(first, small(arena, 32, y.rows(1, 1), y.rows(0, 1))),
                    "y of work 0 and x of work 1 overlap");
            FloatMatrix shifted = FloatMatrix.of(y.segment().asSlice(16), 1, 32, 32);
            assertRefused(
                    List.of(first, small(arena, 32, x, y.rows(0, 1)), small(arena, 32, x, shifted)),
                    "y of work 0 and y of work 2 overlap, but are not the same rows");
            assertRefused(List.of(), "the number of works must be positive");
        }
    }

    private void assertRefused(List<TiledWork> works, String message) {
        assertThatThrownBy(() -> pool.addExperts(works))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
        assertThatThrownBy(() -> pool.begin(works))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    /** Nothing is begun then. */
    @Test
    void memoryThatWasFreedIsRefused() {
        try (Arena arena = Arena.ofConfined()) {
            FloatMatrix x = FloatMatrix.allocate(arena, 1, 32);
            FloatMatrix y = FloatMatrix.allocate(arena, 1, 32);
            TiledWork works = small(arena, 32, x, y);
            for (TiledWork dead : withOneFreed(works)) {
                assertThatThrownBy(() -> pool.begin(List.of(works, dead)))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("was freed");
            }
            pool.addExperts(List.of(works));
        }
    }

    private List<TiledWork> withOneFreed(TiledWork alive) {
        try (Arena closed = Arena.ofConfined()) {
            FloatMatrix freed = FloatMatrix.allocate(closed, 1, 32);
            MemorySegment weights = closed.allocate(4, 4);
            return List.of(
                    small(closed, 32, alive.x(), alive.y()),
                    TiledWork.of(alive.expert(), freed, alive.weights(), alive.y()),
                    TiledWork.of(alive.expert(), alive.x(), weights, alive.y()),
                    TiledWork.of(alive.expert(), alive.x(), alive.weights(), freed));
        }
    }

    private static void assertIllegal(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalStateException.class).hasMessage(message);
    }
}
