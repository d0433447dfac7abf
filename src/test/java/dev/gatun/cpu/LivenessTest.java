package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Memory that was freed is never handed to native code. */
class LivenessTest {
    private final Arena arena = Arena.ofConfined();
    private final CpuPool pool = CpuPool.open(1, CpuLevel.PORTABLE);
    private final FloatMatrix x = FloatMatrix.allocate(arena, 2, 16);
    private final FloatMatrix y = FloatMatrix.allocate(arena, 2, 16);
    private final MemorySegment ids = arena.allocate(ValueLayout.JAVA_INT, 2);
    private final MemorySegment weights = arena.allocate(ValueLayout.JAVA_FLOAT, 2);

    @AfterEach
    void free() {
        pool.close();
        arena.close();
    }

    @Test
    void matricesDieWithTheirWeights() {
        CpuMatrix dense;
        CpuMatrix quantized;
        CpuExperts experts;
        try (Arena closed = Arena.ofConfined()) {
            // The descriptors live on: it is the weights that are gone.
            dense = CpuMatrix.dense(arena, CpuFloatType.F16, 16, 16, closed.allocate(512));
            quantized = quantized(arena, closed);
            experts = CpuExperts.of(arena, List.of(dense), List.of(quantized), List.of(quantized));
            pool.multiply(dense, x, y);
            pool.multiply(quantized, x, y);
            pool.experts(experts, x, ids, weights, 1, y);
        }
        freed(() -> pool.multiply(dense, x, y), "a matrix");
        freed(() -> pool.multiply(quantized, x, y), "a matrix");
        freed(() -> pool.embed(dense, new int[2], y), "the table");
        freed(() -> pool.experts(experts, x, ids, weights, 1, y), "an expert");
    }

    @Test
    void matricesDieWithTheirDescriptors() {
        CpuMatrix matrix;
        CpuMatrix norm;
        try (Arena closed = Arena.ofConfined()) {
            matrix = quantized(closed, arena);
            norm = CpuMatrix.dense(closed, CpuFloatType.F16, 1, 16, arena.allocate(32));
        }
        freed(() -> pool.multiply(matrix, x, y), "a matrix");
        freed(() -> pool.rmsNorm(norm, 1e-5f, x, y), "the weight");
    }

    private static CpuMatrix quantized(Arena descriptor, Arena weights) {
        return CpuMatrix.hqq(
                descriptor,
                new HqqLayout(2, 16, 4),
                16,
                16,
                weights.allocate(64),
                weights.allocate(16),
                weights.allocate(8),
                weights.allocate(8),
                weights.allocate(16),
                1,
                0);
    }

    @Test
    void activationsDieWithTheirArena() {
        FloatMatrix dead;
        KeyValues kv;
        MemorySegment deadIds;
        CpuMatrix norm = CpuMatrix.dense(arena, CpuFloatType.F16, 1, 16, arena.allocate(32));
        CpuMatrix square = CpuMatrix.dense(arena, CpuFloatType.F16, 16, 16, arena.allocate(512));
        try (Arena closed = Arena.ofConfined()) {
            dead = FloatMatrix.allocate(closed, 2, 16);
            kv = KeyValues.allocate(closed, CpuFloatType.F32, 1, 16, 4);
            deadIds = closed.allocate(ValueLayout.JAVA_INT, 2);
        }
        freed(() -> pool.multiply(square, dead, y), "x");
        freed(() -> pool.multiply(square, x, dead), "y");
        freed(() -> pool.add(dead, y), "x");
        freed(() -> pool.add(x, dead), "y");
        freed(() -> pool.rmsNorm(norm, 1e-5f, x, dead), "y");
        freed(() -> pool.rope(dead, 8, 2, 0, ids.asSlice(0, 4)), "x");
        freed(() -> pool.rope(x, 8, 2, 0, deadIds.asSlice(0, 4)), "inverseFrequencies");
        freed(() -> pool.append(kv, 0, x, y), "the keys and values");
        freed(() -> pool.attend(kv, 0, 1, 0, x, y), "the keys and values");
        freed(() -> pool.embed(square, deadIds, y), "ids");
        freed(() -> pool.route(x, 1, deadIds, weights), "ids");
        freed(() -> pool.route(dead, 1, ids, weights), "logits");
        freed(() -> pool.read(dead.segment()), "data");
    }

    @Test
    void confinedMemoryStaysWithItsThread() {
        CpuMatrix matrix = quantized(arena, arena);
        try (ExecutorService other = Executors.newSingleThreadExecutor()) {
            assertThatThrownBy(() ->
                            other.submit(() -> pool.multiply(matrix, x, y)).get())
                    .hasCauseInstanceOf(WrongThreadException.class)
                    .hasMessageContaining("the memory of a matrix is confined to another thread");
        }
    }

    private static void freed(ThrowingCallable call, String name) {
        assertThatThrownBy(call)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the memory of " + name + " was freed: its arena is closed");
    }
}
