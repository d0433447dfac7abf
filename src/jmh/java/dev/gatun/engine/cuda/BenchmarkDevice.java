package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.CudaDevice;
import dev.gatun.cuda.CudaStream;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.offload.ChunkWorkspace;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

/** The first GPU with a backend's resources and workspace for one benchmark, its content random. */
final class BenchmarkDevice implements AutoCloseable {
    private static final int CACHES = 5;

    /** What a read's ceiling is measured with. */
    private static final long CEILING_BYTES = 1L << 30;

    private final CudaResources resources;
    private final CudaWorkspace workspace;
    private final RandomMemory random;
    private final EventTimer timer;
    private final ProbeOperations probe;
    private final DeviceMemory large;
    private final DeviceMemory cacheful;

    private BenchmarkDevice(CudaDevice device, MixtralConfig config, int tokens) {
        resources = CudaResources.open(device, config, tokens);
        workspace = CudaWorkspace.allocate(resources.arena(), new ChunkWorkspace(config, tokens, true));
        random = new RandomMemory(device, stream());
        timer = new EventTimer(device, stream());
        probe = new ProbeOperations(resources.kernels(), stream(), resources.arena());
        long cache = Math.ceilDiv(CACHES * device.properties().l2Cache(), 256L) * 256;
        large = resources.arena().allocate(Math.max(cache, CEILING_BYTES));
        cacheful = large.slice(0, cache);
        random.fill(RandomMemory.Kind.CODES, large);
        random.fill(
                RandomMemory.Kind.FLOATS,
                workspace.hidden().memory(),
                workspace.normed().memory(),
                workspace.queries().memory(),
                workspace.attended().memory(),
                workspace.expertWeights());
        workspace.errors().zero(stream());
    }

    /** Opens it for up to {@code tokens} tokens at once. */
    static BenchmarkDevice open(int tokens) {
        return new BenchmarkDevice(CudaDevice.open(0), Mixtral8x7b.CONFIG, tokens);
    }

    CudaResources resources() {
        return resources;
    }

    CudaStream stream() {
        return resources.stream();
    }

    CudaWorkspace workspace() {
        return workspace;
    }

    /** The word for errors of anything. */
    DeviceMemory error() {
        return workspace.error(0);
    }

    EventTimer timer() {
        return timer;
    }

    RandomMemory random() {
        return random;
    }

    BenchmarkTiles tiles() {
        return new BenchmarkTiles(resources.arena(), stream(), random);
    }

    Ceilings ceilings() {
        return Ceilings.measure(probe, timer, large);
    }

    /** Leaves nothing in the second-level cache that an operation could find there. */
    void emptyCache() {
        probe.read(cacheful);
    }

    /** Random content of some kind. */
    DeviceMemory memory(RandomMemory.Kind kind, long bytes) {
        DeviceMemory memory = resources.arena().allocate(bytes);
        random.fill(kind, memory);
        return memory;
    }

    /** Integers in device memory. */
    DeviceMemory integers(int... values) {
        DeviceMemory memory = resources.arena().allocate((long) values.length * Integer.BYTES);
        try (Arena host = Arena.ofConfined()) {
            memory.upload(0, host.allocateFrom(ValueLayout.JAVA_INT, values), stream());
        }
        return memory;
    }

    /** Waits, and throws if a kernel set a bit of an error word. */
    void requireNoErrors() {
        resources.download().awaitErrors(workspace.errors());
    }

    @Override
    public void close() {
        timer.close();
        random.close();
        resources.close();
    }
}
