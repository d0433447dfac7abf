package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a matrix, a layer of experts and a store of keys and values accept. */
class CpuMatrixTest {
    private static final HqqLayout LAYOUT = new HqqLayout(2, 16, 8);

    private final Arena arena = Arena.ofConfined();

    @AfterEach
    void free() {
        arena.close();
    }

    @Test
    void theBytesAreThoseOfAllParts() {
        assertThat(hqq(LAYOUT, 32, 12, new long[] {96, 24, 6, 6, 24}).bytes()).isEqualTo(96 + 24 + 6 + 6 + 24);
        assertThat(dense(3, 5, 30).bytes()).isEqualTo(30);
    }

    @ParameterizedTest
    @CsvSource({"0, codes", "1, scaleCodes", "2, scaleScales", "3, scaleZeros", "4, zeroCodes"})
    void aPartOfAnotherSizeIsRefused(int part, String name) {
        for (int difference : new int[] {-1, 1}) {
            long[] sizes = {128, 32, 8, 8, 32};
            assertThat(hqq(LAYOUT, 32, 16, sizes).rows()).isEqualTo(32);
            sizes[part] += difference;
            refused(() -> hqq(LAYOUT, 32, 16, sizes), name + " must have ");
        }
    }

    @ParameterizedTest
    @CsvSource({"0, codes", "1, metas", "2, pairs"})
    void aPartOfAnotherSizeIsRefusedWhereScalesHaveFourBits(int part, String name) {
        for (int difference : new int[] {-1, 1}) {
            long[] sizes = {32 * 130 / 4, 2 * 130, 2 * 2 * 4 * 2};
            assertThat(narrow(sizes).bytes()).isEqualTo(sizes[0] + sizes[1] + sizes[2]);
            sizes[part] += difference;
            refused(() -> narrow(sizes), name + " must have ");
        }
    }

    private CpuMatrix narrow(long[] sizes) {
        return CpuMatrix.narrow(
                arena, 2, 16, 32, 130, arena.allocate(sizes[0]), arena.allocate(sizes[1]), arena.allocate(sizes[2]));
    }

    @Test
    void shapesThatGroupsDoNotDivideAreRefused() {
        refused(() -> hqq(LAYOUT, 24, 16, new long[5]), "rows must be a multiple of groupSize, 16: 24");
        refused(() -> hqq(LAYOUT, 16, 12, new long[5]), "groups must be a multiple of scaleGroup, 8: 12");
        refused(() -> hqq(LAYOUT, 0, 16, new long[5]), "rows must be positive: 0");
        refused(() -> dense(1, -1, 0), "columns must be positive: -1");
    }

    @Test
    void layoutsThatDoNotExistAreRefused() {
        refused(() -> new HqqLayout(3, 16, 8), "bits must be 2, 4 or 8: 3");
        refused(() -> new HqqLayout(2, 6, 8), "groupSize must be a multiple of the codes in a byte, 4: 6");
        refused(() -> new HqqLayout(2, 0, 8), "groupSize must be positive: 0");
        refused(() -> new HqqLayout(2, 16, 0), "scaleGroup must be positive: 0");
    }

    @Test
    void memoryOnTheHeapIsRefused() {
        MemorySegment heap = MemorySegment.ofArray(new byte[30]);
        refused(() -> CpuMatrix.dense(arena, CpuFloatType.F16, 3, 5, heap), "values lies on the Java heap");
        refused(() -> dense(3, 5, 31), "values must have 30 bytes for its shape: 31");
    }

    @Test
    void expertsOfDifferentShapesAreRefused() {
        CpuMatrix in = dense(6, 4, 48);
        CpuMatrix out = dense(4, 6, 48);
        CpuExperts experts = CpuExperts.of(arena, List.of(in, in), List.of(in, in), List.of(out, out));
        assertThat(experts.count()).isEqualTo(2);
        assertThat(experts.hidden()).isEqualTo(4);
        assertThat(experts.intermediate()).isEqualTo(6);

        refused(() -> CpuExperts.of(arena, List.of(in, out), List.of(in, in), List.of(out, out)), "expert 1 must have");
        refused(() -> CpuExperts.of(arena, List.of(in), List.of(out), List.of(out)), "expert 0 must have");
        refused(() -> CpuExperts.of(arena, List.of(in), List.of(in), List.of(in)), "expert 0 must have");
        refused(() -> CpuExperts.of(arena, List.of(in), List.of(), List.of(out)), "number of ups");
        refused(() -> CpuExperts.of(arena, List.of(in), List.of(in), List.of()), "number of downs");
        refused(() -> CpuExperts.of(arena, List.of(), List.of(), List.of()), "must be positive: 0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"F16", "F32"})
    void keysAndValuesTakeTheBytesOfTheirType(CpuFloatType type) {
        assertThat(KeyValues.allocate(arena, type, 2, 8, 10).bytes()).isEqualTo(2L * 2 * 8 * 10 * type.bytes());
    }

    @Test
    void keysAndValuesOfNoSizeAreRefused() {
        refused(() -> KeyValues.allocate(arena, CpuFloatType.BF16, 2, 8, 10), "F16 or F32: BF16");
        refused(() -> KeyValues.allocate(arena, CpuFloatType.F16, 0, 8, 10), "kvHeads must be positive: 0");
        refused(() -> KeyValues.allocate(arena, CpuFloatType.F16, 2, -8, 10), "headSize must be positive: -8");
        refused(() -> KeyValues.allocate(arena, CpuFloatType.F16, 2, 7, 10), "headSize must be a multiple");
        refused(() -> KeyValues.allocate(arena, CpuFloatType.F16, 2, 8, 0), "capacity must be positive: 0");
    }

    @Test
    void productsOfShapesThatDoNotFitAreRefused() {
        CpuMatrix w = dense(6, 4, 48);
        FloatMatrix x = FloatMatrix.allocate(arena, 3, 4);
        FloatMatrix y = FloatMatrix.allocate(arena, 3, 6);
        refused(() -> new Product(w, y, y), "the columns of x must equal those of the matrix, 4: 6");
        refused(() -> new Product(w, x, x), "the columns of y must equal the rows of the matrix, 6: 4");
        refused(() -> new Product(w, x, y.rows(0, 2)), "the rows of y must equal those of x, 3: 2");
    }

    private CpuMatrix dense(int rows, int columns, long bytes) {
        return CpuMatrix.dense(arena, CpuFloatType.F16, rows, columns, arena.allocate(bytes));
    }

    private CpuMatrix hqq(HqqLayout layout, int rows, int columns, long[] sizes) {
        return CpuMatrix.hqq(
                arena,
                layout,
                rows,
                columns,
                arena.allocate(sizes[0]),
                arena.allocate(sizes[1]),
                arena.allocate(sizes[2]),
                arena.allocate(sizes[3]),
                arena.allocate(sizes[4]),
                1,
                0);
    }

    private static void refused(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessageContaining(message);
    }
}
