package dev.gatun.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.HqqTiler;
import dev.gatun.quant.RandomMatrices;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The bytes are those of {@link HqqTiler}. */
class CpuTilerTest extends OnEveryLevel {
    private static final int GUARD = 256;

    /** Any divisor of the groups shares a pair. */
    private static HqqMatrix matrix(Random random, int rows, int columns) {
        int groups = rows / 16 * columns;
        int scaleGroup = Stream.generate(() -> Cases.between(random, 1, Math.min(groups, 128)))
                .filter(divisor -> groups % divisor == 0)
                .findFirst()
                .orElseThrow();
        return new RandomMatrices(random.nextLong()).hqq(new HqqScheme(2, 16, scaleGroup), rows, columns);
    }

    private static CpuMatrix described(Arena arena, HqqMatrix matrix, int bits, int groupSize) {
        return CpuMatrix.hqq(
                arena,
                new HqqLayout(bits, groupSize, matrix.scheme().scaleGroup()),
                matrix.rows(),
                matrix.columns(),
                matrix.codes(),
                matrix.scaleCodes(),
                matrix.scaleScales(),
                matrix.scaleZeros(),
                matrix.zeroCodes(),
                matrix.zeroScale(),
                matrix.zeroZero());
    }

    private static CpuMatrix described(Arena arena, HqqMatrix matrix) {
        return described(arena, matrix, 2, 16);
    }

    /** Of a multiple of 16 columns. */
    private static HqqMatrix down(Random random, int rows, int slices) {
        return matrix(random, rows, 16 * slices);
    }

    private static MemorySegment tiled(Arena arena, HqqMatrix matrix, TileShape shape) {
        MemorySegment tiles = arena.allocate(shape.bytes(), 16);
        HqqTiler.tile(matrix, shape, tiles);
        return tiles;
    }

    /** At the address that blocks have and at an odd one. */
    private static void assertTiled(CpuTiler tiler, HqqMatrix matrix) {
        assertTiled(tiler, matrix, CpuColumnOrder.NATURAL, GUARD);
        assertTiled(tiler, matrix, CpuColumnOrder.NATURAL, GUARD - 1);
    }

    private static void assertTiledInSlices(CpuTiler tiler, HqqMatrix matrix) {
        assertTiled(tiler, matrix, CpuColumnOrder.SLICES, GUARD);
        assertTiled(tiler, matrix, CpuColumnOrder.SLICES, GUARD - 1);
    }

    /** What lies around the tiles is left alone. */
    private static void assertTiled(CpuTiler tiler, HqqMatrix matrix, CpuColumnOrder order, long at) {
        try (Arena arena = Arena.ofConfined()) {
            TileShape natural = TileShape.of(matrix).orElseThrow();
            TileShape shape = order == CpuColumnOrder.NATURAL ? natural : natural.asDown();
            MemorySegment expected =
                    arena.allocate(shape.bytes() + 2 * GUARD, GUARD).fill((byte) 0x5a);
            MemorySegment actual =
                    arena.allocate(shape.bytes() + 2 * GUARD, GUARD).fill((byte) 0x5a);
            expected.asSlice(at, shape.bytes()).copyFrom(tiled(arena, matrix, shape));
            tiler.tile(described(arena, matrix), order, actual.asSlice(at, shape.bytes()));
            assertThat(actual.mismatch(expected))
                    .as("first byte that is another, with tiles of %s at %d", shape, at)
                    .isEqualTo(-1);
        }
    }

    @Test
    void theBytesAreThoseOfTheDefinition() {
        CpuTiler tiler = new CpuTiler(level);
        Cases.random(
                200,
                random -> assertTiled(
                        tiler, matrix(random, 16 * Cases.between(random, 1, 40), 4 * Cases.between(random, 1, 150))));
    }

    @Test
    void soAreThoseOfWholeTilesAndLongRows() {
        CpuTiler tiler = new CpuTiler(level);
        Cases.random(
                10,
                random -> assertTiled(
                        tiler, matrix(random, 16 * Cases.between(random, 1, 6), 128 * Cases.between(random, 1, 30))));
        Cases.random(5, random -> assertTiled(tiler, matrix(random, 16 * Cases.between(random, 200, 400), 132)));
    }

    /** Fewer than what is brought together at once, some more, and tiles that are not full. */
    @Test
    void inTheOrderOfSlicesTheyAreThoseOfTheDefinitionToo() {
        CpuTiler tiler = new CpuTiler(level);
        Cases.random(
                200,
                random -> assertTiledInSlices(
                        tiler, down(random, 16 * Cases.between(random, 1, 20), Cases.between(random, 1, 90))));
    }

    @Test
    void anyNumberOfThreadsMayTile() {
        CpuTiler tiler = new CpuTiler(level);
        IntStream.range(0, 64)
                .parallel()
                .forEach(seed -> Cases.one(
                        seed,
                        random -> assertTiled(
                                tiler, matrix(random, 16 * Cases.between(random, 1, 30), 4 * (100 + seed)))));
    }

    @Test
    void whatDoesNotFitIsRefused() {
        CpuTiler tiler = new CpuTiler(level);
        try (Arena arena = Arena.ofConfined()) {
            HqqMatrix matrix = matrix(new Random(1), 64, 64);
            CpuMatrix described = described(arena, matrix);
            long bytes = TileShape.of(matrix).orElseThrow().bytes();
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> tiler.tile(described, CpuColumnOrder.NATURAL, arena.allocate(bytes - 1)))
                    .withMessageContaining("tiles must have " + bytes + " bytes");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> tiler.tile(
                            described, CpuColumnOrder.NATURAL, MemorySegment.ofArray(new byte[Math.toIntExact(bytes)])))
                    .withMessageContaining("Java heap");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> tiler.tile(
                            described,
                            CpuColumnOrder.NATURAL,
                            arena.allocate(bytes).asReadOnly()))
                    .withMessageContaining("read-only");
            CpuMatrix odd = described(arena, matrix(new Random(1), 64, 68));
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> tiler.tile(odd, CpuColumnOrder.SLICES, arena.allocate(bytes)))
                    .withMessageContaining("the columns must be a multiple of the values of a slice");
            CpuMatrix dense = CpuMatrix.dense(arena, CpuFloatType.F16, 16, 16, arena.allocate(512));
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> tiler.tile(described, CpuColumnOrder.SIXTEENS, arena.allocate(bytes)))
                    .withMessageContaining("tiles of Q2 in order SIXTEENS");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> tiler.tile(dense, CpuColumnOrder.NATURAL, arena.allocate(bytes)))
                    .withMessageContaining("dense matrix of 16 x 16");
        }
    }

    @Test
    void otherLayoutsAreRefused() {
        CpuTiler tiler = new CpuTiler(level);
        try (Arena arena = Arena.ofConfined()) {
            for (HqqScheme scheme : List.of(new HqqScheme(4, 16, 8), new HqqScheme(2, 32, 8))) {
                HqqMatrix matrix = new RandomMatrices(1).hqq(scheme, 64, 64);
                CpuMatrix other = described(arena, matrix, scheme.bits(), scheme.groupSize());
                assertThatIllegalArgumentException()
                        .isThrownBy(() -> tiler.tile(other, CpuColumnOrder.NATURAL, arena.allocate(4096)))
                        .withMessageContaining("those of a tile");
            }
        }
    }

    @Test
    void memoryThatWasFreedIsRefused() {
        CpuTiler tiler = new CpuTiler(level);
        HqqMatrix matrix = matrix(new Random(1), 64, 64);
        long bytes = TileShape.of(matrix).orElseThrow().bytes();
        try (Arena arena = Arena.ofConfined()) {
            CpuMatrix described = freed(matrix);
            assertThatThrownBy(() -> tiler.tile(described, CpuColumnOrder.NATURAL, arena.allocate(bytes)))
                    .isInstanceOf(IllegalStateException.class);
        }
    }

    private static CpuMatrix freed(HqqMatrix matrix) {
        try (Arena arena = Arena.ofConfined()) {
            return described(arena, matrix);
        }
    }
}
