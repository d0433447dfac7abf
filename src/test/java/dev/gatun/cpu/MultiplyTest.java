package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Products against float64, for every kind of matrix. */
class MultiplyTest extends OnEveryLevel {

    @Test
    void denseProductsAreThoseOfTheDefinition() {
        Cases.random(60, random -> {
            try (Arena arena = Arena.ofConfined()) {
                int rows = Cases.between(random, 1, 200);
                int columns = Cases.between(random, 1, 300);
                requireNear(arena, random, SampleMatrix.dense(arena, random, rows, columns));
            }
        });
    }

    @Test
    void quantizedProductsAreThoseOfTheDefinition() {
        Cases.random(120, random -> {
            try (Arena arena = Arena.ofConfined()) {
                int rows = Cases.between(random, 1, 300);
                int columns = Cases.between(random, 1, 300);
                requireNear(arena, random, SampleMatrix.hqq(arena, random, rows, columns));
            }
        });
    }

    @Test
    void productsWithScalesOfFourBitsAreThoseOfTheDefinition() {
        Cases.random(60, random -> {
            try (Arena arena = Arena.ofConfined()) {
                int rows = Cases.between(random, 1, 300);
                int columns = Cases.between(random, 1, 700);
                SampleMatrix w = SampleMatrix.narrow(arena, random, rows, columns);
                int tokens = Cases.tokens(random);
                float[] x = Cases.values(random, tokens * columns);
                float[] y = multiply(arena, pool, w.matrix(), x);
                Reference.assertNear(y, Reference.multiply(w, Reference.widen(x)), Reference.FLOATS);
            }
        });
    }

    @Test
    void theShapesOfRealModelsAreThoseOfTheDefinition() {
        Cases.random(4, random -> {
            try (Arena arena = Arena.ofConfined()) {
                requireNear(arena, random, SampleMatrix.hqq(arena, random, new HqqLayout(2, 16, 128), 1792, 1024), 1);
                requireNear(arena, random, SampleMatrix.hqq(arena, random, new HqqLayout(2, 16, 128), 512, 1792), 3);
                requireNear(arena, random, SampleMatrix.hqq(arena, random, new HqqLayout(4, 64, 256), 1024, 1024), 2);
            }
        });
    }

    @Test
    void whatIsNotFiniteReachesEveryOutput() {
        Cases.random(20, random -> {
            try (Arena arena = Arena.ofConfined()) {
                CpuMatrix w = SampleMatrix.hqq(
                                arena, random, Cases.between(random, 1, 64), Cases.between(random, 1, 99))
                        .matrix();
                for (float broken : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                    float[] x = Cases.values(random, w.columns());
                    x[random.nextInt(x.length)] = broken;
                    for (float value : multiply(arena, pool, w, x)) {
                        assertThat(Float.isFinite(value)).isFalse();
                    }
                }
            }
        });
    }

    private void requireNear(Arena arena, Random random, SampleMatrix w) {
        requireNear(arena, random, w, Cases.tokens(random));
    }

    private void requireNear(Arena arena, Random random, SampleMatrix w, int tokens) {
        float[] x = Cases.values(random, tokens * w.matrix().columns());
        float[] y = multiply(arena, pool, w.matrix(), x);
        double tolerance = w.matrix().isDense() ? Reference.FLOATS : tolerance(tokens);
        Reference.assertNear(y, Reference.multiply(w, Reference.widen(x)), tolerance);
    }

    private static float[] multiply(Arena arena, CpuPool pool, CpuMatrix w, float[] x) {
        int tokens = x.length / w.columns();
        Guarded y = Guarded.allocate(arena, tokens, w.rows());
        pool.multiply(w, Guarded.of(arena, tokens, w.columns(), x), y.inner());
        return y.values();
    }

    @Test
    void severalProductsAtOnceAreTheSameBits() {
        Cases.random(20, random -> {
            try (Arena arena = Arena.ofConfined()) {
                List<Product> products = new ArrayList<>();
                List<Guarded> together = new ArrayList<>();
                List<float[]> alone = new ArrayList<>();
                for (int i = Cases.between(random, 1, 5); i > 0; i--) {
                    CpuMatrix w = anyMatrix(arena, random).matrix();
                    int tokens = Cases.tokens(random);
                    float[] x = Cases.values(random, tokens * w.columns());
                    Guarded y = Guarded.allocate(arena, tokens, w.rows());
                    products.add(new Product(w, Guarded.of(arena, tokens, w.columns(), x), y.inner()));
                    together.add(y);
                    alone.add(multiply(arena, pool, w, x));
                }
                pool.multiply(products);
                for (int i = 0; i < products.size(); i++) {
                    assertThat(together.get(i).values()).isEqualTo(alone.get(i));
                }
            }
        });
    }

    @Test
    void outputsSideBySideInOneMatrixAreFilledAtOnce() {
        Cases.one(1, random -> {
            try (Arena arena = Arena.ofConfined()) {
                SampleMatrix left = SampleMatrix.dense(arena, random, 40, 30);
                SampleMatrix right = SampleMatrix.dense(arena, random, 24, 30);
                float[] values = Cases.values(random, 5 * 30);
                FloatMatrix x = Guarded.of(arena, 5, 30, values);
                FloatMatrix y = FloatMatrix.allocate(arena, 5, 64);
                pool.multiply(List.of(
                        new Product(left.matrix(), x, y.columns(0, 40)),
                        new Product(right.matrix(), x, y.columns(40, 24))));
                assertThat(y.columns(0, 40).toArray()).isEqualTo(multiply(arena, pool, left.matrix(), values));
                assertThat(y.columns(40, 24).toArray()).isEqualTo(multiply(arena, pool, right.matrix(), values));
            }
        });
    }

    @Test
    void aTokenOfABatchKnowsNothingOfTheOthers() {
        Cases.random(30, random -> {
            try (Arena arena = Arena.ofConfined()) {
                CpuMatrix w = anyMatrix(arena, random).matrix();
                int tokens = Cases.between(random, 3, 70);
                float[] x = Cases.values(random, tokens * w.columns());
                float[] all = multiply(arena, pool, w, x);
                int from = random.nextInt(tokens - 1);
                float[] two =
                        multiply(arena, pool, w, Arrays.copyOfRange(x, from * w.columns(), (from + 2) * w.columns()));
                assertThat(two).isEqualTo(Arrays.copyOfRange(all, from * w.rows(), (from + 2) * w.rows()));
            }
        });
    }

    private static SampleMatrix anyMatrix(Arena arena, Random random) {
        return SampleMatrix.any(arena, random, Cases.between(random, 1, 150), Cases.between(random, 1, 150));
    }
}
