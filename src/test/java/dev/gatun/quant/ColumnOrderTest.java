package dev.gatun.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.gatun.checkpoint.Seeds;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** Matrices whose columns lie in the order of slices. */
class ColumnOrderTest {
    /** A matrix of 2 bits that could be w2, its pairs any divisor of the groups. */
    private static HqqMatrix matrix(SplittableRandom random) {
        int rows = 16 * random.nextInt(1, 8);
        int columns = 16 * random.nextInt(1, 30);
        int groups = rows / 16 * columns;
        int scaleGroup = random.nextInt(1, 129);
        while (groups % scaleGroup != 0) {
            scaleGroup--;
        }
        return new RandomMatrices(random.nextLong()).hqq(new HqqScheme(2, 16, scaleGroup), rows, columns);
    }

    private static MemorySegment tiled(HqqMatrix matrix, TileShape shape) {
        MemorySegment tiles = Arena.ofAuto().allocate(shape.bytes(), 16).fill((byte) 0x55);
        HqqTiler.tile(matrix, shape, tiles);
        return tiles;
    }

    @RepeatedTest(40)
    void theValuesOfASliceLieTogether() {
        long seed = Seeds.next();
        HqqMatrix matrix = matrix(new SplittableRandom(seed));
        TileShape shape = TileShape.of(matrix).orElseThrow().asDown();
        TileReader asTheyLie = new TileReader(
                new TileShape(shape.format(), shape.rows(), shape.columns(), shape.pairs()), tiled(matrix, shape));
        double[] weights = Dequantizer.toDoubles(matrix);
        int slices = matrix.columns() / 16;
        for (int row = 0; row < matrix.rows(); row++) {
            for (int slice = 0; slice < slices; slice++) {
                for (int i = 0; i < 16; i++) {
                    assertThat(asTheyLie.weight(row, 16 * slice + i))
                            .as("row %d, value %d of slice %d, %s", row, i, slice, Seeds.hint(seed))
                            .isEqualTo(weights[row * matrix.columns() + slice + slices * i]);
                }
            }
        }
    }

    @RepeatedTest(40)
    void everyWeightIsReadBack() {
        long seed = Seeds.next();
        HqqMatrix matrix = matrix(new SplittableRandom(seed));
        TileShape shape = TileShape.of(matrix).orElseThrow().asDown();
        MemorySegment tiles = tiled(matrix, shape);
        assertThat(new TileReader(shape, tiles).weights())
                .as(Seeds.hint(seed))
                .containsExactly(Dequantizer.toDoubles(matrix));
        try (Arena arena = Arena.ofConfined()) {
            HqqMatrix back = HqqTiler.untile(shape, tiles, arena);
            assertThat(back.codes().mismatch(matrix.codes()))
                    .as("first code that is another, " + Seeds.hint(seed))
                    .isEqualTo(-1);
            assertThat(Dequantizer.toDoubles(back)).as(Seeds.hint(seed)).containsExactly(Dequantizer.toDoubles(matrix));
        }
    }

    @RepeatedTest(20)
    void pairsAreTheFewestThatAreThoseOfWholeRows() {
        long seed = Seeds.next();
        HqqMatrix matrix = matrix(new SplittableRandom(seed));
        TileShape natural = TileShape.of(matrix).orElseThrow();
        int pairs = natural.columns();
        while (pairs % natural.pairs() != 0) {
            pairs += natural.columns();
        }
        TileShape shape = natural.asDown();
        assertThat(shape.pairs()).as(natural + ", " + Seeds.hint(seed)).isEqualTo(pairs);
        assertThat(shape.period()).as(natural + ", " + Seeds.hint(seed)).isEqualTo(natural.period());
        assertThat(shape.asDown()).isEqualTo(shape);
    }

    @Test
    void otherFormatsAndColumnsKeepTheirOrder() {
        for (TileShape shape : new TileShape[] {
            new TileShape(TileFormat.Q2N, 16, 1024, 0),
            new TileShape(TileFormat.Q4, 64, 32, 32),
            new TileShape(TileFormat.Q2, 16, 20, 20)
        }) {
            assertThat(shape.asDown()).isEqualTo(shape);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new TileShape(
                            shape.format(), shape.rows(), shape.columns(), shape.pairs(), ColumnOrder.SLICES))
                    .withMessageContaining("no order SLICES");
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TileShape(TileFormat.Q2, 16, 32, 16, ColumnOrder.SLICES))
                .withMessageContaining("no order SLICES");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TileShape(TileFormat.Q2, 16, 256, 256, ColumnOrder.SIXTEENS))
                .withMessageContaining("no order SIXTEENS");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TileShape(TileFormat.Q2N, 16, 128, 0, ColumnOrder.SIXTEENS))
                .withMessageContaining("no order SIXTEENS");
    }

    private static NarrowMatrix narrow(SplittableRandom random) {
        int rows = 16 * random.nextInt(1, 4);
        int columns = 2048 * random.nextInt(1, 4);
        return new RandomMatrices(random.nextLong()).narrow(new NarrowScheme(2, 16), rows, columns);
    }

    private static MemorySegment tiled(NarrowMatrix matrix, TileShape shape) {
        MemorySegment tiles = Arena.ofAuto().allocate(shape.bytes(), 16).fill((byte) 0x55);
        new JavaTiler().tile(matrix, shape, tiles);
        return tiles;
    }

    @RepeatedTest(6)
    void theValuesOfSixteenSlicesLieTogetherInNarrowTiles() {
        long seed = Seeds.next();
        NarrowMatrix matrix = narrow(new SplittableRandom(seed));
        TileShape natural = TileShape.of(matrix).orElseThrow();
        TileShape shape = natural.asDown();
        assertThat(shape.order()).isEqualTo(ColumnOrder.SIXTEENS);
        assertThat(shape.asDown()).isEqualTo(shape);
        assertThat(shape.bytes()).isEqualTo(natural.bytes());
        MemorySegment tiles = tiled(matrix, shape);
        assertThat(new TileReader(shape, tiles).weights())
                .as(Seeds.hint(seed))
                .containsExactly(Dequantizer.toDoubles(matrix));
        // As it is said of the layout: codes of 256 columns hold value after value of sixteen slices.
        TileReader asTheyLie = new TileReader(natural, tiles);
        TileReader asTheyWere = new TileReader(natural, tiled(matrix, natural));
        int slices = matrix.columns() / 16;
        for (int slice = 0; slice < slices; slice++) {
            for (int i = 0; i < 16; i++) {
                assertThat(asTheyLie.code(5, slice / 16 * 256 + 16 * i + slice % 16))
                        .as("value %d of slice %d, %s", i, slice, Seeds.hint(seed))
                        .isEqualTo(asTheyWere.code(5, slice + slices * i));
            }
        }
    }

    /** The entry of value i of the slices 128 n to 128 n + 127 is number 16 n + i. */
    @RepeatedTest(6)
    void theirEntriesGoByPartsOfAHundredTwentyEightSlices() {
        long seed = Seeds.next();
        NarrowMatrix matrix = narrow(new SplittableRandom(seed));
        TileShape shape = TileShape.of(matrix).orElseThrow().asDown();
        MemorySegment second = tiled(matrix, shape).asSlice(shape.secondOffset(), shape.secondBytes());
        int parts = matrix.columns() / 2048;
        for (int entry = 0; entry < shape.groupRows() * parts * 16; entry++) {
            int i = entry % 16;
            int part = entry / 16 % parts;
            int row = entry / 16 / parts;
            int former = row * parts * 16 + part + parts * i;
            assertThat(second.asSlice(8L * entry, 8).mismatch(matrix.pairs().asSlice(8L * former, 8)))
                    .as("value %d of part %d of row %d, %s", i, part, row, Seeds.hint(seed))
                    .isEqualTo(-1);
        }
    }

    @Test
    void someSlicesOfAnExpertAreNoMatrix() {
        NarrowMatrix matrix = new RandomMatrices(1).narrow(new NarrowScheme(2, 16), 16, 256);
        TileShape some = new TileShape(TileFormat.Q2N, 16, 256, 0, ColumnOrder.SIXTEENS);
        assertThatIllegalArgumentException().isThrownBy(() -> tiled(matrix, some));
    }

    /** Another order is another matrix to whoever reads tiles. */
    @Test
    void anExpertsDownMatrixIsInTheOrderOfSlices() {
        TileShape wide = new TileShape(TileFormat.Q2, 32, 16, 16);
        TileShape down = new TileShape(TileFormat.Q2, 16, 32, 32);
        assertThat(new ExpertBlock(wide, wide, down.asDown()).down().order()).isEqualTo(ColumnOrder.SLICES);
        assertThatIllegalArgumentException().isThrownBy(() -> new ExpertBlock(wide, wide, down));
        TileShape narrow = new TileShape(TileFormat.Q2N, 2048, 16, 0);
        TileShape narrowDown = new TileShape(TileFormat.Q2N, 16, 2048, 0);
        assertThat(new ExpertBlock(narrow, narrow, narrowDown.asDown()).down().order())
                .isEqualTo(ColumnOrder.SIXTEENS);
        assertThatIllegalArgumentException().isThrownBy(() -> new ExpertBlock(narrow, narrow, narrowDown));
    }
}
