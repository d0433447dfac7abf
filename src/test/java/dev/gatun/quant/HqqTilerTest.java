package dev.gatun.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.gatun.checkpoint.Seeds;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class HqqTilerTest {
    @RepeatedTest(60)
    void everyWeightIsWhereTheLayoutPutsIt() {
        long seed = Seeds.next();
        HqqMatrix matrix = randomMatrix(seed);
        TileShape shape = TileShape.of(matrix).orElseThrow();
        TileReader reader = new TileReader(shape, tiled(matrix, shape, (byte) 0));
        assertThat(reader.weights())
                .as(matrix + ", " + Seeds.hint(seed))
                .containsExactly(Dequantizer.toDoubles(matrix));
    }

    @RepeatedTest(60)
    void nothingIsLostAndEveryByteIsDetermined() {
        long seed = Seeds.next();
        HqqMatrix matrix = randomMatrix(seed);
        TileShape shape = TileShape.of(matrix).orElseThrow();
        MemorySegment tiles = tiled(matrix, shape, (byte) 0x55);
        assertThat(tiles.mismatch(tiled(matrix, shape, (byte) 0xaa)))
                .as("first byte left as it was, " + Seeds.hint(seed))
                .isEqualTo(-1);
        try (Arena arena = Arena.ofConfined()) {
            assertSame(HqqTiler.untile(shape, tiles, arena), matrix, Seeds.hint(seed));
        }
    }

    @RepeatedTest(5)
    void longRowsAreTiledAsShortOnesAre() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        int columns = 4 * random.nextInt(500, 1200);
        for (int bits : new int[] {2, 4}) {
            int groupSize = bits == 2 ? 16 : 64;
            RandomMatrices matrices = new RandomMatrices(random.nextLong());
            HqqMatrix matrix = matrices.hqq(scheme(matrices, bits, groupSize, groupSize, columns), groupSize, columns);
            TileShape shape = TileShape.of(matrix).orElseThrow();
            MemorySegment tiles = tiled(matrix, shape, (byte) 0x55);
            assertThat(new TileReader(shape, tiles).weights())
                    .as(matrix + ", " + Seeds.hint(seed))
                    .isEqualTo(Dequantizer.toDoubles(matrix));
            try (Arena arena = Arena.ofConfined()) {
                assertSame(HqqTiler.untile(shape, tiles, arena), matrix, Seeds.hint(seed));
            }
        }
    }

    @RepeatedTest(30)
    void whatNoWeightNeedsIsZero() {
        long seed = Seeds.next();
        HqqMatrix matrix = randomMatrix(seed);
        TileShape shape = TileShape.of(matrix).orElseThrow();
        HqqMatrix ones = new HqqMatrix(
                matrix.scheme(),
                matrix.rows(),
                matrix.columns(),
                ones(matrix.codes()),
                ones(matrix.scaleCodes()),
                ones(matrix.scaleScales()),
                ones(matrix.scaleZeros()),
                ones(matrix.zeroCodes()),
                Float.intBitsToFloat(-1),
                Float.intBitsToFloat(-1));
        long set = tiled(ones, shape, (byte) 0xff)
                .elements(ValueLayout.JAVA_BYTE)
                .mapToLong(b -> Integer.bitCount(b.get(ValueLayout.JAVA_BYTE, 0) & 0xff))
                .sum();
        assertThat(set).as(Seeds.hint(seed)).isEqualTo(8 * (matrix.bytes() - 2 * Short.BYTES + 2 * Float.BYTES));
    }

    @RepeatedTest(30)
    void secondLevelPairsRepeatWithThePeriod() {
        long seed = Seeds.next();
        TileShape shape = TileShape.of(randomMatrix(seed)).orElseThrow();
        int period = shape.period();
        assertThat(shape.groupRows() % period).as(Seeds.hint(seed)).isZero();
        int first = IntStream.rangeClosed(1, shape.groupRows())
                .filter(rows -> (long) rows * shape.columns() % shape.pairs() == 0)
                .findFirst()
                .orElseThrow();
        assertThat(period).as(shape + ", " + Seeds.hint(seed)).isEqualTo(first);
    }

    @Test
    void mixtralsExpertIsAsLongAsTheKernelsSay() {
        TileShape gate = new TileShape(TileFormat.Q2, 14336, 4096, 28672);
        TileShape down = new TileShape(TileFormat.Q2, 4096, 14336, 28672).asDown();
        ExpertBlock block = new ExpertBlock(gate, gate, down);
        assertThat(gate.period()).isEqualTo(7);
        assertThat(down.period()).isEqualTo(2);
        assertThat(gate.bytes()).isEqualTo(256 + 896 * 32 * 768 + 4 * 28672);
        assertThat(block.downOffset()).isEqualTo(2 * gate.bytes());
        assertThat(block.bytes()).isEqualTo(66_408_448);
        TileShape narrow = new TileShape(TileFormat.Q2N, 14336, 4096, 0);
        assertThat(narrow.bytes()).isEqualTo(896 * 32 * 648);
    }

    @RepeatedTest(10)
    void anExpertsMatricesLieBehindEachOther() {
        long seed = Seeds.next();
        SplittableRandom random = new SplittableRandom(seed);
        RandomMatrices matrices = new RandomMatrices(random.nextLong());
        int hidden = 16 * random.nextInt(1, 12);
        int ffn = 16 * random.nextInt(1, 12);
        HqqScheme wide = scheme(matrices, 2, 16, ffn, hidden);
        HqqMatrix w1 = matrices.hqq(wide, ffn, hidden);
        HqqMatrix w3 = matrices.hqq(wide, ffn, hidden);
        HqqMatrix w2 = matrices.hqq(scheme(matrices, 2, 16, hidden, ffn), hidden, ffn);
        ExpertBlock block = ExpertBlock.of(w1, w3, w2).orElseThrow();
        MemorySegment target = Arena.ofAuto().allocate(block.bytes(), 16);
        target.fill((byte) 0xff);
        block.tile(w1, w3, w2, target);
        assertThat(block.bytes() % 4096).isZero();
        assertPart(target, block.gateOffset(), w1, block.gate(), seed);
        assertPart(target, block.upOffset(), w3, block.up(), seed);
        assertPart(target, block.downOffset(), w2, block.down(), seed);
        MemorySegment rest = target.asSlice(block.downOffset() + block.down().bytes());
        assertThat(rest.mismatch(MemorySegment.ofArray(new byte[(int) rest.byteSize()])))
                .isEqualTo(-1);
    }

    private static void assertPart(MemorySegment block, long offset, HqqMatrix matrix, TileShape shape, long seed) {
        assertThat(block.asSlice(offset, shape.bytes()).mismatch(tiled(matrix, shape, (byte) 0)))
                .as(Seeds.hint(seed))
                .isEqualTo(-1);
    }

    @Test
    void whatKernelsCannotReadHasNoShape() {
        RandomMatrices random = new RandomMatrices(1);
        assertThat(TileShape.of(random.hqq(new HqqScheme(2, 32, 4), 64, 16))).isEmpty();
        assertThat(TileShape.of(random.hqq(new HqqScheme(4, 16, 4), 64, 16))).isEmpty();
        assertThat(TileShape.of(random.hqq(new HqqScheme(8, 64, 4), 64, 16))).isEmpty();
        assertThat(TileShape.of(random.hqq(new HqqScheme(2, 16, 2), 64, 18))).isEmpty();
        assertThat(TileShape.of(withScale(0.2f, 255 - 639f))).isPresent();
        assertThat(TileShape.of(withScale(0.2f, -500f))).isEmpty();
        assertThat(TileShape.of(withScale(0.2f, 700f))).isEmpty();
        assertThat(TileShape.of(withScale(-1f, 0f))).isEmpty();
        assertThat(TileShape.of(withScale(Float.NaN, 0f))).isEmpty();
        assertThat(TileShape.of(withScale(0f, Float.POSITIVE_INFINITY))).isEmpty();
        HqqMatrix w1 = random.hqq(new HqqScheme(2, 16, 4), 32, 16);
        HqqMatrix w3 = random.hqq(new HqqScheme(2, 16, 8), 32, 16);
        HqqMatrix w2 = random.hqq(new HqqScheme(2, 16, 8), 16, 32);
        assertThat(ExpertBlock.of(w1, w1, w2)).isPresent();
        assertThat(ExpertBlock.of(w1, w3, w2)).isEmpty();
        assertThat(ExpertBlock.of(w1, w1, w3)).isEmpty();
    }

    private static HqqMatrix withScale(float scale, float zero) {
        HqqMatrix matrix = new RandomMatrices(1).hqq(new HqqScheme(4, 64, 4), 64, 16);
        return new HqqMatrix(
                matrix.scheme(),
                matrix.rows(),
                matrix.columns(),
                matrix.codes(),
                matrix.scaleCodes(),
                lastHalf(matrix.scaleScales(), scale),
                lastHalf(matrix.scaleZeros(), zero),
                matrix.zeroCodes(),
                matrix.zeroScale(),
                matrix.zeroZero());
    }

    private static MemorySegment lastHalf(MemorySegment halves, float value) {
        MemorySegment copy = Arena.ofAuto().allocate(halves.byteSize()).copyFrom(halves);
        ValueLayout.OfShort layout = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
        copy.set(layout, copy.byteSize() - Short.BYTES, Float.floatToFloat16(value));
        return copy;
    }

    @Test
    void shapesThatNoKernelReadsAreRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> new TileShape(TileFormat.Q2, 24, 16, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> new TileShape(TileFormat.Q4, 32, 16, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> new TileShape(TileFormat.Q2, 16, 18, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> new TileShape(TileFormat.Q2, 16, 16, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> new TileShape(TileFormat.Q2, 16, 16, 3));
        assertThatIllegalArgumentException().isThrownBy(() -> new TileShape(TileFormat.Q2N, 16, 16, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> new TileShape(TileFormat.Q2, 1 << 20, 1 << 16, 1));
    }

    @Test
    void otherSizesPlacesAndShapesAreRefused() {
        HqqMatrix matrix = new RandomMatrices(1).hqq(new HqqScheme(2, 16, 4), 32, 16);
        TileShape shape = TileShape.of(matrix).orElseThrow();
        TileShape other = new TileShape(TileFormat.Q2, 32, 16, shape.pairs() / 2);
        MemorySegment target = Arena.ofAuto().allocate(shape.bytes() + 16, 16);
        assertThatIllegalArgumentException().isThrownBy(() -> HqqTiler.tile(matrix, shape, target));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> HqqTiler.tile(matrix, shape, target.asSlice(8, shape.bytes())));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> HqqTiler.tile(matrix, other, target.asSlice(0, other.bytes())));
        assertThatIllegalArgumentException().isThrownBy(() -> HqqTiler.untile(shape, target, Arena.ofAuto()));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> HqqTiler.untile(
                        new TileShape(TileFormat.Q2N, 32, 16, 0), target.asSlice(0, 1536), Arena.ofAuto()));
    }

    @RepeatedTest(10)
    void randomTilesOfEachFormatKeepTheMagnitudeOfAVector() {
        long seed = Seeds.next();
        RandomTiles random = new RandomTiles(seed);
        for (TileShape shape : new TileShape[] {
            new TileShape(TileFormat.Q2, 64, 260, 260),
            new TileShape(TileFormat.Q2N, 64, 260, 0),
            new TileShape(TileFormat.Q4, 64, 260, 260)
        }) {
            double squares = 0;
            for (double weight : new TileReader(shape, random.fill(shape)).weights()) {
                squares += weight * weight;
            }
            assertThat(Math.sqrt(squares / 64))
                    .as(shape + ", " + Seeds.hint(seed))
                    .isBetween(0.3, 4.0);
        }
    }

    private static HqqMatrix randomMatrix(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        RandomMatrices matrices = new RandomMatrices(random.nextLong());
        int bits = 2 << random.nextInt(2);
        int groupSize = bits == 2 ? 16 : 64;
        int rows = groupSize * random.nextInt(1, bits == 2 ? 12 : 4);
        int columns = 4 * random.nextInt(1, 100);
        return matrices.hqq(scheme(matrices, bits, groupSize, rows, columns), rows, columns);
    }

    /** Any scale group that divides. */
    private static HqqScheme scheme(RandomMatrices matrices, int bits, int groupSize, int rows, int columns) {
        return new HqqScheme(
                bits, groupSize, matrices.scheme(8, rows / groupSize, columns).scaleGroup());
    }

    private static MemorySegment tiled(HqqMatrix matrix, TileShape shape, byte before) {
        MemorySegment tiles = Arena.ofAuto().allocate(shape.bytes(), 16);
        tiles.fill(before);
        HqqTiler.tile(matrix, shape, tiles);
        return tiles;
    }

    private static MemorySegment ones(MemorySegment like) {
        return Arena.ofAuto().allocate(like.byteSize()).fill((byte) 0xff);
    }

    private static void assertSame(HqqMatrix actual, HqqMatrix expected, String hint) {
        assertThat(actual.scheme()).as(hint).isEqualTo(expected.scheme());
        assertThat(actual.codes().mismatch(expected.codes())).as(hint).isEqualTo(-1);
        assertThat(actual.scaleCodes().mismatch(expected.scaleCodes())).as(hint).isEqualTo(-1);
        assertThat(actual.scaleScales().mismatch(expected.scaleScales()))
                .as(hint)
                .isEqualTo(-1);
        assertThat(actual.scaleZeros().mismatch(expected.scaleZeros())).as(hint).isEqualTo(-1);
        assertThat(actual.zeroCodes().mismatch(expected.zeroCodes())).as(hint).isEqualTo(-1);
        assertThat(actual.zeroScale()).as(hint).isEqualTo(expected.zeroScale());
        assertThat(actual.zeroZero()).as(hint).isEqualTo(expected.zeroZero());
    }
}
