package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cuda.LaunchShape;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class RopeTest extends OnKernels {
    RopeTest() {
        super("rope");
    }

    @Test
    void queriesTurnInPlaceAndKeysIntoTheCache() {
        forCases(sample -> new Case(sample).check());
    }

    private final class Case {
        private final int tokens;
        private final int heads;
        private final int kvHeads;
        private final int headSize;
        private final int capacity;
        private final int position;
        private final boolean isHalf;
        private final float[] frequencies;
        private final float[] q;
        private final float[] k;
        private final float[] v;

        Case(Sample sample) {
            tokens = sample.integer("tokens", 1, 20);
            kvHeads = sample.integer("kv heads", 1, 4);
            heads = kvHeads * sample.integer("group", 1, 8);
            capacity = sample.integer("capacity", 1, 1, 200);
            position = sample.oneOf("position", 0, capacity / 2, capacity - 1, capacity, capacity - tokens, -1);
            isHalf = sample.flag("half");
            headSize = isHalf ? 8 * sample.integer("blocks", 1, 1, 17) : 2 * sample.integer("half size", 1, 1, 70);
            frequencies = Oracles.frequencies(headSize);
            q = sample.floats(tokens * heads * headSize, 1);
            k = sample.floats(tokens * kvHeads * headSize, 1);
            v = sample.floats(tokens * kvHeads * headSize, 1);
        }

        void check() {
            int cached = kvHeads * capacity * headSize;
            Region queries = gpu.output(q);
            Region keys = gpu.output((long) cached * (isHalf ? 2 : 4));
            Region values = gpu.output((long) cached * (isHalf ? 2 : 4));
            Region error = gpu.zeros(1);
            gpu.run(
                    isHalf ? "gatun_rope_append" : "gatun_rope_append_f32",
                    LaunchShape.of(1, (headSize / 2 + 31) / 32 * 32).grid(heads + kvHeads, tokens, 1),
                    queries,
                    gpu.input(k),
                    gpu.input(v),
                    keys,
                    values,
                    (long) capacity,
                    heads,
                    kvHeads,
                    headSize,
                    gpu.input(position),
                    gpu.input(frequencies),
                    error);
            assertThat(error.ints()).containsExactly(position < 0 || position + tokens > capacity ? ERROR_ID : 0);
            oracles.turned(q, heads, headSize, position, frequencies).requireNear(queries.floats(), 1e-6);
            checkCache(keys, oracles.turned(k, kvHeads, headSize, position, frequencies));
            checkCache(values, oracles.stored(v, kvHeads, headSize, position, capacity, isHalf));
        }

        /** Places of these tokens hold their rows, all others are as before. */
        private void checkCache(Region cache, Expected rows) {
            for (int head = 0; head < kvHeads; head++) {
                for (int place = 0; place < capacity; place++) {
                    int token = place - position;
                    int from = (head * capacity + place) * headSize;
                    if (token < 0 || token >= tokens) {
                        assertUntouched(cache, from);
                    } else {
                        int row = token * kvHeads + head;
                        rows.requireRowNear(row, read(cache, from), isHalf ? 2e-4 : 1e-6);
                    }
                }
            }
        }

        private float[] read(Region cache, int from) {
            if (!isHalf) {
                return Arrays.copyOfRange(cache.floats(), from, from + headSize);
            }
            return CacheBlocks.unpack(Arrays.copyOfRange(cache.halves(), from, from + headSize));
        }

        private void assertUntouched(Region cache, int from) {
            for (float value : read(cache, from)) {
                assertThat(value).isNaN();
            }
        }
    }
}
