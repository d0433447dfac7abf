package dev.gatun.engine.cuda;

import dev.gatun.cuda.LaunchShape;
import org.junit.jupiter.api.Test;

class PrefillAttentionTest extends OnKernels {
    /** Queries and weights are rounded to 11 bits. */
    private static final double TOLERANCE = 3e-3;

    PrefillAttentionTest() {
        super("prefill_attention");
    }

    @Test
    void aChunksTokensSeeWhatCameBeforeThem() {
        forCases(sample -> {
            int tokens = sample.integer("tokens", 1, 1, 300);
            int headSize = sample.integer("head size", 8, 1, 32);
            int group = sample.integer("group", 1, 1, 9);
            int position = sample.flag("first") ? 0 : sample.integer("position", 1, 300);
            check(new CachedAttention(sample, tokens, headSize, group, position, true));
        });
    }

    @Test
    void aWholeChunkBehindOthers() {
        forCase(sample -> check(new CachedAttention(sample, 512, 128, 4, 400, true)));
    }

    @Test
    void noPositionLeadsOutOfTheCache() {
        forCase(sample -> {
            CachedAttention in = new CachedAttention(sample, 70, 64, 2, 30, true);
            run(in, Integer.MAX_VALUE);
            run(in, in.capacity - 1);
            run(in, Integer.MIN_VALUE);
        });
    }

    private void check(CachedAttention in) {
        assertRowsNear(run(in, in.position), in.expected(), in.headSize, TOLERANCE);
    }

    private float[] run(CachedAttention in, int position) {
        Region y = gpu.outputFloats(in.q.length);
        int size = in.headSize <= 64 ? 64 : in.headSize <= 128 ? 128 : 256;
        gpu.run(
                "gatun_prefill_attend_d" + size,
                LaunchShape.of(1, 256).grid(in.kvHeads, (in.tokens * in.group + 127) / 128, 1),
                gpu.input(in.q),
                gpu.input(in.keys()),
                gpu.input(in.values()),
                (long) in.capacity,
                in.heads(),
                in.kvHeads,
                in.headSize,
                gpu.input(position),
                in.tokens,
                in.window,
                y);
        return y.floats();
    }
}
