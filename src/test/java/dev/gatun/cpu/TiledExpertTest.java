package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.function.ToIntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Experts that are computed straight from their block of tiles. */
class TiledExpertTest extends OnEveryLevel {
    /** Scaled inputs of all three products are rounded to 15 bits of the largest of their block. */
    private double tolerance() {
        return level == CpuLevel.PORTABLE ? Reference.FLOATS : Reference.WORDS;
    }

    /** What experts are drawn from. */
    enum Tiles {
        /** In either format, w2 as that of a whole expert of the size. */
        OF_WHOLE_EXPERTS,
        /** With w2 in the order of sixteens. */
        IN_SIXTEENS;

        SampleTiles draw(Arena arena, Random random) {
            return this == OF_WHOLE_EXPERTS ? SampleTiles.any(arena, random) : SampleTiles.inSixteens(arena, random);
        }
    }

    /** A format, and in which order w2's columns lie. */
    enum Kind {
        Q2,
        Q2N,
        Q2N_IN_SIXTEENS;

        SampleTiles draw(Arena arena, Random random, int hidden, int sixteens) {
            return this == Q2N_IN_SIXTEENS
                    ? SampleTiles.inSixteens(arena, random, hidden, sixteens)
                    : SampleTiles.of(arena, random, TileFormat.valueOf(name()), hidden, 256 * sixteens);
        }
    }

    /** A call's arguments. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Call(float[] x, float[] weights, float[] before) {
        static Call of(Random random, SampleTiles sample, int tokens) {
            float[] weights = new float[tokens];
            for (int t = 0; t < tokens; t++) {
                weights[t] = random.nextFloat(-1, 1);
            }
            int values = tokens * sample.hidden();
            return new Call(Cases.values(random, values), weights, new float[values]);
        }

        int tokens() {
            return weights.length;
        }

        Call token(int t) {
            int hidden = x.length / tokens();
            return new Call(
                    Arrays.copyOfRange(x, t * hidden, (t + 1) * hidden),
                    new float[] {weights[t]},
                    Arrays.copyOfRange(before, t * hidden, (t + 1) * hidden));
        }
    }

    private static float[] add(CpuPool pool, Arena arena, SampleTiles sample, Call call, int from, int to) {
        Guarded y = Guarded.allocate(arena, call.tokens(), sample.hidden());
        y.inner().copyFrom(call.before());
        pool.addExpert(
                sample.expert(),
                from,
                to,
                Guarded.of(arena, call.tokens(), sample.hidden(), call.x()),
                arena.allocateFrom(ValueLayout.JAVA_FLOAT, call.weights()),
                y.inner());
        return y.values();
    }

    private static float[] add(CpuPool pool, Arena arena, SampleTiles sample, Call call) {
        return add(pool, arena, sample, call, 0, sample.slices());
    }

    @ParameterizedTest
    @EnumSource
    void anExpertIsThatOfTheDefinition(Tiles tiles) {
        Cases.random(60, random -> {
            try (Arena arena = Arena.ofConfined()) {
                SampleTiles sample = tiles.draw(arena, random);
                Call call = Call.of(random, sample, Cases.between(random, 1, 4));
                Reference.assertNear(
                        add(pool, arena, sample, call),
                        sample.expected(Reference.widen(call.x()), call.weights(), 0, sample.slices()),
                        tolerance());
            }
        });
    }

    /** Longer rows than a block of scaled inputs, whole tiles, pairs that repeat. */
    @ParameterizedTest
    @EnumSource(
            value = TileFormat.class,
            names = {"Q2", "Q2N"})
    void aLargeExpertIsThatOfTheDefinition(TileFormat format) {
        isThatOfTheDefinition(
                (arena, random) -> SampleTiles.of(arena, random, format, 1280, 2048 + 128 * random.nextInt(3)),
                random -> 0);
    }

    /** Rows go together that have more blocks than have their turn at a time: of w1 and w3. */
    @ParameterizedTest
    @EnumSource
    void anExpertOfManyInputsIsThatOfTheDefinition(Kind kind) {
        isThatOfTheDefinition(
                (arena, random) -> kind.draw(arena, random, 16 * Cases.between(random, 260, 330), 1),
                random -> random.nextInt(16));
    }

    /** Likewise of w2, from its second block on. */
    @ParameterizedTest
    @EnumSource
    void anExpertOfManyInnerValuesIsThatOfTheDefinition(Kind kind) {
        isThatOfTheDefinition(
                (arena, random) ->
                        kind.draw(arena, random, 16 * Cases.between(random, 12, 16), Cases.between(random, 24, 32)),
                random -> Cases.between(random, 64, 127));
    }

    /** Its slices from one on. */
    private void isThatOfTheDefinition(BiFunction<Arena, Random, SampleTiles> draw, ToIntFunction<Random> first) {
        Cases.random(3, random -> {
            try (Arena arena = Arena.ofConfined()) {
                SampleTiles sample = draw.apply(arena, random);
                Call call = Call.of(random, sample, Cases.between(random, 1, 4));
                int from = first.applyAsInt(random);
                Reference.assertNear(
                        add(pool, arena, sample, call, from, sample.slices()),
                        sample.expected(Reference.widen(call.x()), call.weights(), from, sample.slices()),
                        tolerance());
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    void aRangeOfSlicesIsThatPartOfTheExpert(Tiles tiles) {
        Cases.random(40, random -> {
            try (Arena arena = Arena.ofConfined()) {
                SampleTiles sample = tiles.draw(arena, random);
                Call call = Call.of(random, sample, Cases.between(random, 1, 4));
                int from = random.nextInt(sample.slices());
                int to = Cases.between(random, from + 1, sample.slices());
                Reference.assertNear(
                        add(pool, arena, sample, call, from, to),
                        sample.expected(Reference.widen(call.x()), call.weights(), from, to),
                        tolerance());
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    void rangesAddUpToTheWholeAndToWhatWasThere(Tiles tiles) {
        Cases.random(30, random -> {
            try (Arena arena = Arena.ofConfined()) {
                SampleTiles sample = tiles.draw(arena, random);
                Call call = Call.of(random, sample, Cases.between(random, 1, 4));
                float[] before = Cases.values(random, call.x().length);
                double[] expected = sample.expected(Reference.widen(call.x()), call.weights(), 0, sample.slices());
                for (int i = 0; i < expected.length; i++) {
                    expected[i] += before[i];
                }
                float[] sum = before;
                for (int from = 0; from < sample.slices(); ) {
                    int to = Cases.between(random, from, sample.slices());
                    sum = add(pool, arena, sample, new Call(call.x(), call.weights(), sum), from, to);
                    from = to;
                }
                Reference.assertNear(sum, expected, 2 * tolerance());
            }
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 5})
    void theNumberOfThreadsNeverChangesABit(int threads) {
        try (CpuPool other = CpuPool.open(threads, level)) {
            Cases.random(20, random -> {
                try (Arena arena = Arena.ofConfined()) {
                    SampleTiles sample = SampleTiles.of(
                            arena,
                            random,
                            random.nextBoolean() ? TileFormat.Q2 : TileFormat.Q2N,
                            16 * Cases.between(random, 20, 60),
                            16
                                    * (random.nextBoolean()
                                            ? Cases.between(random, 20, 60)
                                            : 16 * Cases.between(random, 2, 9)));
                    Call call = Call.of(random, sample, Cases.between(random, 1, 4));
                    assertThat(add(other, arena, sample, call)).isEqualTo(add(pool, arena, sample, call));
                }
            });
        }
    }

    /** Rows of w2 so long that they are divided. One thread alone must not wait for what it has not done yet. */
    @ParameterizedTest
    @EnumSource(
            value = TileFormat.class,
            names = {"Q2", "Q2N"})
    void aWideExpertIsThatOfTheDefinitionAtAnyNumberOfThreads(TileFormat format) {
        try (CpuPool one = CpuPool.open(1, level);
                CpuPool three = CpuPool.open(3, level)) {
            Cases.random(2, random -> {
                try (Arena arena = Arena.ofConfined()) {
                    SampleTiles sample = SampleTiles.of(
                            arena,
                            random,
                            format,
                            16 * Cases.between(random, 1, 5),
                            16 * Cases.between(random, 500, 1100));
                    Call call = Call.of(random, sample, Cases.between(random, 1, 4));
                    int from = random.nextInt(sample.slices() / 4);
                    float[] sums = add(pool, arena, sample, call, from, sample.slices());
                    Reference.assertNear(
                            sums,
                            sample.expected(Reference.widen(call.x()), call.weights(), from, sample.slices()),
                            tolerance());
                    for (CpuPool other : List.of(one, three)) {
                        assertThat(add(other, arena, sample, call, from, sample.slices()))
                                .isEqualTo(sums);
                    }
                }
            });
        }
    }

    /** Rows of w2 that are divided, from a slice on that may be in the middle of what lies together. */
    @Test
    void aWideExpertInSixteensIsThatOfTheDefinitionAtAnyNumberOfThreads() {
        try (CpuPool one = CpuPool.open(1, level);
                CpuPool three = CpuPool.open(3, level)) {
            Cases.random(2, random -> {
                try (Arena arena = Arena.ofConfined()) {
                    SampleTiles sample = SampleTiles.inSixteens(
                            arena, random, 16 * Cases.between(random, 1, 5), Cases.between(random, 32, 70));
                    Call call = Call.of(random, sample, Cases.between(random, 1, 4));
                    int from = random.nextInt(sample.slices() / 2);
                    int to = Cases.between(random, from + 256, sample.slices());
                    float[] sums = add(pool, arena, sample, call, from, to);
                    Reference.assertNear(
                            sums, sample.expected(Reference.widen(call.x()), call.weights(), from, to), tolerance());
                    for (CpuPool other : List.of(one, three)) {
                        assertThat(add(other, arena, sample, call, from, to)).isEqualTo(sums);
                    }
                }
            });
        }
    }

    /** Codes about the one that stands for nothing, so that eight steps may be more than any scale. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void stepsOfScalesAreOfEitherSign(boolean isInSixteens) {
        Cases.random(20, random -> {
            try (Arena arena = Arena.ofConfined()) {
                SampleTiles sample = isInSixteens
                        ? SampleTiles.inSixteens(arena, random)
                        : SampleTiles.of(arena, random, TileFormat.Q2N, 16 * Cases.between(random, 1, 22), 640);
                spreadScales(random, sample.block().gate(), sample.block().gateOffset(), sample.memory());
                spreadScales(random, sample.block().up(), sample.block().upOffset(), sample.memory());
                spreadScales(random, sample.block().down(), sample.block().downOffset(), sample.memory());
                Call call = Call.of(random, sample, Cases.between(random, 1, 4));
                Reference.assertNear(
                        add(pool, arena, sample, call),
                        sample.expected(Reference.widen(call.x()), call.weights(), 0, sample.slices()),
                        tolerance());
            }
        });
    }

    private static void spreadScales(Random random, TileShape shape, long offset, MemorySegment block) {
        MemorySegment second = block.asSlice(offset + shape.secondOffset(), shape.secondBytes());
        for (long at = 0; at < second.byteSize(); at += 8) {
            float step = Float.float16ToFloat(second.get(ValueLayout.JAVA_SHORT, at));
            second.set(ValueLayout.JAVA_SHORT, at, Float.floatToFloat16(random.nextBoolean() ? step : -step));
            second.set(ValueLayout.JAVA_SHORT, at + 2, Float.floatToFloat16(random.nextFloat(7, 9)));
        }
    }

    /** As where experts change places with each other. */
    @ParameterizedTest
    @EnumSource
    void aBlockHoldsOneExpertAfterTheOther(Tiles tiles) {
        Cases.random(20, random -> {
            try (Arena arena = Arena.ofConfined()) {
                SampleTiles one = tiles.draw(arena, random);
                SampleTiles other = one.withOtherTiles(arena, random);
                Call call = Call.of(random, one, Cases.between(random, 1, 4));
                List<float[]> expected = List.of(add(pool, arena, one, call), add(pool, arena, other, call));
                MemorySegment block = arena.allocate(one.memory().byteSize(), TiledExpertShape.ALIGNMENT);
                TiledBlock place = TiledBlock.of(arena, one.expert().shape(), block);
                List<TiledPairs> pairs =
                        List.of(new TiledPairs(arena, place.shape()), new TiledPairs(arena, place.shape()));
                for (int i = 0; i < 4; i++) {
                    block.copyFrom((i % 2 == 0 ? one : other).memory());
                    SampleTiles sample = new SampleTiles(place.holding(pairs.get(i % 2)), one.block(), block);
                    assertThat(add(pool, arena, sample, call)).isEqualTo(expected.get(i % 2));
                }
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    void whatIsKeptOfAnExpertTakesWhatItsShapeSays(Tiles tiles) {
        Cases.random(100, random -> {
            try (Arena arena = Arena.ofConfined()) {
                TiledExpert expert = tiles.draw(arena, random).expert();
                assertThat(expert.pairs(level).byteSize())
                        .isEqualTo(expert.shape().pairsBytes(level));
            }
        });
    }

    @Test
    void pairsThatDoNotFitAreRefused() {
        try (Arena arena = Arena.ofConfined()) {
            SampleTiles sample = SampleTiles.of(arena, new Random(1), TileFormat.Q2, 32, 48);
            TiledExpertShape other = SampleTiles.of(arena, new Random(1), TileFormat.Q2, 48, 32)
                    .expert()
                    .shape();
            assertThatThrownBy(() -> sample.expert().block().holding(new TiledPairs(arena, other)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("do not go with");
            TiledExpert freed = withFreedPairs(sample.expert());
            FloatMatrix x = FloatMatrix.allocate(arena, 1, 32);
            FloatMatrix y = FloatMatrix.allocate(arena, 1, 32);
            assertThatThrownBy(() -> pool.addExpert(freed, x, arena.allocate(4, 4), y))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("was freed");
        }
    }

    private static TiledExpert withFreedPairs(TiledExpert expert) {
        try (Arena closed = Arena.ofConfined()) {
            return expert.block().holding(new TiledPairs(closed, expert.shape()));
        }
    }

    @ParameterizedTest
    @EnumSource
    void aTokenKnowsNothingOfTheOthers(Tiles tiles) {
        Cases.random(30, random -> {
            try (Arena arena = Arena.ofConfined()) {
                SampleTiles sample = tiles.draw(arena, random);
                Call call = Call.of(random, sample, Cases.between(random, 2, 4));
                float[] all = add(pool, arena, sample, call);
                int t = random.nextInt(call.tokens());
                assertThat(add(pool, arena, sample, call.token(t)))
                        .isEqualTo(Arrays.copyOfRange(all, t * sample.hidden(), (t + 1) * sample.hidden()));
            }
        });
    }

    /** Infinity, NaN, and what is too small to be scaled. */
    @ParameterizedTest
    @EnumSource
    void whatIsNoNumberIsSeenAndWhatIsTinyIsNot(Tiles tiles) {
        Cases.random(20, random -> {
            try (Arena arena = Arena.ofConfined()) {
                SampleTiles sample = tiles.draw(arena, random);
                Call call = Call.of(random, sample, 1);
                float[] x = call.x().clone();
                x[random.nextInt(x.length)] = random.nextBoolean() ? Float.NaN : Float.POSITIVE_INFINITY;
                float[] sum = add(pool, arena, sample, new Call(x, call.weights(), call.before()));
                for (float value : sum) {
                    assertThat(Float.isFinite(value)).isFalse();
                }
                Arrays.fill(x, Float.MIN_VALUE);
                assertThat(add(pool, arena, sample, new Call(x, call.weights(), call.before())))
                        .containsOnly(0);
            }
        });
    }

    @Test
    void inputsOfTilesWithoutScalesDoNotCountHoweverLarge() {
        Cases.random(20, random -> {
            try (Arena arena = Arena.ofConfined()) {
                SampleTiles sample = SampleTiles.of(arena, random, TileFormat.Q2N, 2 * TileShape.TILE_COLUMNS, 48);
                clearSecondTiles(
                        sample.block().gate(),
                        sample.memory().asSlice(sample.block().gateOffset()));
                clearSecondTiles(
                        sample.block().up(),
                        sample.memory().asSlice(sample.block().upOffset()));
                Call call = Call.of(random, sample, 1);
                float[] x = call.x().clone();
                Arrays.fill(x, TileShape.TILE_COLUMNS, x.length, 0);
                float[] without = add(pool, arena, sample, new Call(x, call.weights(), call.before()));
                Arrays.fill(x, TileShape.TILE_COLUMNS, x.length, Float.MAX_VALUE);
                assertThat(add(pool, arena, sample, new Call(x, call.weights(), call.before())))
                        .isEqualTo(without);
            }
        });
    }

    /** The second of two tiles of each group row has no second level then, but zeros. */
    private static void clearSecondTiles(TileShape shape, MemorySegment matrix) {
        long entry = shape.secondBytes() / shape.groupRows() / 2;
        for (int row = 0; row < shape.groupRows(); row++) {
            matrix.asSlice(shape.secondOffset() + (2L * row + 1) * entry, entry).fill((byte) 0);
        }
    }

    @Test
    void argumentsThatDoNotFitAreRefused() {
        try (Arena arena = Arena.ofConfined()) {
            SampleTiles sample = SampleTiles.of(arena, new Random(1), TileFormat.Q2N, 32, 48);
            FloatMatrix x = FloatMatrix.allocate(arena, 1, 32);
            FloatMatrix y = FloatMatrix.allocate(arena, 1, 32);
            MemorySegment weights = arena.allocate(4, 4);
            assertThatThrownBy(() -> pool.addExpert(sample.expert(), 1, 4, x, weights, y))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> pool.addExpert(sample.expert(), x, weights, x))
                    .hasMessageContaining("x and y overlap");
            assertThatThrownBy(() -> pool.addExpert(sample.expert(), x, arena.allocate(8, 4), y))
                    .hasMessageContaining("weights must have 4 bytes");
            FloatMatrix five = FloatMatrix.allocate(arena, 5, 32);
            assertThatThrownBy(() -> pool.addExpert(sample.expert(), five, arena.allocate(20, 4), five))
                    .hasMessageContaining("the tokens must not exceed");
            FloatMatrix wide = FloatMatrix.allocate(arena, 1, 48);
            assertThatThrownBy(() -> pool.addExpert(sample.expert(), wide, weights, y))
                    .hasMessageContaining("the columns of x must equal the hidden size");
            MemorySegment small = sample.memory().asSlice(0, sample.memory().byteSize() - 64);
            assertThatThrownBy(() -> TiledExpert.of(arena, sample.expert().shape(), small))
                    .hasMessageContaining("the size of an expert");
            MemorySegment odd =
                    arena.allocate(sample.memory().byteSize() + 4, 64).asSlice(4);
            assertThatThrownBy(() -> TiledExpert.of(arena, sample.expert().shape(), odd))
                    .hasMessageContaining("the address of a block");
            assertThatThrownBy(() -> new TiledExpertShape(CpuTileFormat.Q2, 32, 48, 96, 7, CpuColumnOrder.SLICES))
                    .hasMessageContaining("downPairs");
            assertThatThrownBy(() -> new TiledExpertShape(CpuTileFormat.Q2, 32, 48, 96, 32, CpuColumnOrder.SLICES))
                    .hasMessageContaining("downPairs must be a multiple of the intermediate values");
            assertThatThrownBy(() -> new TiledExpertShape(CpuTileFormat.Q2N, 32, 40, 0, 0, CpuColumnOrder.NATURAL))
                    .hasMessageContaining("intermediate");
            assertThatThrownBy(() -> new TiledExpertShape(CpuTileFormat.Q2N, 32, 128, 0, 0, CpuColumnOrder.SIXTEENS))
                    .hasMessageContaining("intermediate must be a multiple of sixteen slices");
            assertThatThrownBy(() -> new TiledExpertShape(CpuTileFormat.Q2N, 32, 256, 0, 0, CpuColumnOrder.SLICES))
                    .hasMessageContaining("w2 of an expert in Q2N is not in order SLICES");
            assertThatThrownBy(() -> new TiledExpertShape(CpuTileFormat.Q2, 32, 256, 512, 512, CpuColumnOrder.SIXTEENS))
                    .hasMessageContaining("w2 of an expert in Q2 is not in order SIXTEENS");
        }
    }

    @Test
    void aBlockWhoseArenaIsClosedIsRefused() {
        try (Arena arena = Arena.ofConfined()) {
            SampleTiles sample = freed();
            FloatMatrix x = FloatMatrix.allocate(arena, 1, 32);
            FloatMatrix y = FloatMatrix.allocate(arena, 1, 32);
            assertThatThrownBy(() -> pool.addExpert(sample.expert(), x, arena.allocate(4, 4), y))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    private static SampleTiles freed() {
        try (Arena arena = Arena.ofConfined()) {
            return SampleTiles.of(arena, new Random(1), TileFormat.Q2, 32, 48);
        }
    }
}
