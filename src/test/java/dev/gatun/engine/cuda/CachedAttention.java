package dev.gatun.engine.cuda;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** A random cache with queries, and attention by its definition in double precision. */
final class CachedAttention {
    final int tokens;
    final int kvHeads;
    final int group;
    final int headSize;
    final int capacity;
    final int position;
    final int window;
    final boolean isHalf;
    final float[] q;
    private final Rows keys;
    private final Rows values;

    /**
     * Keys or values.
     *
     * @param floats what they are, [kvHeads][capacity][headSize]
     * @param stored the same as kernels read them
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Rows(float[] floats, MemorySegment stored) {}

    /** Places from position + tokens on are not numbers: none may be read. */
    CachedAttention(Sample sample, int tokens, int headSize, int group, int position, boolean isHalf) {
        this.tokens = tokens;
        this.headSize = headSize;
        this.group = group;
        this.position = position;
        this.isHalf = isHalf;
        kvHeads = sample.integer("kv heads", 1, 3);
        capacity = position + tokens + sample.integer("spare", 0, 100);
        window = sample.flag("window") ? sample.integer("of", 1, 1, position + tokens + 1) : 0;
        q = sample.floats(tokens * kvHeads * group * headSize, 1 + 2 * sample.uniform());
        keys = cache(sample);
        values = cache(sample);
    }

    /**
     * The same of 16 bits, with queries, keys and values that are fp16, as tensor cores take them: what is stored may have
     * more bits, and what a large score is off by where it is rounded is as large.
     */
    static CachedAttention ofElevenBits(Sample sample, int tokens, int headSize, int group, int position) {
        CachedAttention cached = new CachedAttention(sample, tokens, headSize, group, position, true);
        roundToHalf(cached.q);
        roundToHalf(cached.keys.floats());
        roundToHalf(cached.values.floats());
        return cached;
    }

    private static void roundToHalf(float[] values) {
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.float16ToFloat(Float.floatToFloat16(values[i]));
        }
    }

    private Rows cache(Sample sample) {
        float[] cache = sample.floats(kvHeads * capacity * headSize, 1);
        for (int i = 0; i < cache.length; i++) {
            if (i / headSize % capacity >= position + tokens) {
                cache[i] = Float.NaN;
            }
        }
        if (!isHalf) {
            return new Rows(cache, MemorySegment.ofArray(cache));
        }
        short[] words = CacheBlocks.pack(cache);
        return new Rows(CacheBlocks.unpack(words), MemorySegment.ofArray(words));
    }

    int heads() {
        return kvHeads * group;
    }

    MemorySegment keys() {
        return keys.stored();
    }

    MemorySegment values() {
        return values.stored();
    }

    /** Keys as they were appended, [position + tokens][kvHeads][headSize]. */
    float[] keysByPlace() {
        return byPlace(keys.floats());
    }

    float[] valuesByPlace() {
        return byPlace(values.floats());
    }

    private float[] byPlace(float[] cache) {
        int places = position + tokens;
        float[] rows = new float[places * kvHeads * headSize];
        for (int row = 0; row < places * kvHeads; row++) {
            int from = (row % kvHeads * capacity + row / kvHeads) * headSize;
            System.arraycopy(cache, from, rows, row * headSize, headSize);
        }
        return rows;
    }

    /** The places that a token sees. */
    int keysOf(int token) {
        int last = position + token;
        return window == 0 ? last + 1 : Math.min(window, last + 1);
    }

    double[] expected() {
        double[] y = new double[q.length];
        for (int t = 0; t < tokens; t++) {
            for (int head = 0; head < heads(); head++) {
                int row = (t * heads() + head) * headSize;
                attend(row, head / group * capacity, position + t - keysOf(t) + 1, position + t, y);
            }
        }
        return y;
    }

    private void attend(int row, int base, int first, int last, double[] y) {
        double[] scores = new double[last - first + 1];
        for (int p = first; p <= last; p++) {
            double score = 0;
            for (int i = 0; i < headSize; i++) {
                score += (double) q[row + i] * keys.floats()[(base + p) * headSize + i];
            }
            scores[p - first] = score / Math.sqrt(headSize);
        }
        double largest = Arrays.stream(scores).max().orElseThrow();
        double total = 0;
        for (int p = first; p <= last; p++) {
            double weight = Math.exp(scores[p - first] - largest);
            total += weight;
            for (int i = 0; i < headSize; i++) {
                y[row + i] += weight * values.floats()[(base + p) * headSize + i];
            }
        }
        for (int i = 0; i < headSize; i++) {
            y[row + i] /= total;
        }
    }
}
