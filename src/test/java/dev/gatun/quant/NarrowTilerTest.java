package dev.gatun.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.gatun.checkpoint.Seeds;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class NarrowTilerTest {
    private static final NarrowScheme SCHEME = new NarrowScheme(2, 16);

    @RepeatedTest(60)
    void everyWeightIsWhereTheLayoutPutsIt() {
        long seed = Seeds.next();
        NarrowMatrix matrix = randomMatrix(seed);
        TileShape shape = TileShape.of(matrix).orElseThrow();
        assertThat(new TileReader(shape, tiled(matrix, shape, (byte) 0)).weights())
                .as(matrix + ", " + Seeds.hint(seed))
                .containsExactly(Dequantizer.toDoubles(matrix));
    }

    @RepeatedTest(30)
    void everyByteIsDetermined() {
        long seed = Seeds.next();
        NarrowMatrix matrix = randomMatrix(seed);
        TileShape shape = TileShape.of(matrix).orElseThrow();
        assertThat(tiled(matrix, shape, (byte) 0x55).mismatch(tiled(matrix, shape, (byte) 0xaa)))
                .as("first byte left as it was, " + Seeds.hint(seed))
                .isEqualTo(-1);
    }

    @Test
    void anExpertIsTiledAsItsMatricesAre() {
        RandomMatrices random = new RandomMatrices(3);
        NarrowMatrix wide = random.narrow(SCHEME, 48, 160);
        NarrowMatrix down = random.narrow(SCHEME, 160, 48);
        ExpertBlock block = ExpertBlock.of(wide, wide, down).orElseThrow();
        MemorySegment target = Arena.ofAuto().allocate(block.bytes(), 16);
        block.tile(wide, wide, down, target);
        assertThat(target.asSlice(block.downOffset(), block.down().bytes())
                        .mismatch(tiled(down, block.down(), (byte) 0)))
                .isEqualTo(-1);
    }

    @Test
    void whatKernelsCannotReadHasNoShape() {
        RandomMatrices random = new RandomMatrices(1);
        assertThat(TileShape.of(random.narrow(new NarrowScheme(4, 16), 64, 16))).isEmpty();
        assertThat(TileShape.of(random.narrow(new NarrowScheme(2, 32), 64, 16))).isEmpty();
        assertThat(TileShape.of(random.narrow(SCHEME, 64, 18))).isEmpty();
        assertThat(TileShape.of(withPair(0, 1f))).isPresent();
        assertThat(TileShape.of(withPair(0, 9f))).isEmpty();
        assertThat(TileShape.of(withPair(1, -20_000f))).isEmpty();
        assertThat(TileShape.of(withPair(2, Float.NaN))).isEmpty();
        assertThat(TileShape.of(withPair(3, Float.POSITIVE_INFINITY))).isEmpty();
        NarrowMatrix withoutScale = withPair(withPair(0, 0), 2, 1);
        assertThat(TileShape.of(withPair(withoutScale, 3, -50_000f))).isPresent();
        assertThat(TileShape.of(withPair(withoutScale, 3, -60_000f))).isEmpty();
    }

    @Test
    void anotherMatrixsShapeIsRefused() {
        NarrowMatrix matrix = new RandomMatrices(1).narrow(SCHEME, 32, 128);
        TileShape wide = new TileShape(TileFormat.Q2, 32, 128, 2);
        TileShape other = new TileShape(TileFormat.Q2N, 16, 256, 0);
        assertThatIllegalArgumentException().isThrownBy(() -> tiled(matrix, wide, (byte) 0));
        assertThatIllegalArgumentException().isThrownBy(() -> tiled(matrix, other, (byte) 0));
    }

    /** The last entry's number {@code which} replaced. */
    private static NarrowMatrix withPair(int which, float value) {
        return withPair(new RandomMatrices(1).narrow(SCHEME, 32, 256), which, value);
    }

    private static NarrowMatrix withPair(NarrowMatrix matrix, int which, float value) {
        MemorySegment pairs = MemorySegment.ofArray(matrix.pairs().toArray(ValueLayout.JAVA_BYTE));
        ValueLayout.OfShort half = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
        pairs.set(half, pairs.byteSize() - NarrowMatrix.PAIR_BYTES + 2L * which, Float.floatToFloat16(value));
        return new NarrowMatrix(
                matrix.scheme(), matrix.rows(), matrix.columns(), matrix.codes(), matrix.metas(), pairs);
    }

    private static NarrowMatrix randomMatrix(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int rows = 16 * random.nextInt(1, 8);
        int columns = 4 * random.nextInt(1, 120);
        return new RandomMatrices(random.nextLong()).narrow(SCHEME, rows, columns);
    }

    private static MemorySegment tiled(NarrowMatrix matrix, TileShape shape, byte filling) {
        MemorySegment tiles = Arena.ofAuto().allocate(shape.bytes(), 16);
        tiles.fill(filling);
        new JavaTiler().tile(matrix, shape, tiles);
        return tiles;
    }
}
