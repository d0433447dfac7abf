package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaEvent;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.cuda.PinnedBuffer;
import dev.gatun.cuda.RequiresGpu;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@RequiresGpu
@Execution(ExecutionMode.SAME_THREAD)
class PacedLinkTest {
    private static final int BYTES = 4 << 20;
    private static final int PIECES = 4;

    /** Two clocks of the device, one of which may tick once a microsecond only. */
    private static final double INEXACT = 0.99;

    private CudaDevice device;
    private CudaStream uploads;
    private CudaStream downloads;
    private DeviceArena memory;
    private KernelLibrary kernels;

    @BeforeEach
    void open() {
        device = CudaDevice.open(0);
        uploads = CudaStream.open(device);
        downloads = CudaStream.open(device);
        memory = new DeviceArena(device, 1);
        kernels = new KernelLibrary(device);
    }

    @AfterEach
    void close() {
        kernels.close();
        memory.close();
        downloads.close();
        uploads.close();
    }

    private PacedLink link(double rate) {
        return new PacedLink(kernels, memory, uploads, downloads, rate);
    }

    /** There in pieces, back in one. */
    @ParameterizedTest
    @ValueSource(doubles = {0.2e9, 2e9})
    void copiesTakeAtLeastTheirTimeAndArriveUnchanged(double rate) {
        byte[] sent = new byte[BYTES];
        new Random(1).nextBytes(sent);
        PacedLink link = link(rate);
        try (PinnedBuffer there = PinnedBuffer.allocate(device, BYTES);
                PinnedBuffer back = PinnedBuffer.allocate(device, BYTES);
                EventTimer up = new EventTimer(device, uploads);
                EventTimer down = new EventTimer(device, downloads)) {
            there.segment().copyFrom(MemorySegment.ofArray(sent));
            DeviceMemory slot = memory.allocate(BYTES);
            double seconds = up.seconds(() -> {
                for (int piece = 0; piece < PIECES; piece++) {
                    int from = piece * (BYTES / PIECES);
                    link.upload(BYTES / PIECES, () -> slot.copyFrom(from, there, from, BYTES / PIECES, uploads));
                }
            });
            assertThat(seconds).isGreaterThanOrEqualTo(INEXACT * BYTES / rate);
            seconds = down.seconds(() -> link.download(BYTES, () -> slot.copyTo(0, back, 0, BYTES, downloads)));
            assertThat(seconds).isGreaterThanOrEqualTo(INEXACT * BYTES / rate);
            assertThat(back.segment().toArray(ValueLayout.JAVA_BYTE)).containsExactly(sent);
        }
    }

    /** Else they would take turns with copies, which they do not on a machine with such a link. */
    @Test
    @Tag("model") // tools that check memory run one kernel after the other
    void expertsAreComputedWhileBothDirectionsAreHeld() {
        TileShape gate = new TileShape(TileFormat.Q2N, 64, 64, 0);
        int hidden = gate.columns();
        try (CudaStream computing = CudaStream.open(device);
                CudaEvent held = CudaEvent.open(device)) {
            DeviceMemory table = memory.allocate(2 * Long.BYTES);
            DeviceMemory error = memory.allocate(Integer.BYTES);
            CudaRouting routing = CudaRouting.allocate(memory, 1, hidden, 1);
            DeviceFloats sums = DeviceFloats.allocate(memory, 1, hidden);
            for (DeviceMemory zeros : new DeviceMemory[] {
                table, error, routing.ids(), routing.weights(), routing.normed().memory(), sums.memory()
            }) {
                zeros.zero(computing);
            }
            DecodeExperts experts =
                    new DecodeExperts(kernels, computing, memory, memory, new ExpertBlock(gate, gate, gate), 2, 1);
            experts.leaveRoom(PacedLink.BLOCKS);
            // The kernels are loaded, and all that is asked of the device from here on is to run.
            experts.run(table, routing, sums, error);
            computing.synchronize();
            PacedLink aByteASecond = link(1);
            aByteASecond.download(1, () -> {});
            aByteASecond.upload(1, () -> {});
            uploads.record(held);
            experts.run(table, routing, sums, error);
            computing.synchronize();
            assertThat(held.hasHappened()).isFalse();
        }
    }

    @Test
    void aLinkThatDoesNotMoveIsRefused() {
        for (double rate : new double[] {0, -1, Double.NaN}) {
            assertThatThrownBy(() -> link(rate))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("bytes a second");
        }
    }
}
