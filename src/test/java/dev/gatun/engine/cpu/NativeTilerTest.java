package dev.gatun.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.gatun.cpu.CpuLevel;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.HqqMatrix;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.HqqTiler;
import dev.gatun.quant.JavaTiler;
import dev.gatun.quant.MatrixTiler;
import dev.gatun.quant.RandomMatrices;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** It takes and refuses what {@link HqqTiler} does, and writes the same. */
class NativeTilerTest {
    private static final MatrixTiler TILER = new NativeTiler(CpuLevel.best());

    private static HqqMatrix matrix(int bits, int groupSize, int rows, int columns) {
        return new RandomMatrices(rows).hqq(new HqqScheme(bits, groupSize, 4), rows, columns);
    }

    private static MemorySegment tiled(MatrixTiler tiler, HqqMatrix matrix) {
        TileShape shape = TileShape.of(matrix).orElseThrow();
        MemorySegment tiles = Arena.ofAuto().allocate(shape.bytes(), 16).fill((byte) 0x55);
        tiler.tile(matrix, shape, tiles);
        return tiles;
    }

    @Test
    void bothBitWidthsAreThoseOfTheDefinition() {
        for (HqqMatrix matrix : new HqqMatrix[] {matrix(2, 16, 320, 260), matrix(4, 64, 320, 260)}) {
            assertThat(tiled(TILER, matrix).mismatch(tiled(new JavaTiler(), matrix)))
                    .as(matrix.scheme().toString())
                    .isEqualTo(-1);
        }
    }

    @Test
    void blocksOfSeveralThreadsAreThoseOfTheDefinition() {
        IntStream.range(1, 17).parallel().forEach(i -> {
            HqqMatrix wide = matrix(2, 16, 16 * i, 208);
            HqqMatrix down = matrix(2, 16, 208, 16 * i);
            ExpertBlock block = ExpertBlock.of(wide, wide, down).orElseThrow();
            MemorySegment expected = Arena.ofAuto().allocate(block.bytes(), 4096);
            MemorySegment actual = Arena.ofAuto().allocate(block.bytes(), 4096).fill((byte) 0x55);
            block.tile(wide, wide, down, expected);
            block.tile(TILER, wide, wide, down, actual);
            assertThat(actual.mismatch(expected)).as(block.toString()).isEqualTo(-1);
        });
    }

    @Test
    void whatDoesNotFitIsRefused() {
        HqqMatrix matrix = matrix(2, 16, 64, 64);
        TileShape shape = TileShape.of(matrix).orElseThrow();
        TileShape other = new TileShape(shape.format(), 64, 64, shape.pairs() / 2);
        MemorySegment target = Arena.ofAuto().allocate(2 * shape.bytes(), 16);
        assertThatIllegalArgumentException().isThrownBy(() -> TILER.tile(matrix, shape, target));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TILER.tile(matrix, shape, target.asSlice(8, shape.bytes())));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TILER.tile(matrix, other, target.asSlice(0, other.bytes())));
    }

    @Test
    void theCpuLibraryIsUsedWhereItIs() {
        assertThat(NativeTiler.orJava()).isInstanceOf(NativeTiler.class);
    }
}
