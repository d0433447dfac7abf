package dev.gatun.engine.cpu;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.cpu.CpuFloatType;
import dev.gatun.cpu.KeyValues;
import dev.gatun.engine.KvCache;
import dev.gatun.engine.KvPrecision;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.stream.IntStream;

/** Keys and values in host memory, one block a layer. */
final class CpuKvCache extends KvCache {
    private final Arena arena = Arena.ofShared();
    private final List<KeyValues> layers;

    CpuKvCache(MixtralConfig config, int capacity, KvPrecision precision) {
        super(capacity);
        try {
            layers = IntStream.range(0, config.layers())
                    .mapToObj(layer ->
                            KeyValues.allocate(arena, type(precision), config.kvHeads(), config.headSize(), capacity))
                    .toList();
        } catch (RuntimeException | Error failure) {
            arena.close();
            throw failure;
        }
    }

    private static CpuFloatType type(KvPrecision precision) {
        return switch (precision) {
            case F16 -> CpuFloatType.F16;
            case F32 -> CpuFloatType.F32;
        };
    }

    KeyValues layer(int layer) {
        return layers.get(layer);
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
