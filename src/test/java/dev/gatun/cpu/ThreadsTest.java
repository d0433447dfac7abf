package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How many threads work never shows in a result. */
class ThreadsTest extends OnEveryLevel {
    @ParameterizedTest
    @ValueSource(ints = {1, 3, 5})
    void theNumberOfThreadsNeverChangesABit(int threads) {
        try (CpuPool other = CpuPool.open(threads, level)) {
            for (int seed = 0; seed < 12; seed++) {
                List<float[]> expected = new ArrayList<>();
                List<float[]> actual = new ArrayList<>();
                Cases.one(seed, random -> expected.addAll(everything(pool, random)));
                Cases.one(seed, random -> actual.addAll(everything(other, random)));
                for (int i = 0; i < expected.size(); i++) {
                    assertThat(actual.get(i))
                            .as("result %d of the case with seed %d", i, seed)
                            .isEqualTo(expected.get(i));
                }
            }
        }
    }

    /** The results of every operation that sums or splits. */
    private static List<float[]> everything(CpuPool pool, Random random) {
        try (Arena arena = Arena.ofConfined()) {
            List<float[]> results = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                results.add(product(pool, arena, random));
            }
            results.add(attention(pool, arena, random));
            results.add(experts(pool, arena, random));
            results.add(norm(pool, arena, random));
            results.add(rope(pool, arena, random));
            return results;
        }
    }

    private static float[] product(CpuPool pool, Arena arena, Random random) {
        CpuMatrix w = SampleMatrix.any(arena, random, Cases.between(random, 1, 400), Cases.between(random, 1, 400))
                .matrix();
        int tokens = Cases.tokens(random);
        FloatMatrix x = matrix(arena, random, tokens, w.columns());
        FloatMatrix y = FloatMatrix.allocate(arena, tokens, w.rows());
        pool.multiply(w, x, y);
        return y.toArray();
    }

    private static float[] attention(CpuPool pool, Arena arena, Random random) {
        int kvHeads = Cases.between(random, 1, 3);
        int heads = kvHeads * Cases.between(random, 1, 4);
        int tokens = Cases.tokens(random);
        int position = random.nextInt(500);
        KeyValues kv = KeyValues.allocate(arena, CpuFloatType.F16, kvHeads, 16, position + tokens);
        pool.append(
                kv,
                0,
                matrix(arena, random, position + tokens, kvHeads * 16),
                matrix(arena, random, position + tokens, kvHeads * 16));
        FloatMatrix y = FloatMatrix.allocate(arena, tokens, heads * 16);
        pool.attend(kv, position, heads, 0, matrix(arena, random, tokens, heads * 16), y);
        return y.toArray();
    }

    private static float[] experts(CpuPool pool, Arena arena, Random random) {
        SampleExperts sample = SampleExperts.hqq(arena, random, 5, 48, 80);
        int tokens = Cases.tokens(random);
        SampleExperts.Routing routing = SampleExperts.Routing.of(random, tokens, 5);
        FloatMatrix y = matrix(arena, random, tokens, 48);
        pool.experts(
                sample.experts(),
                matrix(arena, random, tokens, 48),
                routing.ids(arena),
                routing.weights(arena),
                routing.topK(),
                y);
        return y.toArray();
    }

    private static float[] norm(CpuPool pool, Arena arena, Random random) {
        int columns = Cases.between(random, 1, 2000);
        FloatMatrix x = matrix(arena, random, Cases.tokens(random), columns);
        pool.rmsNorm(SampleMatrix.dense(arena, random, 1, columns).matrix(), 1e-5f, x, x);
        return x.toArray();
    }

    private static float[] rope(CpuPool pool, Arena arena, Random random) {
        MemorySegment frequencies = arena.allocateFrom(ValueLayout.JAVA_FLOAT, Cases.values(random, 16));
        FloatMatrix x = matrix(arena, random, Cases.tokens(random), 7 * 32);
        pool.rope(x, 7, 32, 100, frequencies);
        return x.toArray();
    }

    private static FloatMatrix matrix(Arena arena, Random random, int rows, int columns) {
        FloatMatrix matrix = FloatMatrix.allocate(arena, rows, columns);
        matrix.copyFrom(Cases.values(random, rows * columns));
        return matrix;
    }
}
