package dev.gatun.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.gatun.checkpoint.Seeds;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ExpertCutTest {
    private static final int MIXTRAL_PAIRS = 28672;

    private static ExpertBlock mixtral(TileFormat format) {
        int pairs = format == TileFormat.Q2N ? 0 : MIXTRAL_PAIRS;
        TileShape gate = new TileShape(format, 14336, 4096, pairs);
        return new ExpertBlock(gate, gate, new TileShape(format, 4096, 14336, pairs).asDown());
    }

    private static ExpertCut cut(TileFormat format, int slices, int gatePeriod) {
        boolean narrow = format == TileFormat.Q2N;
        TileShape gate = new TileShape(format, 16 * slices, 64, narrow ? 0 : 64 * gatePeriod);
        TileShape down = new TileShape(format, 64, 16 * slices, narrow ? 0 : slices).asDown();
        return ExpertCut.of(new ExpertBlock(gate, gate, down));
    }

    @Test
    void anExpertOfMixtralHasFiftySixParts() {
        for (TileFormat format : new TileFormat[] {TileFormat.Q2, TileFormat.Q2N}) {
            assertThat(ExpertCut.of(mixtral(format)).parts()).isEqualTo(56);
            assertThat(ExpertCut.of(mixtral(format)).slices()).isEqualTo(16);
        }
    }

    @Test
    void partsAreOfWholeTilesAndNeitherTooManyNorShorterThanAPeriod() {
        assertThat(cut(TileFormat.Q2, 64, 1).parts()).isEqualTo(8);
        assertThat(cut(TileFormat.Q2, 64, 16).parts()).isEqualTo(4);
        assertThat(cut(TileFormat.Q2, 64, 64).parts()).isEqualTo(1);
        assertThat(cut(TileFormat.Q2, 1024, 1).parts()).isEqualTo(64);
        assertThat(cut(TileFormat.Q2, 8 * 65, 1).parts()).isEqualTo(13);
        assertThat(cut(TileFormat.Q2N, 256, 1).parts()).isEqualTo(16);
        assertThat(cut(TileFormat.Q2N, 1024 + 128, 1).parts()).isEqualTo(36);
    }

    @Test
    void whatDoesNotDivideIsOnePart() {
        assertThat(cut(TileFormat.Q2N, 256 + 8, 1).parts()).isEqualTo(1);
        assertThat(cut(TileFormat.Q2, 8 * 67, 1).parts()).isEqualTo(1);
        ExpertCut cut = cut(TileFormat.Q2, 65, 1);
        assertThat(cut.parts()).isEqualTo(1);
        assertThatIllegalArgumentException().isThrownBy(() -> cut.pack(1, new PackingCopies(MemorySegment.NULL, null)));
    }

    @Test
    void packedPartsAreASmallerExpert() {
        for (int round = 0; round < 8; round++) {
            long seed = Seeds.next();
            check(new SplittableRandom(seed), Seeds.hint(seed));
        }
    }

    private static void check(SplittableRandom random, String hint) {
        TileFormat format = random.nextBoolean() ? TileFormat.Q2 : TileFormat.Q2N;
        boolean narrow = format == TileFormat.Q2N;
        int parts = random.nextInt(2, 20);
        int count = random.nextInt(1, parts);
        int ffn = (narrow ? 256 : 128) * parts;
        int period = 1 << random.nextInt(3);
        int hidden = 16 * period * random.nextInt(1, 3);
        // Periods that divide whatever rows there are, so that the packed matrices have shapes.
        TileShape gate = new TileShape(format, ffn, hidden, narrow ? 0 : hidden << random.nextInt(3));
        TileShape down = down(format, hidden, ffn, narrow ? 0 : ffn * period);
        ExpertBlock block = new ExpertBlock(gate, gate, down);
        MemorySegment whole = random(random, block);
        MemorySegment packed = Arena.ofAuto().allocate(block.bytes(), 256);
        ExpertCut cut = ExpertCut.of(block);
        assertThat(cut.parts()).isEqualTo(parts);
        cut.pack(count, new PackingCopies(whole, packed));

        TileShape less = new TileShape(format, cut.values(count), hidden, gate.pairs());
        TileShape lessDown = down(format, hidden, cut.values(count), cut.downPairs(count));
        ExpertBlock small = new ExpertBlock(less, less, lessDown);
        assertLeading(read(whole, block.gateOffset(), gate), read(packed, small.gateOffset(), less), hint);
        assertLeading(read(whole, block.upOffset(), gate), read(packed, small.upOffset(), less), hint);
        assertLeadingColumns(read(whole, block.downOffset(), down), read(packed, small.downOffset(), lessDown), hint);
    }

    /** Some slices in the order of sixteens are no w2 of their own, but lie as if they were. */
    private static TileShape down(TileFormat format, int rows, int columns, int pairs) {
        ColumnOrder order = format == TileFormat.Q2 ? ColumnOrder.SLICES : ColumnOrder.SIXTEENS;
        return new TileShape(format, rows, columns, pairs, order);
    }

    private static MemorySegment random(SplittableRandom random, ExpertBlock block) {
        RandomTiles tiles = new RandomTiles(random.nextLong());
        MemorySegment whole = Arena.ofAuto().allocate(block.bytes(), 256);
        tiles.fill(block.gate(), whole.asSlice(block.gateOffset(), block.gate().bytes()));
        tiles.fill(block.up(), whole.asSlice(block.upOffset(), block.up().bytes()));
        tiles.fill(block.down(), whole.asSlice(block.downOffset(), block.down().bytes()));
        return whole;
    }

    private static TileReader read(MemorySegment block, long offset, TileShape shape) {
        return new TileReader(shape, block.asSlice(offset, shape.bytes()));
    }

    /** Row g + G' i of the smaller one is row g + G i. */
    private static void assertLeading(TileReader whole, TileReader less, String hint) {
        int few = less.shape().groupRows();
        for (int row = 0; row < less.shape().rows(); row += 7) {
            int former = row % few + row / few * whole.shape().groupRows();
            for (int column = 0; column < less.shape().columns(); column++) {
                assertThat(less.weight(row, column)).as(hint).isEqualTo(whole.weight(former, column));
            }
        }
    }

    /** Likewise the columns of w2. */
    private static void assertLeadingColumns(TileReader whole, TileReader less, String hint) {
        int few = less.shape().columns() / 16;
        for (int column = 0; column < less.shape().columns(); column += 3) {
            int former = column % few + column / few * (whole.shape().columns() / 16);
            for (int row = 0; row < less.shape().rows(); row++) {
                assertThat(less.weight(row, column)).as(hint).isEqualTo(whole.weight(row, former));
            }
        }
    }
}
