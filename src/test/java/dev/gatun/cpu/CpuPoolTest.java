package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.bindings.cpu.CpuLibrary;
import dev.gatun.bindings.cpu.gatun_matrix;
import dev.gatun.bindings.cpu.gatun_product;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The life of a pool, its use by several threads, and what the library's return codes become. */
class CpuPoolTest {
    @Test
    void aPoolIsWhatItWasOpenedAs() {
        try (CpuPool pool = CpuPool.open(3, CpuLevel.best())) {
            assertThat(pool.threads()).isEqualTo(3);
            assertThat(pool.level()).isEqualTo(CpuLevel.best());
        }
    }

    @Test
    void howLongThreadsSpinIsBounded() {
        for (Duration spin : List.of(Duration.ofNanos(-1), Duration.ofMillis(1001))) {
            assertThatThrownBy(() -> CpuPool.open(2, CpuLevel.best(), spin))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("spin must be from 0 to PT1S: ");
        }
    }

    /** Ready, asleep, or about to sleep when work comes. */
    @ParameterizedTest
    @ValueSource(longs = {0, 500, 1_000_000})
    void threadsThatSpinOrSleepDoTheirWork(long microseconds) throws InterruptedException {
        try (Arena arena = Arena.ofConfined();
                CpuPool pool = CpuPool.open(3, CpuLevel.best(), Duration.of(microseconds, ChronoUnit.MICROS))) {
            MemorySegment data = arena.allocate(1 << 23);
            data.setAtIndex(ValueLayout.JAVA_LONG, 1 << 19, 5);
            for (int i = 0; i < 20; i++) {
                assertThat(pool.read(data)).isEqualTo(5);
                Thread.sleep(i % 2);
            }
        }
    }

    @Test
    void closingTwiceIsClosingOnce() {
        CpuPool pool = CpuPool.open(2, CpuLevel.best());
        pool.close();
        pool.close();
    }

    @Test
    void aClosedPoolRefusesWork() {
        CpuPool pool = CpuPool.open(2, CpuLevel.best());
        pool.close();
        try (Arena arena = Arena.ofConfined()) {
            FloatMatrix x = FloatMatrix.allocate(arena, 1, 8);
            FloatMatrix y = FloatMatrix.allocate(arena, 1, 8);
            assertThatThrownBy(() -> pool.add(x, y))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("the pool of threads is closed");
            assertThatThrownBy(() -> pool.read(x.segment())).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void closingWaitsForTheOperationInFlight() throws Exception {
        for (int round = 0; round < 10; round++) {
            CpuPool pool = CpuPool.open(2, CpuLevel.best());
            CountDownLatch started = new CountDownLatch(2);
            try (ExecutorService users = Executors.newFixedThreadPool(2)) {
                List<Future<Integer>> calls = new ArrayList<>();
                for (int user = 0; user < 2; user++) {
                    calls.add(users.submit(() -> multiplyUntilClosed(pool, started)));
                }
                assertThat(started.await(30, TimeUnit.SECONDS)).isTrue();
                pool.close();
                for (Future<Integer> call : calls) {
                    assertThat(call.get(30, TimeUnit.SECONDS)).isPositive();
                }
            }
        }
    }

    /** Returns the number of products until the pool was closed; any other end is a failure. */
    private static int multiplyUntilClosed(CpuPool pool, CountDownLatch started) {
        try (Arena arena = Arena.ofConfined()) {
            CpuMatrix w = SampleMatrix.dense(arena, new Random(1), 300, 300).matrix();
            FloatMatrix x = FloatMatrix.allocate(arena, 4, 300);
            FloatMatrix y = FloatMatrix.allocate(arena, 4, 300);
            int count = 0;
            try {
                while (true) {
                    pool.multiply(w, x, y);
                    if (count++ == 0) {
                        started.countDown();
                    }
                }
            } catch (IllegalStateException e) {
                assertThat(e).hasMessage("the pool of threads is closed");
                return count;
            }
        }
    }

    @Test
    void threadsThatShareAPoolGetWhatTheyWouldAlone() throws Exception {
        try (CpuPool pool = CpuPool.open(2, CpuLevel.best());
                ExecutorService users = Executors.newFixedThreadPool(3)) {
            List<Callable<Void>> tasks = new ArrayList<>();
            for (int user = 0; user < 3; user++) {
                long seed = user;
                tasks.add(() -> {
                    Cases.one(seed, random -> requireSameProducts(pool, random));
                    return null;
                });
            }
            for (Future<Void> task : users.invokeAll(tasks)) {
                task.get();
            }
        }
    }

    private static void requireSameProducts(CpuPool shared, Random random) {
        try (Arena arena = Arena.ofConfined();
                CpuPool alone = CpuPool.open(1, shared.level())) {
            for (int i = 0; i < 40; i++) {
                CpuMatrix w = SampleMatrix.any(arena, random, 100, 90).matrix();
                int tokens = Cases.between(random, 1, 5);
                FloatMatrix x = FloatMatrix.allocate(arena, tokens, w.columns());
                x.copyFrom(Cases.values(random, tokens * w.columns()));
                FloatMatrix expected = FloatMatrix.allocate(arena, tokens, w.rows());
                FloatMatrix actual = FloatMatrix.allocate(arena, tokens, w.rows());
                alone.multiply(w, x, expected);
                shared.multiply(w, x, actual);
                assertThat(actual.toArray()).isEqualTo(expected.toArray());
            }
        }
    }

    @Test
    void moreProductsThanTheScratchHoldsAreDoneAtOnce() {
        try (Arena arena = Arena.ofConfined();
                CpuPool pool = CpuPool.open(2, CpuLevel.best())) {
            CpuMatrix one =
                    CpuMatrix.dense(arena, CpuFloatType.F32, 1, 1, arena.allocateFrom(ValueLayout.JAVA_FLOAT, 2f));
            FloatMatrix x = FloatMatrix.allocate(arena, 500, 1);
            FloatMatrix y = FloatMatrix.allocate(arena, 500, 1);
            List<Product> products = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                x.set(i, 0, i);
                products.add(new Product(one, x.rows(i, 1), y.rows(i, 1)));
            }
            pool.multiply(products);
            for (int i = 0; i < 500; i++) {
                assertThat(y.get(i, 0)).isEqualTo(2f * i);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1, attention: the CPU library found shapes that contradict each other",
        "2, 'attention: memory or a thread could not be had: use fewer threads, or free memory'",
        "3, attention: this processor lacks the instruction set: choose a lower level with GATUN_CPU",
        "4, 'attention: a logit is NaN: the weights are damaged, or an activation overflowed'",
        "77, attention: the CPU library returned the unknown code 77"
    })
    void returnCodesBecomeWords(int code, String message) {
        CpuException.check(CpuLibrary.GATUN_OK(), "attention");
        assertThatThrownBy(() -> CpuException.check(code, "attention"))
                .isInstanceOf(CpuException.class)
                .hasMessage(message);
    }

    @Test
    void aLevelThatTheMachineLacksCannotBeOpened() {
        for (CpuLevel level : CpuLevel.values()) {
            if (!CpuLevel.available().contains(level)) {
                assertThatThrownBy(() -> CpuPool.open(1, level))
                        .isInstanceOf(CpuException.class)
                        .hasMessageContaining("start of 1 threads for " + level);
            }
        }
    }

    /** What Java refuses before, refused by C as well: another caller of the header has no Java in front. */
    @Test
    void theLibraryRefusesContradictingShapesItself() {
        try (Arena arena = Arena.ofConfined()) {
            LinkedLibrary.require();
            MemorySegment created = arena.allocate(ValueLayout.ADDRESS);
            assertThat(CpuLibrary.gatun_pool_create(2, 0, 0, created)).isEqualTo(CpuLibrary.GATUN_OK());
            MemorySegment pool = created.get(ValueLayout.ADDRESS, 0);
            requireRefusals(arena, pool);
            CpuLibrary.gatun_pool_destroy(pool);
        }
    }

    private static void requireRefusals(Arena arena, MemorySegment pool) {
        int refusal = CpuLibrary.GATUN_EINVAL();
        MemorySegment memory = arena.allocate(4096, 64);
        MemorySegment out = arena.allocate(4096, 64);
        MemorySegment dense = CpuMatrix.dense(arena, CpuFloatType.F32, 4, 4, memory.asSlice(0, 64))
                .struct();
        MemorySegment kv = KeyValues.allocate(arena, CpuFloatType.F16, 2, 4, 8).struct();
        MemorySegment ids = arena.allocateFrom(ValueLayout.JAVA_INT, 0, 4);
        MemorySegment badKind = CpuMatrix.dense(arena, CpuFloatType.F32, 4, 4, memory.asSlice(0, 64))
                .struct();
        gatun_matrix.kind(badKind, 9);

        assertThat(CpuLibrary.gatun_pool_create(0, 0, 0, out)).isEqualTo(refusal);
        assertThat(CpuLibrary.gatun_pool_create(1, -1, 0, out)).isNotEqualTo(CpuLibrary.GATUN_OK());
        assertThat(CpuLibrary.gatun_pool_create(1, CpuLevel.values().length, 0, out))
                .isNotEqualTo(CpuLibrary.GATUN_OK());
        assertThat(CpuLibrary.gatun_multiply(pool, product(arena, badKind, memory, out, 4), 1))
                .isEqualTo(refusal);
        assertThat(CpuLibrary.gatun_multiply(pool, product(arena, dense, memory, out, 3), 1))
                .isEqualTo(refusal);
        assertThat(CpuLibrary.gatun_embed(pool, dense, ids, 2, out, 4)).isEqualTo(refusal);
        assertThat(CpuLibrary.gatun_rms_norm(pool, dense, 1e-5f, memory, 4, 1, out, 4))
                .isEqualTo(refusal);
        assertThat(CpuLibrary.gatun_add(pool, memory, 3, 2, 4, out, 4)).isEqualTo(refusal);
        assertThat(CpuLibrary.gatun_rope(pool, out, 6, 1, 2, 3, 0, memory)).isEqualTo(refusal);
        assertThat(CpuLibrary.gatun_kv_append(pool, kv, 7, 2, memory, 8, memory, 8))
                .isEqualTo(refusal);
        assertThat(CpuLibrary.gatun_attention(pool, kv, 0, 1, 3, 0, memory, 12, out, 12))
                .isEqualTo(refusal);
        assertThat(CpuLibrary.gatun_route(pool, memory, 4, 1, 4, 5, out, out)).isEqualTo(refusal);
        MemorySegment experts = CpuExperts.of(
                        arena, List.of(square(arena)), List.of(square(arena)), List.of(square(arena)))
                .structs();
        assertThat(CpuLibrary.gatun_experts(pool, experts, 1, memory, 4, 2, ids, memory, 1, out, 4))
                .isEqualTo(refusal);
    }

    private static CpuMatrix square(Arena arena) {
        return CpuMatrix.dense(arena, CpuFloatType.F32, 4, 4, arena.allocate(64));
    }

    private static MemorySegment product(
            Arena arena, MemorySegment matrix, MemorySegment x, MemorySegment y, long ldx) {
        MemorySegment product = gatun_product.allocate(arena);
        gatun_product.matrix(product, matrix);
        gatun_product.x(product, x);
        gatun_product.y(product, y);
        gatun_product.ldx(product, ldx);
        gatun_product.ldy(product, 4);
        gatun_product.tokens(product, 2);
        return product;
    }
}
