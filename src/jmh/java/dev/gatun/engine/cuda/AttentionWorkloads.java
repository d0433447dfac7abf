package dev.gatun.engine.cuda;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cuda.DeviceMemory;
import dev.gatun.engine.KvPrecision;
import java.util.List;
import java.util.stream.IntStream;

/** Attention of Mixtral 8x7B over a cache of 16 bits, layers enough that none lies in the second-level cache. */
final class AttentionWorkloads {
    private static final long ROTATED_BYTES = 256L << 20;
    private static final int MOST_LAYERS = 64;

    private AttentionWorkloads() {}

    /** The last {@code tokens} of {@code length} positions. */
    static Workload attend(BenchmarkDevice device, int tokens, int length) {
        MixtralConfig config = Mixtral8x7b.CONFIG;
        CudaWorkspace workspace = device.workspace();
        AttentionOperation operation = new AttentionOperation(
                device.resources(),
                HeadShape.of(config),
                OffloadedExperts.mostAwaited(config),
                workspace.attention().branch());
        DeviceFloats queries = workspace.queries().rows(0, tokens);
        DeviceFloats attended = workspace.attended().rows(0, tokens);
        long part = (long) length * Mixtral8x7b.keyWidth() * KvPrecision.F16.bytes();
        DeviceMemory position = device.integers(length - tokens);
        int layers = (int) Math.min(MOST_LAYERS, Math.ceilDiv(ROTATED_BYTES, 2 * part));
        List<LayerCache> caches = IntStream.range(0, layers)
                .mapToObj(layer -> new LayerCache(
                        device.memory(RandomMemory.Kind.BLOCKS, part),
                        device.memory(RandomMemory.Kind.BLOCKS, part),
                        KvPrecision.F16,
                        length,
                        length - tokens,
                        position))
                .toList();
        return new Workload(
                layers,
                2.0 * part + 2.0 * queries.memory().byteSize(),
                operations(tokens, length),
                node -> operation.attend(queries, caches.get(node), attended));
    }

    /** Two products for each pair of a query and a position before it. */
    private static double operations(int tokens, int length) {
        double before = length - tokens;
        double pairs = tokens * before + tokens * (tokens + 1.0) / 2;
        return 4 * pairs * Mixtral8x7b.queryWidth();
    }
}
