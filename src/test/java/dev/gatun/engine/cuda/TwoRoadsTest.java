package dev.gatun.engine.cuda;

import static dev.gatun.cpu.Reference.widen;
import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cpu.CpuLevel;
import dev.gatun.cpu.CpuPool;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.quant.ColumnOrder;
import dev.gatun.quant.ExpertCut;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** One expert on both roads: its leading parts on the device, the others on the host, straight from one block. */
class TwoRoadsTest extends OnKernels {
    private static final double TOLERANCE = 4e-3;

    TwoRoadsTest() {
        super("tokens");
    }

    @Test
    void bothRoadsTogetherComputeTheWholeExpert() {
        forCases(sample -> {
            try (Case drawn = new Case(sample)) {
                drawn.check();
            }
        });
    }

    /** Shapes whose periods do not divide the leading parts' rows are among them, as in Mixtral; none is longer than a part. */
    private static SampleExperts experts(Sample sample, int parts) {
        TileFormat format = sample.flag("narrow") ? TileFormat.Q2N : TileFormat.Q2;
        boolean narrow = format == TileFormat.Q2N;
        int hidden = sample.integer("hidden", 16, 1, 9);
        int slices = 8 * sample.oneOf("tiles", narrow ? 2 : 1, 2, 16);
        int ffn = 16 * slices * parts;
        int period = sample.oneOf("period", 1, 2, slices, Math.min(parts, slices));
        TileShape gate = new TileShape(format, ffn, hidden, narrow ? 0 : hidden * period);
        TileShape down = narrow
                ? new TileShape(format, hidden, ffn, 0, ColumnOrder.SIXTEENS)
                : new TileShape(format, hidden, ffn, ffn).asDown();
        return new SampleExperts(sample, gate, down, 2);
    }

    private static final class Case implements AutoCloseable {
        private final int count;
        private final SampleExperts experts;
        private final ExpertCut cut;
        private final CudaDevice device = CudaDevice.open(0);
        private final CudaStream stream = CudaStream.open(device);
        private final DeviceArena arena = new DeviceArena(device, 1 << 20);
        private final KernelLibrary kernels = new KernelLibrary(device);
        private final PinnedStore store;
        private final PinnedHandOff handOff;
        private final CpuPool pool = CpuPool.open(2, CpuLevel.chosen());
        private final float[] x;
        private final float[] residual;

        Case(Sample sample) {
            experts = experts(sample, sample.oneOf("parts", 2, 3, 5, 11));
            cut = ExpertCut.of(experts.block);
            count = sample.integer("leading", 1, cut.parts() - 1);
            store = PinnedStore.allocate(device, 2, experts.block.bytes());
            for (int e = 0; e < 2; e++) {
                store.block(e).copyFrom(experts.block(e));
            }
            handOff = new PinnedHandOff(device, new TokenOperations(kernels, stream), 1, experts.hidden, 1);
            x = sample.floats(experts.hidden, 1);
            residual = sample.floats(experts.hidden, 1);
        }

        void check() {
            CudaRouting routing = CudaRouting.allocate(arena, 1, experts.hidden, 1);
            DeviceFloats hidden = DeviceFloats.allocate(arena, 1, experts.hidden);
            DeviceMemory error = arena.allocate(Integer.BYTES);
            error.zero(stream);
            routing.normed().memory().upload(0, floats(x), stream);
            routing.ids().upload(0, ints(1), stream);
            routing.weights().upload(0, floats(0.5f), stream);
            hidden.memory().upload(0, floats(residual), stream);
            runDevice(routing, hidden, error);
            double[] expected = widen(residual);
            add(expected, true);
            Nearness.require("leading parts", download(hidden), expected, TOLERANCE, 0);
            runHost(hidden, error);
            add(expected, false);
            Nearness.require("all parts", download(hidden), expected, TOLERANCE, 0);
        }

        private void runDevice(CudaRouting routing, DeviceFloats hidden, DeviceMemory error) {
            DecodeExperts operation = new DecodeExperts(kernels, stream, arena, arena, experts.block, 2, 1);
            DeviceMemory slot = arena.allocate(experts.block.bytes());
            slot.fill((byte) -1, stream);
            store.upload(1, cut, count, slot, stream);
            SlotMemory slots = new SlotMemory(slot, experts.block.bytes());
            DeviceMemory pointers = arena.allocate(SlotTable.bytes(1, 2));
            try (SlotTable table = new SlotTable(stream, pointers, slots, 1, 2)) {
                DeviceMemory alone = table.uploadAlone(1, 0);
                operation.runLeadingParts(cut, count, alone, 0, routing, hidden, error);
                stream.synchronize();
            }
            assertThat(download(error)).isZero();
        }

        private void runHost(DeviceFloats hidden, DeviceMemory error) {
            handOff.host().inputs().copyFrom(x);
            handOff.host().weight(0, 0).set(ValueLayout.JAVA_FLOAT, 0, 0.5f);
            handOff.host().clear(0);
            try (CpuRoad road = new CpuRoad(pool, store, cut, handOff.host(), 2)) {
                HostTurn turn = new HostTurn(road, handOff.host().ended());
                road.add(1, 1, count, 0, 0);
                turn.begin();
                turn.finish();
            }
            handOff.add(0, hidden, error);
            assertThat(download(error)).isZero();
        }

        /** What the leading parts give, or the others. */
        private void add(double[] y, boolean leading) {
            double[] h = experts.gateUp(1, widen(x));
            int slices = experts.ffn / 16;
            for (int i = 0; i < h.length; i++) {
                boolean isLeading = i % slices < count * cut.slices();
                h[i] = isLeading == leading ? h[i] : 0;
            }
            double[] out = experts.down(1, h);
            for (int k = 0; k < y.length; k++) {
                y[k] += 0.5 * out[k];
            }
        }

        private float[] download(DeviceFloats values) {
            float[] target = new float[experts.hidden];
            MemorySegment bytes = Arena.ofAuto().allocate(values.memory().byteSize(), 4);
            values.memory().download(0, bytes, stream);
            MemorySegment.copy(bytes, ValueLayout.JAVA_FLOAT, 0, target, 0, target.length);
            return target;
        }

        private int download(DeviceMemory word) {
            MemorySegment bytes = Arena.ofAuto().allocate(Integer.BYTES, 4);
            word.download(0, bytes, stream);
            return bytes.get(ValueLayout.JAVA_INT, 0);
        }

        private static MemorySegment floats(float... values) {
            return Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, values);
        }

        private static MemorySegment ints(int... values) {
            return Arena.ofAuto().allocateFrom(ValueLayout.JAVA_INT, values);
        }

        @Override
        public void close() {
            stream.synchronize();
            handOff.close();
            pool.close();
            store.close();
            kernels.close();
            arena.close();
            stream.close();
        }
    }
}
