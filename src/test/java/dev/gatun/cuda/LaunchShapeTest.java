package dev.gatun.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Random;
import org.junit.jupiter.api.Test;

class LaunchShapeTest {
    @Test
    void aCoveringShapeHasAThreadForEachItemAndNoIdleBlock() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int i = 0; i < 200; i++) {
            int items = 1 + random.nextInt(1_000_000);
            int threads = 1 + random.nextInt(1024);
            LaunchShape shape = LaunchShape.covering(items, threads);

            long all = (long) shape.gridX() * shape.blockX();
            assertThat(all).as("seed %d", seed).isBetween((long) items, items + threads - 1L);
        }
    }

    @Test
    void eachPartIsChangedAlone() {
        LaunchShape shape =
                LaunchShape.of(1, 2).grid(3, 4, 5).block(6, 7, 8).sharing(9).cooperative();

        assertThat(shape).isEqualTo(new LaunchShape(3, 4, 5, 6, 7, 8, 9, true));
        assertThat(shape).hasToString("grid 3x4x5, block 6x7x8, 9 bytes shared, cooperative");
    }

    @Test
    void emptyGridsAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LaunchShape.of(0, 32))
                .withMessage("gridX must be positive: 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LaunchShape.of(1, 1).sharing(-1));
    }
}
