package dev.gatun.engine.cuda;

import dev.gatun.cuda.LaunchShape;
import org.junit.jupiter.api.Test;

class PrefillAttentionTest extends OnKernels {
    /** Weights are rounded to 11 bits. */
    private static final double TOLERANCE = 1e-3;

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
            check(sample, CachedAttention.ofElevenBits(sample, tokens, headSize, group, position));
        });
    }

    @Test
    void aWholeChunkBehindOthers() {
        forCase(sample -> check(sample, CachedAttention.ofElevenBits(sample, 512, 128, 4, 400)));
    }

    @Test
    void noPositionLeadsOutOfTheCache() {
        forCase(sample -> {
            CachedAttention in = CachedAttention.ofElevenBits(sample, 70, 64, 2, 30);
            run(sample, in, Integer.MAX_VALUE);
            run(sample, in, in.capacity - 1);
            run(sample, in, Integer.MIN_VALUE);
        });
    }

    private void check(Sample sample, CachedAttention in) {
        oracles.attention(in).averaged().requireNear(run(sample, in, in.position), TOLERANCE);
    }

    private float[] run(Sample sample, CachedAttention in, int position) {
        int size = in.headSize <= 64 ? 64 : in.headSize <= 128 ? 128 : 256;
        int rows = sample.oneOf("rows", 64, 128);
        int parts = sample.oneOf("parts", 1, 2, 7, 32);
        int tiles = (in.tokens * in.group + rows - 1) / rows;
        boolean isCut = parts > 1;
        long places = (long) in.kvHeads * tiles * parts * rows;
        Region q = gpu.input(in.q);
        Region keys = gpu.input(in.keys());
        Region values = gpu.input(in.values());
        Region place = gpu.input(position);
        Region sums = isCut ? gpu.scratch(4 * places * in.headSize) : null;
        Region weights = isCut ? gpu.scratch(8 * places) : null;
        Region y = gpu.outputFloats(in.q.length);
        int memory = size == 64 ? 16384 : size == 128 && rows == 128 ? 65536 : 32768;
        LaunchShape shape = LaunchShape.of(1, size == 256 && rows == 128 ? 256 : 128)
                .grid(in.kvHeads, tiles, parts)
                .sharing(memory);
        LaunchShape join = LaunchShape.of(1, 256).grid((in.heads() + 7) / 8, in.tokens, 1);
        gpu.twice(() -> {
            gpu.launch(
                    "gatun_prefill_attend_d" + size + "_r" + rows,
                    shape,
                    q,
                    keys,
                    values,
                    (long) in.capacity,
                    in.heads(),
                    in.kvHeads,
                    in.headSize,
                    place,
                    in.tokens,
                    in.window,
                    y,
                    parts,
                    sums,
                    weights);
            if (isCut) {
                gpu.launch(
                        "gatun_prefill_combine_r" + rows,
                        join,
                        sums,
                        weights,
                        (long) in.capacity,
                        in.heads(),
                        in.kvHeads,
                        in.headSize,
                        place,
                        in.tokens,
                        in.window,
                        parts,
                        size == 256 ? 32 : 64,
                        y);
            }
        });
        return y.floats();
    }
}
