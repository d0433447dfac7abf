package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Arguments that do not fit are refused by Java, whose words these are, and never reach native code. */
class ArgumentsTest {
    private final Arena arena = Arena.ofConfined();
    private final CpuPool pool = CpuPool.open(1, CpuLevel.PORTABLE);

    private final CpuMatrix matrix = dense(6, 4);
    private final CpuMatrix quantized = CpuMatrix.hqq(
            arena,
            new HqqLayout(2, 4, 4),
            4,
            4,
            arena.allocate(4),
            arena.allocate(4),
            arena.allocate(2),
            arena.allocate(2),
            arena.allocate(4),
            1,
            0);
    private final FloatMatrix three = FloatMatrix.allocate(arena, 3, 4);
    private final FloatMatrix alsoThree = FloatMatrix.allocate(arena, 3, 4);
    private final FloatMatrix six = FloatMatrix.allocate(arena, 3, 6);
    private final MemorySegment words = arena.allocate(ValueLayout.JAVA_INT, 6);
    private final MemorySegment moreWords = arena.allocate(ValueLayout.JAVA_INT, 6);

    @AfterEach
    void free() {
        pool.close();
        arena.close();
    }

    @Test
    void aPoolHasThreads() {
        refused(() -> CpuPool.open(0, CpuLevel.PORTABLE), "threads must be positive: 0");
        refused(() -> CpuPool.open(-1, CpuLevel.PORTABLE), "threads must be positive: -1");
        refused(() -> CpuPool.open(5000, CpuLevel.PORTABLE), "threads must not exceed the most of a pool, 4096: 5000");
    }

    @Test
    void productsDoNotOverlap() {
        FloatMatrix wide = FloatMatrix.allocate(arena, 3, 10);
        Product good = new Product(matrix, wide.columns(0, 4), wide.columns(4, 6));
        assertThatCode(() -> pool.multiply(List.of(good))).doesNotThrowAnyException();

        Product inPlace = new Product(matrix, wide.columns(1, 4), wide.columns(4, 6));
        refused(() -> pool.multiply(List.of(inPlace)), "y of product 0 and x of product 0 overlap");
        refused(() -> pool.multiply(List.of(good, good)), "y of product 1 and y of product 0 overlap");
        Product reader = new Product(matrix, wide.columns(6, 4), six);
        refused(() -> pool.multiply(List.of(good, reader)), "y of product 0 and x of product 1 overlap");
        refused(() -> pool.multiply(List.of()), "number of products must be positive: 0");
    }

    @Test
    void outputsAreWritable() {
        FloatMatrix readOnly = FloatMatrix.of(six.segment().asReadOnly(), 3, 6, 6);
        FloatMatrix readOnlyThree = FloatMatrix.of(three.segment().asReadOnly(), 3, 4, 4);
        refused(() -> pool.multiply(matrix, three, readOnly), "y is an output, but its memory is read-only");
        refused(() -> pool.add(three, FloatMatrix.of(alsoThree.segment().asReadOnly(), 3, 4, 4)), "read-only");
        refused(() -> pool.rope(readOnlyThree, 2, 2, 0, words.asSlice(0, 4)), "read-only");
        refused(() -> pool.route(three, 2, words.asReadOnly(), moreWords), "ids is an output");
        refused(() -> pool.route(three, 2, words, moreWords.asReadOnly()), "weights is an output");
        refused(() -> pool.embed(matrix, new int[3], readOnlyThree), "read-only");
        assertThatCode(() -> pool.add(readOnlyThree, alsoThree)).doesNotThrowAnyException();
    }

    @Test
    void tokensAreRowsOfTheTable() {
        refused(() -> pool.embed(matrix, new int[] {0, 6, 1}, three), "ids must lie in [0, 6): 6");
        refused(() -> pool.embed(matrix, new int[] {0, 1, -1}, three), "ids must lie in [0, 6): -1");
        refused(() -> pool.embed(matrix, new int[2], three), "the number of ids must equal the rows of y, 3: 2");
        refused(() -> pool.embed(matrix, new int[3], six), "the columns of y must equal those of the table, 4: 6");
        refused(() -> pool.embed(quantized, new int[3], three), "the table must be dense: HQQ matrix of 4 x 4");
        MemorySegment ids = words.asSlice(0, 12);
        ids.setAtIndex(ValueLayout.JAVA_INT, 2, 6);
        refused(() -> pool.embed(matrix, ids, three), "ids must lie in [0, 6): 6");
        refused(() -> pool.embed(matrix, words, three), "ids must have 12 bytes for its shape: 24");
        refused(() -> pool.embed(matrix, MemorySegment.ofArray(new int[3]), three), "ids lies on the Java heap");
        MemorySegment odd = words.asSlice(1, 12);
        refused(() -> pool.embed(matrix, odd, three), "ids must start at a multiple of 4 bytes");
    }

    @Test
    void aNormHasOneWeightForEachColumn() {
        CpuMatrix weight = dense(1, 4);
        refused(() -> pool.rmsNorm(matrix, 1e-5f, three, three), "the rows of the weight must equal one, 1: 6");
        refused(() -> pool.rmsNorm(quantized, 1e-5f, three, three), "the weight must be dense");
        refused(() -> pool.rmsNorm(weight, 1e-5f, six, six), "the columns of x must equal those of the weight, 4: 6");
        refused(() -> pool.rmsNorm(weight, 1e-5f, three, six), "the columns of y must equal those of x, 4: 6");
        refused(() -> pool.rmsNorm(weight, 1e-5f, six.columns(0, 4), six.columns(1, 4)), "x and y overlap");
        assertThatCode(() -> pool.rmsNorm(weight, 1e-5f, six.columns(0, 4), six.columns(0, 4)))
                .doesNotThrowAnyException();
    }

    @Test
    void summandsHaveOneShape() {
        refused(() -> pool.add(three, six), "the columns of y must equal those of x, 4: 6");
        refused(() -> pool.add(three.rows(0, 2), alsoThree), "the rows of y must equal those of x, 2: 3");
        refused(() -> pool.add(three, three), "x and y overlap");
    }

    @Test
    void rotationTurnsPairs() {
        MemorySegment one = words.asSlice(0, 4);
        refused(() -> pool.rope(six, 2, 3, 0, one), "headSize must be a multiple of the size of a pair, 2: 3");
        refused(() -> pool.rope(six, 2, 2, 0, one), "the columns of x must equal heads * headSize, 4: 6");
        refused(() -> pool.rope(six, 0, 2, 0, one), "heads must be positive: 0");
        refused(() -> pool.rope(six, 3, 2, -1, one), "position must not be negative: -1");
        refused(() -> pool.rope(six, 3, 2, 0, words), "inverseFrequencies must have 4 bytes for its shape: 24");
        refused(() -> pool.rope(six, 1 << 30, 1 << 30, 0, one), "the columns of x must equal heads * headSize");
    }

    @Test
    void keysAndValuesStayInTheirRoom() {
        KeyValues kv = KeyValues.allocate(arena, CpuFloatType.F16, 2, 2, 5);
        refused(() -> pool.append(kv, 3, three, alsoThree), "position + tokens must not exceed the capacity, 5: 6");
        refused(() -> pool.append(kv, -1, three, alsoThree), "position must not be negative: -1");
        refused(() -> pool.append(kv, Integer.MAX_VALUE, three, alsoThree), "must not exceed the capacity");
        refused(() -> pool.append(kv, 0, six, three), "the columns of keys must equal kvHeads * headSize, 4: 6");
        refused(() -> pool.append(kv, 0, three, six), "the columns of values must equal kvHeads * headSize, 4: 6");
        refused(() -> pool.append(kv, 0, three, three.rows(0, 2)), "the rows of values must equal those of keys");
    }

    @Test
    void queriesFitTheirKeys() {
        KeyValues kv = KeyValues.allocate(arena, CpuFloatType.F16, 2, 2, 5);
        refused(() -> pool.attend(kv, 3, 2, 0, three, alsoThree), "must not exceed the capacity, 5: 6");
        refused(() -> pool.attend(kv, 0, 3, 0, six, three), "heads must be a multiple of kvHeads, 2: 3");
        refused(() -> pool.attend(kv, 0, 0, 0, six, three), "heads must be positive: 0");
        refused(() -> pool.attend(kv, 0, 4, 0, three, alsoThree), "the columns of q must equal heads * headSize, 8: 4");
        refused(() -> pool.attend(kv, 0, 2, -1, three, alsoThree), "window must not be negative: -1");
        refused(() -> pool.attend(kv, 0, 2, 0, three, three), "q and y overlap");
        refused(() -> pool.attend(kv, 0, 2, 0, three, six), "the columns of y must equal those of q, 4: 6");
    }

    @Test
    void noMoreExpertsAreChosenThanThereAre() {
        refused(() -> pool.route(three, 5, words, moreWords), "topK must not exceed the number of experts, 4: 5");
        refused(() -> pool.route(three, 0, words, moreWords), "topK must be positive: 0");
        refused(() -> pool.route(three, 1, words, moreWords), "ids must have 12 bytes for its shape: 24");
        refused(() -> pool.route(three, 2, words, words), "ids and weights overlap");
        refused(() -> pool.route(three, 2, three.segment().asSlice(0, 24), words), "ids and logits overlap");
        refused(() -> pool.route(three, 2, words, three.segment().asSlice(0, 24)), "weights and logits overlap");
    }

    @Test
    void tokensGoToExpertsThatExist() {
        CpuExperts experts = CpuExperts.of(arena, List.of(matrix), List.of(matrix), List.of(dense(4, 6)));
        MemorySegment ids = words.asSlice(0, 12);
        MemorySegment weights = moreWords.asSlice(0, 12);
        refused(() -> pool.experts(experts, three, words, moreWords, 2, alsoThree), "topK must not exceed");
        refused(() -> pool.experts(experts, three, words, weights, 1, alsoThree), "ids must have 12 bytes");
        refused(() -> pool.experts(experts, three, ids, moreWords, 1, alsoThree), "weights must have 12 bytes");
        refused(() -> pool.experts(experts, six, ids, weights, 1, six), "must equal the hidden size, 4: 6");
        refused(() -> pool.experts(experts, three, ids, weights, 1, three), "x and y overlap");
        assertThatCode(() -> pool.experts(experts, three, ids, weights, 1, alsoThree))
                .doesNotThrowAnyException();
        ids.setAtIndex(ValueLayout.JAVA_INT, 1, 1);
        refused(() -> pool.experts(experts, three, ids, weights, 1, alsoThree), "experts must lie in [0, 1): 1");
        ids.setAtIndex(ValueLayout.JAVA_INT, 1, -1);
        refused(() -> pool.experts(experts, three, ids, weights, 1, alsoThree), "experts must lie in [0, 1): -1");
    }

    @Test
    void onlyWholeWordsAreRead() {
        refused(() -> pool.read(arena.allocate(12)), "must be a multiple of a word, 8: 12");
        refused(() -> pool.read(arena.allocate(8).asSlice(8)), "must be positive: 0");
        refused(() -> pool.read(MemorySegment.ofArray(new long[1])), "data lies on the Java heap");
    }

    private CpuMatrix dense(int rows, int columns) {
        return CpuMatrix.dense(arena, CpuFloatType.F16, rows, columns, arena.allocate(2L * rows * columns));
    }

    private static void refused(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessageContaining(message);
    }
}
