package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.checkpoint.TinyCheckpoints;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.RequiresGpu;
import dev.gatun.offload.CopyEngine;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.ExpertCut;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** What uploads are said to have taken, on a link that is simulated to be slow: so that the least is known. */
@RequiresGpu
class UploadTimesTest {
    private static final TileShape MATRIX = new TileShape(TileFormat.Q2N, 2048, 2048, 0);
    private static final ExpertBlock BLOCK = new ExpertBlock(MATRIX, MATRIX, MATRIX.asDown());
    private static final int SLOTS = 3;

    private static final double BYTES_PER_SECOND = 1e9;
    private static final double NANOS_PER_BYTE = 1e9 / BYTES_PER_SECOND;

    /** Half a microsecond each that an event may be off. */
    private static final long INEXACT = 1000;

    /** More than there are events. */
    private static final int MANY = 5000;

    private interface Body {
        void run(CopyEngine copies);
    }

    private static void run(Body body) {
        CudaDevice device = CudaDevice.open(0);
        CudaOptions options = new CudaOptions(false, false, false, 0, OptionalDouble.of(BYTES_PER_SECOND));
        try (CudaResources resources = CudaResources.open(device, TinyCheckpoints.smallConfig(), 1);
                PinnedStore store = PinnedStore.allocate(device, SLOTS, BLOCK.bytes())) {
            SlotMemory slots = new SlotMemory(resources.arena().allocate(SLOTS * BLOCK.bytes()), BLOCK.bytes());
            CudaCopyEngine copies = new CudaCopyEngine(resources, store, slots, new ExpertCut(BLOCK, 1), options);
            body.run(copies);
            copies.drain();
        }
    }

    @Test
    void eachTakesItsOwnTimeAndNotThatOfTheOneBefore() {
        run(copies -> {
            long begun = System.nanoTime();
            long whole = copies.upload(0, 0, 0, BLOCK.bytes(), CopyEngine.ENDED);
            long half = copies.upload(1, 1, 0, BLOCK.bytes() / 2, CopyEngine.ENDED);
            long behind = copies.upload(2, 2, 0, BLOCK.bytes(), copies.computed());
            copies.drain();
            long all = System.nanoTime() - begun;
            long[] nanos = {copies.uploadNanos(whole), copies.uploadNanos(half), copies.uploadNanos(behind)};
            assertThat(nanos[0]).isGreaterThan((long) (NANOS_PER_BYTE * BLOCK.bytes()) - INEXACT);
            assertThat(nanos[1]).isGreaterThan((long) (NANOS_PER_BYTE * BLOCK.bytes() / 2) - INEXACT);
            assertThat(nanos[2]).isGreaterThan((long) (NANOS_PER_BYTE * BLOCK.bytes()) - INEXACT);
            assertThat(nanos[0] + nanos[1] + nanos[2])
                    .as("one ran after the other")
                    .isLessThan(all + 3 * INEXACT);
        });
    }

    @Test
    void whatIsLongGoneIsForgotten() {
        run(copies -> {
            long first = copies.upload(0, 0, 0, BLOCK.bytes(), CopyEngine.ENDED);
            copies.drain();
            assertThat(copies.uploadNanos(first)).isPositive();
            for (int i = 0; i < MANY; i++) {
                assertThat(copies.computed()).isGreaterThan(first);
            }
            assertThat(copies.uploadNanos(first)).isZero();
        });
    }
}
