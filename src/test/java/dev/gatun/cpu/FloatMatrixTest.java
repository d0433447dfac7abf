package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Matrices of activations and views of them. */
class FloatMatrixTest {
    @Test
    void aNewMatrixIsZeroAndAligned() {
        try (Arena arena = Arena.ofConfined()) {
            FloatMatrix matrix = FloatMatrix.allocate(arena, 3, 5);
            assertThat(matrix.toArray()).hasSize(15).containsOnly(0f);
            assertThat(matrix.segment().address() % 64).isZero();
            assertThat(matrix.ld()).isEqualTo(5);
        }
    }

    @Test
    void whatIsWrittenIsReadBack() {
        Cases.random(20, random -> {
            try (Arena arena = Arena.ofConfined()) {
                int rows = Cases.between(random, 1, 9);
                int columns = Cases.between(random, 1, 9);
                float[] values = Cases.values(random, rows * columns);
                Guarded guarded = Guarded.allocate(arena, rows, columns);
                guarded.inner().copyFrom(values);
                assertThat(guarded.values()).containsExactly(values);
                guarded.inner().fill(7);
                assertThat(guarded.values()).containsOnly(7f);
            }
        });
    }

    @Test
    void aViewOfAViewIsThePartOfTheWhole() {
        Cases.random(50, random -> {
            try (Arena arena = Arena.ofConfined()) {
                FloatMatrix whole = numbered(arena, 8, 9);
                int row = random.nextInt(8);
                int column = random.nextInt(9);
                int rows = Cases.between(random, 1, 8 - row);
                int columns = Cases.between(random, 1, 9 - column);
                FloatMatrix view = whole.columns(column, columns).rows(row, rows);
                assertThat(view).isEqualTo(whole.rows(row, rows).columns(column, columns));
                for (int i = 0; i < rows; i++) {
                    for (int j = 0; j < columns; j++) {
                        assertThat(view.get(i, j)).isEqualTo(whole.get(row + i, column + j));
                    }
                }
            }
        });
    }

    @Test
    void overlapIsToShareAnElement() {
        Cases.random(400, random -> {
            try (Arena arena = Arena.ofConfined()) {
                FloatMatrix whole = numbered(arena, 5, 6);
                FloatMatrix one = part(random, whole);
                FloatMatrix other = part(random, whole);
                Set<Float> shared = elements(one);
                shared.retainAll(elements(other));
                assertThat(one.overlaps(other))
                        .as("%s and %s", one, other)
                        .isEqualTo(!shared.isEmpty())
                        .isEqualTo(other.overlaps(one));
            }
        });
    }

    private static FloatMatrix part(Random random, FloatMatrix whole) {
        int row = random.nextInt(whole.rows());
        int column = random.nextInt(whole.columns());
        return whole.rows(row, Cases.between(random, 1, whole.rows() - row))
                .columns(column, Cases.between(random, 1, whole.columns() - column));
    }

    private static FloatMatrix numbered(Arena arena, int rows, int columns) {
        FloatMatrix matrix = FloatMatrix.allocate(arena, rows, columns);
        for (int i = 0; i < rows * columns; i++) {
            matrix.set(i / columns, i % columns, i);
        }
        return matrix;
    }

    private static Set<Float> elements(FloatMatrix matrix) {
        Set<Float> elements = new HashSet<>();
        for (float value : matrix.toArray()) {
            elements.add(value);
        }
        return elements;
    }

    @Test
    void interleavedMatricesOfDifferentStridesCountAsOverlapping() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(ValueLayout.JAVA_FLOAT, 100);
            FloatMatrix one = FloatMatrix.of(memory, 3, 1, 10);
            FloatMatrix other = FloatMatrix.of(memory.asSlice(4), 3, 1, 11);
            assertThat(one.overlaps(other)).isTrue();
            assertThat(one.overlaps(FloatMatrix.of(memory.asSlice(21 * 4), 3, 1, 11)))
                    .isFalse();
        }
    }

    @Test
    void shapesThatMemoryDoesNotCoverAreRefused() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(ValueLayout.JAVA_FLOAT, 10);
            assertThat(FloatMatrix.of(memory, 2, 4, 6).segment().byteSize()).isEqualTo(40);
            refused(() -> FloatMatrix.of(memory, 2, 5, 6), "must not exceed that of its memory, 40: 44");
            refused(() -> FloatMatrix.of(memory, 1, 4, 3), "columns must not exceed ld, 3: 4");
            refused(() -> FloatMatrix.of(memory, 0, 4, 4), "rows must be positive: 0");
            refused(() -> FloatMatrix.of(memory, 1, 0, 4), "columns must be positive: 0");
            refused(() -> FloatMatrix.of(memory.asSlice(1), 1, 1, 1), "multiple of 4 bytes");
            refused(() -> FloatMatrix.of(MemorySegment.ofArray(new float[4]), 2, 2, 2), "on the Java heap");
            refused(() -> FloatMatrix.allocate(arena, 2, -1), "columns must be positive: -1");
        }
    }

    @Test
    void indexesOutsideAreRefused() {
        try (Arena arena = Arena.ofConfined()) {
            FloatMatrix matrix = FloatMatrix.allocate(arena, 4, 6).columns(0, 3);
            assertThatThrownBy(() -> matrix.get(0, 3)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> matrix.set(4, 0, 1)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> matrix.rows(3, 2)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> matrix.columns(-1, 2)).isInstanceOf(IndexOutOfBoundsException.class);
            refused(() -> matrix.copyFrom(new float[11]), "must equal that of elements, 12: 11");
        }
    }

    private static void refused(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessageContaining(message);
    }
}
