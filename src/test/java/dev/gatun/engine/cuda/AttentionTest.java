package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cuda.LaunchShape;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class AttentionTest extends OnKernels {
    AttentionTest() {
        super("attention");
    }

    @Test
    void tokensSeeWhatCameBeforeThem() {
        forCases(sample -> {
            int tokens = sample.integer("tokens", 1, 8);
            int headSize = sample.integer("head size", 8, 1, 32);
            int group = sample.integer("group", 1, 1, 17);
            int position = sample.integer("position", 1, 0, 700);
            CachedAttention attention =
                    new CachedAttention(sample, tokens, headSize, group, position, sample.flag("half"));
            check(sample, attention, sample.oneOf("chunks", 1, 2, 7, 64));
        });
    }

    @Test
    void aLongContextIsCutAndJoined() {
        forCase(sample -> check(sample, new CachedAttention(sample, 2, 128, 4, 32766, true), 64));
    }

    @Test
    void uncutItTakesAnyNumberOfTokens() {
        for (boolean isHalf : new boolean[] {false, true}) {
            forCase(sample -> check(sample, new CachedAttention(sample, 150, 72, 3, 41, isHalf), 1));
        }
    }

    @Test
    void aPlaceOutsideOfTheCacheIsTheNearestOneInside() {
        forCase(sample -> {
            CachedAttention in = new CachedAttention(sample, 1, 64, 2, 90, true);
            assertThat(run(sample, in, 1, Integer.MAX_VALUE)).containsExactly(run(sample, in, 1, in.capacity - 1));
            assertThat(run(sample, in, 1, -5)).containsExactly(run(sample, in, 1, 0));
        });
    }

    private void check(Sample sample, CachedAttention attention, int maxChunks) {
        float[] y = run(sample, attention, maxChunks, attention.position);
        oracles.attention(attention).requireNear(y, 2e-5);
    }

    private float[] run(Sample sample, CachedAttention in, int maxChunks, int position) {
        int queries = in.group == 1 ? 1 : in.group <= 4 ? 4 : 8;
        int lanes = IntStream.of(4, 8, 16, 32)
                .filter(n -> n * 8 >= in.headSize)
                .findFirst()
                .orElseThrow();
        int batches = (in.group + queries - 1) / queries;
        int keys = in.keysOf(in.tokens - 1);
        int chunks = sample.flag("all chunks") ? maxChunks : Math.min(maxChunks, (keys + 63) / 64);
        int blocks = in.kvHeads * batches;
        boolean isCut = maxChunks > 1;
        Region y = gpu.outputFloats(in.q.length);
        Region counters = isCut ? gpu.zeros(in.tokens * blocks) : null;
        gpu.run(
                "gatun_attend_" + (in.isHalf ? "l" : "f32_l") + lanes + "_g" + queries,
                LaunchShape.of(1, queries == 8 ? 128 : 256).grid(blocks, chunks, in.tokens),
                gpu.input(in.q),
                gpu.input(in.keys()),
                gpu.input(in.values()),
                (long) in.capacity,
                in.heads(),
                in.kvHeads,
                in.headSize,
                gpu.input(position),
                in.window,
                maxChunks,
                isCut ? gpu.outputFloats((long) in.tokens * blocks * maxChunks * queries * in.headSize) : null,
                isCut ? gpu.outputFloats((long) in.tokens * blocks * maxChunks * queries * 2) : null,
                counters,
                y);
        if (isCut) {
            assertThat(counters.ints()).containsOnly(0);
        }
        return y.floats();
    }
}
