package dev.gatun.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.cpu.TiledExpertShape;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What the CPU library takes a block for is what the copy engine copies. */
class TiledShapesTest {
    private static ExpertBlock block(TileFormat format, int hidden, int intermediate, int widePairs, int downPairs) {
        TileShape wide = new TileShape(format, intermediate, hidden, widePairs);
        return new ExpertBlock(wide, wide, new TileShape(format, hidden, intermediate, downPairs).asDown());
    }

    @Test
    void bothRoadsAgreeOnTheBytesOfABlock() {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 200; i++) {
            int hidden = 16 * random.nextInt(1, 60);
            int intermediate = 16 * (random.nextInt(3) == 0 ? 128 * random.nextInt(1, 4) : random.nextInt(1, 60));
            int groups = hidden * intermediate / 16;
            ExpertBlock block = random.nextBoolean()
                    ? block(TileFormat.Q2, hidden, intermediate, groups, groups / 16)
                    : block(TileFormat.Q2N, hidden, intermediate, 0, 0);
            TiledExpertShape shape = TiledShapes.of(block);
            assertThat(shape.bytes())
                    .isEqualTo(block.downOffset() + block.down().bytes());
            assertThat(shape.hidden()).isEqualTo(hidden);
            assertThat(shape.slices()).isEqualTo(block.gate().groupRows());
        }
    }

    @Test
    void tilesOfFourBitsAreRefused() {
        assertThatThrownBy(() -> TiledShapes.of(block(TileFormat.Q4, 64, 128, 128, 128)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("2-bit");
    }
}
