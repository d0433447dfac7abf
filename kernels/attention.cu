/*
 * attention.cu   grouped-query attention of a few tokens over the cache, cut along the context, in fp32, one launch
 *
 *   y[t][h] = sum over p of softmax(q[t][h] . keys[h / group][p] / sqrt(head_size)) values[h / group][p],
 *   p from max(0, position + t - window + 1) (0 where window is 0) to position + t
 *
 * layout   q[t][heads * head_size], y likewise fp32; keys[kv_heads][capacity][head_size], values likewise: blocks of
 *          cache_block.cuh, or fp32;
 *          workspace sums[t][kv_heads * batches][max_chunks][queries * head_size] and
 *          largest_and_weight[t][kv_heads * batches][max_chunks][queries][2] fp32, and
 *          counters[t][kv_heads * batches] int, zero before the first launch and zero again after each
 * bytes    4 (fp32: 8) * kv_heads * keys seen * head_size, and chunks * heads * head_size * 8 through the workspace
 * bound    device memory reads from about 4k keys on, latency below
 * launch   gatun_attend_l<lanes>_g<queries>, for an fp32 cache gatun_attend_f32_l<lanes>_g<queries>:
 *          (q, keys, values, int64 capacity, int heads, int kv_heads, int head_size, const int *position, int window,
 *           int max_chunks, float *sums, float *largest_and_weight, int *counters, float *y)
 *          grid (kv_heads * batches, chunks, tokens), block 256 (128 where queries is 8), no dynamic shared memory
 *          lanes = the power of two in 4..32 that is at least head_size / 8; queries = 1 for a group of 1, 4 for 2..4,
 *          8 above: those that share a read; batches = ceil(group / queries)
 *          chunks: max_chunks, or fewer where no token of the launch sees more than 64 * chunks keys
 *          max_chunks: 256 / (kv_heads * batches), in 16..64 (measured on sm_90 with 8 key heads: 32)
 *          max_chunks 1: nothing is cut, workspace and counters are not touched; so any number of tokens can be launched
 *          (up to 65535): the prefill of an fp32 cache, and over blocks that of short chunks, whose q, keys and values
 *          prefill_attention.cu would round once more
 * checked in Java   head_size % 8 == 0, 8 <= head_size <= 256, heads % kv_heads == 0, position + tokens <= capacity,
 *          1 <= max_chunks <= 64 and the same for all launches whose results are to be the same,
 *          16-byte alignment of q, keys, values, sums, y; launches that share a workspace follow one another
 * checked by   AttentionTest
 *
 * A token's keys are cut into tiles of 64 or more; chunk i has tiles i, i + max_chunks and so on: by the number of keys alone.
 * Without a window a block thus loads its first tile before it knows the position, and may read, but not use, up to a tile
 * of the cache behind the token. Within a block `lanes` lanes hold a key and take every n-th one with a running softmax of
 * their own; those are joined in a fixed order. The block that is the last of its token and key head to store its chunk
 * joins the chunks, in their order. A place outside the cache is taken for the nearest one inside.
 */
#include "cache_block.cuh"
#include "softmax.cuh"

constexpr int MOST_CHUNKS = 64;
constexpr int LEAST_TILE = 64;
constexpr int COMBINE_BATCH = 8; /* chunks in flight in a thread that joins them */

__host__ __device__ constexpr int threads_for(int queries) {
    return queries == 8 ? 128 : 256;
}

/* What a token sees: keys first..end - 1, in tiles, in chunks. */
struct Context {
    int first;
    int end;
    int tiles;
    int chunks;
};

template <int TILE>
__device__ __forceinline__ Context context_of(int64_t place, int64_t capacity, int window, int max_chunks) {
    int last = (int)(place < 0 ? 0 : place >= capacity ? capacity - 1 : place);
    Context c;
    c.first = window > 0 && last >= window ? last - window + 1 : 0;
    c.end = last + 1;
    c.tiles = (c.end - c.first + TILE - 1) / TILE;
    c.chunks = min(c.tiles, max_chunks);
    return c;
}

template <typename T>
struct AttendArguments {
    const float *q;
    const T *keys;
    const T *values;
    int64_t capacity;
    int heads;
    int kv_heads;
    int head_size;
    int window;
    int max_chunks;
    float *sums;
    float2 *stats;
    int *counters;
    float *y;
};

/* Eight neighbouring columns of a row of the cache. KEYS rows are in flight in a stream. */
template <typename T>
struct Eight;

template <>
struct Eight<CacheWord> {
    static constexpr int KEYS = 4;
    uint4 bits;

    __device__ __forceinline__ void load(const CacheWord *from) {
        bits = load_once((const uint4 *)from);
    }

    __device__ __forceinline__ void clear() {
        bits = make_uint4(0, 0, 0, 0);
    }

    __device__ __forceinline__ void widen(float (&v)[8]) const {
        widen_block(bits, v);
    }
};

template <>
struct Eight<float> {
    static constexpr int KEYS = 2;
    uint4 low;
    uint4 high;

    __device__ __forceinline__ void load(const float *from) {
        low = load_once((const uint4 *)from);
        high = load_once((const uint4 *)from + 1);
    }

    __device__ __forceinline__ void clear() {
        low = high = make_uint4(0, 0, 0, 0);
    }

    __device__ __forceinline__ void widen(float (&v)[8]) const {
        widen_floats(low, high, v);
    }
};

/*
 * A running softmax of QUERIES queries over the keys of one stream; eight columns a lane, scores in powers of two.
 * Of the KEYS * QUERIES scores of a step, number i * QUERIES + h is that of key i and query h. Each is summed over the
 * lanes such that lane l keeps numbers l / COPIES * HELD and the next HELD - 1, so that one lane, not all, takes the power.
 */
template <int LANES, int QUERIES, int KEYS>
struct Stream {
    static constexpr int SCORES = KEYS * QUERIES;
    static constexpr int HELD = SCORES > LANES ? SCORES / LANES : 1;
    static constexpr int COPIES = LANES > SCORES ? LANES / SCORES : 1;
    static constexpr int NEXT_KEY = QUERIES / HELD * COPIES; /* lanes between a query's scores of neighbouring keys */
    static_assert(HELD <= QUERIES, "the scores that a lane keeps are of one key");

    float q[QUERIES][8];
    float sums[QUERIES][8];
    float largest[HELD];
    float weight[HELD];
    int lane;

    __device__ __forceinline__ void clear(int its_lane) {
        lane = its_lane;
#pragma unroll
        for (int j = 0; j < HELD; j++) {
            largest[j] = -INFINITY;
            weight[j] = 0;
        }
#pragma unroll
        for (int h = 0; h < QUERIES; h++) {
#pragma unroll
            for (int c = 0; c < 8; c++) {
                sums[h][c] = 0;
            }
        }
    }

    /* This lane's columns of `queries` queries, the rest are zeros. */
    __device__ __forceinline__ void load(const float *columns, int head_size, int queries) {
#pragma unroll
        for (int h = 0; h < QUERIES; h++) {
            float4 none = make_float4(0, 0, 0, 0);
            const float4 *from = (const float4 *)(columns + h * head_size);
            float4 low = h < queries ? from[0] : none;
            float4 high = h < queries ? from[1] : none;
            q[h][0] = low.x, q[h][1] = low.y, q[h][2] = low.z, q[h][3] = low.w;
            q[h][4] = high.x, q[h][5] = high.y, q[h][6] = high.z, q[h][7] = high.w;
        }
    }

    __device__ __forceinline__ int own_key() const {
        return lane / NEXT_KEY;
    }

    /* Halves the scores that a lane keeps at each step until one is left. */
    __device__ __forceinline__ void fold(float (&scores)[SCORES]) const {
        int kept = SCORES;
#pragma unroll
        for (int step = LANES / 2; step > 0; step /= 2) {
            if (kept == 1) {
                scores[0] += __shfl_xor_sync(ALL_LANES, scores[0], step);
                continue;
            }
            kept /= 2;
            bool upper = lane & step;
#pragma unroll
            for (int i = 0; i < SCORES / 2; i++) {
                if (i < kept) {
                    float sent = upper ? scores[i] : scores[i + kept];
                    float own = upper ? scores[i + kept] : scores[i];
                    scores[i] = own + __shfl_xor_sync(ALL_LANES, sent, step);
                }
            }
        }
    }

    template <typename Row>
    __device__ __forceinline__ void score(const Row (&keys)[KEYS], float (&scores)[SCORES]) const {
#pragma unroll
        for (int i = 0; i < KEYS; i++) {
            float key[8];
            keys[i].widen(key);
#pragma unroll
            for (int h = 0; h < QUERIES; h++) {
                float score = 0;
#pragma unroll
                for (int c = 0; c < 8; c++) {
                    score += q[h][c] * key[c];
                }
                scores[i * QUERIES + h] = score;
            }
        }
        fold(scores);
    }

    /* Scores become weights; what was summed before shrinks to the new largest score. */
    __device__ __forceinline__ void weigh(float (&scores)[SCORES], float scale, bool there) {
        float shrink[HELD];
#pragma unroll
        for (int j = 0; j < HELD; j++) {
            scores[j] = there ? scores[j] * scale : -INFINITY;
            float top = fmaxf(largest[j], scores[j]);
#pragma unroll
            for (int step = NEXT_KEY; step < NEXT_KEY * KEYS; step *= 2) {
                top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, step));
            }
            float base = base_of(top);
            shrink[j] = power(largest[j] - base);
            largest[j] = top;
            scores[j] = power(scores[j] - base);
            weight[j] = weight[j] * shrink[j] + scores[j];
        }
#pragma unroll
        for (int h = 0; h < QUERIES; h++) {
            float factor = __shfl_sync(ALL_LANES, shrink[h % HELD], h / HELD * COPIES, LANES);
#pragma unroll
            for (int c = 0; c < 8; c++) {
                sums[h][c] *= factor;
            }
        }
    }

    template <typename Row>
    __device__ __forceinline__ void add(const Row (&values)[KEYS], const float (&scores)[SCORES]) {
#pragma unroll
        for (int i = 0; i < KEYS; i++) {
            float value[8];
            values[i].widen(value);
#pragma unroll
            for (int h = 0; h < QUERIES; h++) {
                constexpr int kept = HELD;
                float weight = __shfl_sync(ALL_LANES, scores[(i * QUERIES + h) % kept],
                                           (i * QUERIES + h) / kept * COPIES, LANES);
#pragma unroll
                for (int c = 0; c < 8; c++) {
                    sums[h][c] += weight * value[c];
                }
            }
        }
    }

    /* The stream's largest score and weight, one lane for each query. */
    __device__ __forceinline__ void store_stats(float2 *stats) const {
#pragma unroll
        for (int j = 0; j < HELD; j++) {
            float total = weight[j];
#pragma unroll
            for (int step = NEXT_KEY; step < NEXT_KEY * KEYS; step *= 2) {
                total += __shfl_xor_sync(ALL_LANES, total, step);
            }
            if (lane < NEXT_KEY && lane % COPIES == 0) {
                stats[lane / COPIES * HELD + j] = make_float2(largest[j], total);
            }
        }
    }
};

__device__ __forceinline__ void add_scaled(float4 &sum, float factor, const float4 &v) {
    sum.x += factor * v.x, sum.y += factor * v.y, sum.z += factor * v.z, sum.w += factor * v.w;
}

__device__ __forceinline__ void store_divided(float *to, const float4 &v, float by) {
    float factor = 1 / by;
    *(float4 *)to = make_float4(v.x * factor, v.y * factor, v.z * factor, v.w * factor);
}

template <int LANES, int QUERIES>
struct Shared {
    static constexpr int THREADS = threads_for(QUERIES);
    static constexpr int STREAMS = THREADS / LANES;
    static constexpr int QUADS = LANES * 2; /* groups of four columns */
    static constexpr int ITEMS = QUERIES * QUADS;
    /* Of the streams, first the even quads, then the odd ones; later [THREADS], of the shares of the chunks. */
    float4 joined[STREAMS][QUERIES][QUADS];
    float2 stats[STREAMS][QUERIES]; /* largest score and weight of each stream */
    float factors[QUERIES][MOST_CHUNKS];
    float weights[QUERIES];
    int last;
};

/* Where the results of a block's queries go: a chunk's part of the workspace, and y. */
struct Places {
    float *sums; /* of chunk 0; the next is `stride` further */
    float2 *stats;
    float *y;
    int stride;
    int queries;
    int head_size;
};

/* The streams of a block become one chunk; a token's only chunk is divided and stored as the result. */
template <int LANES, int QUERIES>
__device__ __forceinline__ void join_streams(const Shared<LANES, QUERIES> &s, const Places &to, int chunk, int chunks) {
    using S = Shared<LANES, QUERIES>;
    for (int at = threadIdx.x; at < to.queries * S::QUADS; at += S::THREADS) {
        int h = at / S::QUADS;
        int quad = at % S::QUADS;
        int column = quad * 4;
        if (column >= to.head_size) {
            continue;
        }
        int place = quad % 2 * LANES + quad / 2;
        float top = -INFINITY;
#pragma unroll
        for (int i = 0; i < S::STREAMS; i++) {
            top = fmaxf(top, s.stats[i][h].x);
        }
        float base = base_of(top);
        float weight = 0;
        float4 sum = make_float4(0, 0, 0, 0);
#pragma unroll 8
        for (int i = 0; i < S::STREAMS; i++) {
            float2 stats = s.stats[i][h];
            float factor = power(stats.x - base);
            weight += factor * stats.y;
            add_scaled(sum, factor, s.joined[i][h][place]);
        }
        if (chunks == 1) {
            store_divided(to.y + h * to.head_size + column, sum, weight);
        } else {
            *(float4 *)(to.sums + chunk * to.stride + h * to.head_size + column) = sum;
            if (quad == 0) {
                to.stats[chunk * QUERIES + h] = make_float2(top, weight);
            }
        }
    }
}

/* Largest scores of the chunks become factors, by a warp for each query. */
template <int LANES, int QUERIES>
__device__ __forceinline__ void weigh_chunks(Shared<LANES, QUERIES> &s, const Places &from, int chunks) {
    constexpr int PARTS = MOST_CHUNKS / WARP;
    int lane = threadIdx.x % WARP;
    for (int h = threadIdx.x / WARP; h < from.queries; h += Shared<LANES, QUERIES>::THREADS / WARP) {
        float2 parts[PARTS];
        float top = -INFINITY;
#pragma unroll
        for (int i = 0; i < PARTS; i++) {
            int chunk = lane + i * WARP;
            parts[i] = chunk < chunks ? __ldcg(from.stats + chunk * QUERIES + h) : make_float2(-INFINITY, 0);
            top = fmaxf(top, parts[i].x);
        }
        float base = base_of(warp_max(top));
        float weight = 0;
#pragma unroll
        for (int i = 0; i < PARTS; i++) {
            float factor = power(parts[i].x - base);
            weight += factor * parts[i].y;
            s.factors[h][lane + i * WARP] = factor;
        }
        weight = warp_sum(weight);
        if (lane == 0) {
            s.weights[h] = weight;
        }
    }
}

/* Items are (query, four columns); where there are fewer than threads, several threads share the chunks of one. */
template <int LANES, int QUERIES>
__device__ __forceinline__ void join_chunks(Shared<LANES, QUERIES> &s, const Places &from, int chunks) {
    using S = Shared<LANES, QUERIES>;
    constexpr int WIDTH = S::ITEMS < S::THREADS ? S::ITEMS : S::THREADS;
    constexpr int SHARES = S::THREADS / WIDTH;
    float4 *joined = &s.joined[0][0][0];
    int share = threadIdx.x / WIDTH;
#pragma unroll 1
    for (int first = 0; first < S::ITEMS; first += WIDTH) {
        int item = first + threadIdx.x % WIDTH;
        int h = item / S::QUADS;
        int place = h * from.head_size + item % S::QUADS * 4;
        bool mine = h < from.queries && item % S::QUADS * 4 < from.head_size;
        float4 sum = make_float4(0, 0, 0, 0);
        int begin = share;
        do {
            float4 v[COMBINE_BATCH];
#pragma unroll
            for (int i = 0; i < COMBINE_BATCH; i++) {
                int chunk = begin + i * SHARES;
                bool there = mine && chunk < chunks;
                v[i] = there ? __ldcg((const float4 *)(from.sums + chunk * from.stride + place)) : make_float4(0, 0, 0, 0);
            }
            if (first == 0 && begin == share) { /* all threads come here once; the first loads are under way meanwhile */
                weigh_chunks(s, from, chunks);
                __syncthreads();
            }
#pragma unroll
            for (int i = 0; i < COMBINE_BATCH; i++) {
                int chunk = begin + i * SHARES;
                if (mine && chunk < chunks) {
                    add_scaled(sum, s.factors[h][chunk], v[i]);
                }
            }
            begin += COMBINE_BATCH * SHARES;
        } while (begin < chunks);
        if (SHARES > 1) { /* then there is but one round of items */
            joined[threadIdx.x] = sum;
            __syncthreads();
            mine = mine && share == 0;
#pragma unroll
            for (int i = 1; i < SHARES; i++) {
                add_scaled(sum, 1, joined[i * WIDTH + threadIdx.x % WIDTH]);
            }
        }
        if (mine) {
            store_divided(from.y + place, sum, s.weights[h]);
        }
    }
}

/* True in all threads of the block that is the last of `blocks` to come here; what the others stored is then visible. */
__device__ __forceinline__ bool is_last(int *counter, int blocks, int *answer) {
    __syncthreads();
    if (threadIdx.x == 0) {
        int before;
        asm volatile("atom.acq_rel.gpu.global.add.s32 %0, [%1], 1;" : "=r"(before) : "l"(counter) : "memory");
        *answer = before == blocks - 1;
        if (*answer) {
            *counter = 0;
        }
    }
    __syncthreads();
    return *answer;
}

/* An ordinary load, before those that follow: all warps of a block ask for the same word, one of them fetches it. */
__device__ __forceinline__ int load_first(const int *address) {
    int v;
    asm volatile("ld.global.s32 %0, [%1];" : "=r"(v) : "l"(address));
    return v;
}

template <int LANES, int QUERIES, typename T>
__device__ __forceinline__ void attend(const AttendArguments<T> &in, const int *position) {
    using S = Shared<LANES, QUERIES>;
    constexpr int KEYS = Eight<T>::KEYS;
    constexpr int STREAMS = S::STREAMS;
    constexpr int STEP = KEYS * STREAMS;
    constexpr int TILE = STEP > LEAST_TILE ? STEP : LEAST_TILE;
    __shared__ S shared;
    int64_t place = load_first(position) + (int64_t)blockIdx.z;
    int chunk = blockIdx.y;
    int kv_head = QUERIES == 8 ? blockIdx.x % in.kv_heads : blockIdx.x; /* others have one batch */
    int stream = threadIdx.x / LANES;
    int lane = threadIdx.x % LANES;
    bool inside = lane * 8 < in.head_size;
    int column = inside ? lane * 8 : 0; /* what is computed for the others is not used */
    int64_t head = kv_head * in.capacity * in.head_size + column;

    Eight<T> key[KEYS];
    Eight<T> value[KEYS];
    auto load = [&](Eight<T>(&to)[KEYS], const T *rows, int at, int last) {
#pragma unroll
        for (int i = 0; i < KEYS; i++) {
            to[i].load(rows + (int64_t)min(at + i * STREAMS, last) * in.head_size);
        }
    };
    int at = chunk * TILE + stream; /* this stream's first key */
    int last = (int)in.capacity - 1;
    if (in.window > 0) {
        Context context = context_of<TILE>(place, in.capacity, in.window, in.max_chunks);
        at += context.first;
        last = context.end - 1;
    }
    load(key, in.keys + head, at, last);
    load(value, in.values + head, at, last);
    int group = in.heads / in.kv_heads;
    int first_query = QUERIES == 8 ? blockIdx.x / in.kv_heads * QUERIES : 0;
    Places places;
    places.queries = min(QUERIES, group - first_query);
    places.head_size = in.head_size;
    int64_t first_head = ((int64_t)blockIdx.z * in.heads + kv_head * group + first_query) * in.head_size;
    Stream<LANES, QUERIES, KEYS> s;
    s.clear(lane);
    s.load(in.q + first_head + column, in.head_size, inside ? places.queries : 0);

    Context context = context_of<TILE>(place, in.capacity, in.window, in.max_chunks);
    if (chunk >= context.chunks) {
        return;
    }
    last = context.end - 1;
#pragma unroll
    for (int i = 0; i < KEYS; i++) { /* nothing may come of what lies behind the token */
        if (at + i * STREAMS > last) {
            value[i].clear();
        }
    }
    float scale = rsqrtf((float)in.head_size) * LOG2_E;
    int steps = (context.tiles - chunk + in.max_chunks - 1) / in.max_chunks * (TILE / STEP);
#pragma unroll 1
    for (int step = 1; step <= steps; step++) {
        int next = at + STEP + (step % (TILE / STEP) == 0 ? (in.max_chunks - 1) * TILE : 0);
        float scores[s.SCORES];
        s.score(key, scores);
        if (step < steps) {
            load(key, in.keys + head, next, last);
        }
        s.weigh(scores, scale, at + s.own_key() * STREAMS <= last);
        s.add(value, scores);
        if (step < steps) {
            load(value, in.values + head, next, last);
        }
        at = next;
    }
    s.store_stats(shared.stats[stream]);
#pragma unroll
    for (int h = 0; h < QUERIES; h++) {
        shared.joined[stream][h][lane] = make_float4(s.sums[h][0], s.sums[h][1], s.sums[h][2], s.sums[h][3]);
        shared.joined[stream][h][LANES + lane] = make_float4(s.sums[h][4], s.sums[h][5], s.sums[h][6], s.sums[h][7]);
    }
    int64_t row = (int64_t)blockIdx.z * gridDim.x + blockIdx.x;
    places.stride = QUERIES * in.head_size;
    places.sums = in.sums + row * in.max_chunks * places.stride;
    places.stats = in.stats + row * in.max_chunks * QUERIES;
    places.y = in.y + first_head;
    __syncthreads();
    join_streams(shared, places, chunk, context.chunks);
    if (context.chunks > 1 && is_last(in.counters + row, context.chunks, &shared.last)) {
        join_chunks(shared, places, context.chunks);
    }
}

#define ENTRY(NAME, T, LANES, QUERIES)                                                                                       \
    extern "C" __global__ void __launch_bounds__(threads_for(QUERIES), 2)                                                    \
        NAME##l##LANES##_g##QUERIES(const float *q, const T *keys, const T *values, int64_t capacity, int heads,             \
                                    int kv_heads, int head_size, const int *position, int window, int max_chunks,            \
                                    float *sums, float *largest_and_weight, int *counters, float *y) {                       \
        AttendArguments<T> in = {q,      keys,       values, capacity,                     heads,    kv_heads, head_size,    \
                                 window, max_chunks, sums,   (float2 *)largest_and_weight, counters, y};                     \
        attend<LANES, QUERIES>(in, position);                                                                                \
    }

#define ENTRIES(NAME, T, LANES)                                                                                              \
    ENTRY(NAME, T, LANES, 1)                                                                                                 \
    ENTRY(NAME, T, LANES, 4)                                                                                                 \
    ENTRY(NAME, T, LANES, 8)

#define ALL_ENTRIES(NAME, T)                                                                                                 \
    ENTRIES(NAME, T, 4)                                                                                                      \
    ENTRIES(NAME, T, 8)                                                                                                      \
    ENTRIES(NAME, T, 16)                                                                                                     \
    ENTRIES(NAME, T, 32)

ALL_ENTRIES(gatun_attend_, CacheWord)
ALL_ENTRIES(gatun_attend_f32_, float)
