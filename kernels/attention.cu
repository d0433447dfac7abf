/*
 * attention.cu   grouped-query attention of a few tokens over the cache, cut along the context, in fp32, one launch
 *
 *   y[t][h] = sum over p of softmax(q[t][h] . keys[h / group][p] / sqrt(head_size)) values[h / group][p],
 *   p from max(0, position + t - window + 1) (0 where window is 0) to position + t
 *
 * layout   q[t][heads * head_size], y likewise fp32; keys[kv_heads][capacity][head_size], values likewise fp16 or fp32;
 *          workspace sums[t][heads][max_chunks][head_size], largest_and_weight[t][heads][max_chunks][2] fp32, and
 *          counters[t][kv_heads * batches] int, zero before the first launch and zero again after each
 * bytes    4 (fp32: 8) * kv_heads * keys seen * head_size, and 2/chunk of that through the workspace
 * bound    device memory reads from about 4k keys on, latency below
 * launch   gatun_attend_l<lanes>_g<queries>, for an fp32 cache gatun_attend_f32_l<lanes>_g<queries>:
 *          (q, keys, values, int64 capacity, int heads, int kv_heads, int head_size, const int *position, int window,
 *           int max_chunks, float *sums, float *largest_and_weight, int *counters, float *y)
 *          grid (chunks, kv_heads * batches, tokens), block 256 (128 where queries is 8), no dynamic shared memory
 *          lanes = the power of two in 4..32 that is at least head_size / 8; queries = 1 for a group of 1, 4 for 2..4,
 *          8 above: those that share a read; batches = ceil(group / queries)
 *          chunks: max_chunks, or fewer when no token of the launch has more (chunks beyond a token's own return at once)
 *          max_chunks 1: nothing is cut, workspace and counters are not touched; so any number of tokens can be launched
 *          (up to 65535), which is the prefill of an fp32 cache
 * checked in Java   head_size % 8 == 0, 8 <= head_size <= 256, heads % kv_heads == 0, position + tokens <= capacity,
 *          1 <= max_chunks <= 128 and the same for all launches whose results are to be the same,
 *          16-byte alignment of q, keys, values, sums; launches that share a workspace follow one another
 *
 * A token's context is cut into chunks of c keys, c the least multiple of 64 that gives at most max_chunks chunks: by the
 * number of keys alone. Within a block `lanes` lanes hold a key and take every n-th one with a running softmax of their own;
 * those are joined in a fixed order. The block that is the last of its token and key head to store its chunk joins the
 * chunks, in their order. A place outside the cache is taken for the nearest one inside.
 */
#include "common.cuh"

#ifndef GATUN_CHUNK_STEP
#define GATUN_CHUNK_STEP 64
#endif

constexpr int MOST_CHUNKS = 128;
constexpr int CHUNK_STEP = GATUN_CHUNK_STEP;
constexpr int COMBINE_BATCH = 8; /* chunks in flight in a thread that joins them */

__host__ __device__ constexpr int threads_for(int queries) {
    return queries == 8 ? 128 : 256;
}

struct Context {
    int last;
    int first;
    int chunk;
    int chunks;
};

__device__ __forceinline__ Context context_of(int64_t place, int64_t capacity, int window, int max_chunks) {
    Context c;
    c.last = (int)(place < 0 ? 0 : place >= capacity ? capacity - 1 : place);
    c.first = window > 0 && c.last >= window ? c.last - window + 1 : 0;
    int keys = c.last + 1 - c.first;
    int least = (keys + max_chunks - 1) / max_chunks;
    c.chunk = (least + CHUNK_STEP - 1) / CHUNK_STEP * CHUNK_STEP;
    c.chunks = (keys + c.chunk - 1) / c.chunk;
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
struct Eight<__half> {
    static constexpr int KEYS = 4;
    uint4 bits;

    __device__ __forceinline__ void load(const __half *from) {
        bits = load_once((const uint4 *)from);
    }

    __device__ __forceinline__ void clear() {
        bits = make_uint4(0, 0, 0, 0);
    }

    __device__ __forceinline__ void widen(float (&v)[8]) const {
        const uint32_t words[4] = {bits.x, bits.y, bits.z, bits.w};
#pragma unroll
        for (int i = 0; i < 4; i++) {
            float2 two = unpack_f16(words[i]);
            v[2 * i] = two.x, v[2 * i + 1] = two.y;
        }
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
        const uint32_t words[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
        for (int i = 0; i < 8; i++) {
            v[i] = __uint_as_float(words[i]);
        }
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
    __device__ __forceinline__ void weigh(float (&scores)[SCORES], bool there) {
        float shrink[HELD];
#pragma unroll
        for (int j = 0; j < HELD; j++) {
            scores[j] = there ? scores[j] : -INFINITY;
            float top = fmaxf(largest[j], scores[j]);
#pragma unroll
            for (int step = NEXT_KEY; step < NEXT_KEY * KEYS; step *= 2) {
                top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, step));
            }
            float base = top == -INFINITY ? 0 : top;
            shrink[j] = exp2f(largest[j] - base);
            largest[j] = top;
            scores[j] = exp2f(scores[j] - base);
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

/*
 * Parts of a softmax are joined by a warp, part `lane + 32 i` in a lane's parts[i]: largest scores become factors. Returns
 * the largest score and the weight of the whole. A part that is not there is (-infinity, 0).
 */
template <int PARTS>
__device__ __forceinline__ float2 join(const float2 (&parts)[PARTS], float (&factors)[PARTS]) {
    float top = -INFINITY;
#pragma unroll
    for (int i = 0; i < PARTS; i++) {
        top = fmaxf(top, parts[i].x);
    }
    top = warp_max(top);
    float base = top == -INFINITY ? 0 : top;
    float weight = 0;
#pragma unroll
    for (int i = 0; i < PARTS; i++) {
        factors[i] = exp2f(parts[i].x - base);
        weight += factors[i] * parts[i].y;
    }
    return make_float2(top, warp_sum(weight));
}

__device__ __forceinline__ void add_scaled(float4 &sum, float factor, const float4 &v) {
    sum.x += factor * v.x, sum.y += factor * v.y, sum.z += factor * v.z, sum.w += factor * v.w;
}

__device__ __forceinline__ float4 divided(const float4 &v, float by) {
    return make_float4(v.x / by, v.y / by, v.z / by, v.w / by);
}

template <int LANES, int QUERIES>
struct Shared {
    static constexpr int THREADS = threads_for(QUERIES);
    static constexpr int STREAMS = THREADS / LANES;
    static constexpr int QUADS = LANES * 2; /* groups of four columns: first the even ones, then the odd ones */
    float4 joined[STREAMS][QUERIES][QUADS]; /* of the streams; then [THREADS], of the shares of the chunks */
    float2 stats[STREAMS][QUERIES];
    float factors[QUERIES][MOST_CHUNKS];
    float2 whole[QUERIES];
    int last;

    __device__ static __forceinline__ int column_of(int quad) {
        return quad % LANES * 8 + quad / LANES * 4;
    }
};

/* The streams of a block become one chunk; a token's only chunk is divided and stored as the result. */
template <int LANES, int QUERIES, typename T>
__device__ __forceinline__ void join_streams(Shared<LANES, QUERIES> &s, const AttendArguments<T> &in, int64_t first_head,
                                             int queries, int chunk, int chunks) {
    using S = Shared<LANES, QUERIES>;
    constexpr int PARTS = (S::STREAMS + WARP - 1) / WARP;
    int lane = threadIdx.x % WARP;
    for (int h = threadIdx.x / WARP; h < queries; h += S::THREADS / WARP) {
        float2 parts[PARTS];
        float factors[PARTS];
#pragma unroll
        for (int i = 0; i < PARTS; i++) {
            int stream = lane + i * WARP;
            parts[i] = stream < S::STREAMS ? s.stats[stream][h] : make_float2(-INFINITY, 0);
        }
        float2 whole = join(parts, factors);
#pragma unroll
        for (int i = 0; i < PARTS; i++) {
            int stream = lane + i * WARP;
            if (stream < S::STREAMS) {
                s.stats[stream][h].x = factors[i];
            }
        }
        if (lane == 0) {
            s.whole[h] = whole;
            if (chunks > 1) {
                in.stats[(first_head + h) * in.max_chunks + chunk] = whole;
            }
        }
    }
    __syncthreads();
    for (int at = threadIdx.x; at < queries * S::QUADS; at += S::THREADS) {
        int h = at / S::QUADS;
        int quad = at % S::QUADS;
        int column = S::column_of(quad);
        if (column >= in.head_size) {
            continue;
        }
        float4 sum = make_float4(0, 0, 0, 0);
#pragma unroll
        for (int i = 0; i < S::STREAMS; i++) {
            add_scaled(sum, s.stats[i][h].x, s.joined[i][h][quad]);
        }
        if (chunks == 1) {
            *(float4 *)(in.y + (first_head + h) * in.head_size + column) = divided(sum, s.whole[h].y);
        } else {
            *(float4 *)(in.sums + ((first_head + h) * in.max_chunks + chunk) * in.head_size + column) = sum;
        }
    }
}

/* The chunks' factors, a query for each warp. */
template <int LANES, int QUERIES, typename T>
__device__ __forceinline__ void weigh_chunks(Shared<LANES, QUERIES> &s, const AttendArguments<T> &in, int64_t first_head,
                                             int queries, int chunks) {
    constexpr int PARTS = MOST_CHUNKS / WARP;
    int lane = threadIdx.x % WARP;
    for (int h = threadIdx.x / WARP; h < queries; h += threads_for(QUERIES) / WARP) {
        const float2 *stats = in.stats + (first_head + h) * in.max_chunks;
        float2 parts[PARTS];
        float factors[PARTS];
#pragma unroll
        for (int i = 0; i < PARTS; i++) {
            int chunk = lane + i * WARP;
            parts[i] = chunk < chunks ? __ldcg(stats + chunk) : make_float2(-INFINITY, 0);
        }
        float2 whole = join(parts, factors);
#pragma unroll
        for (int i = 0; i < PARTS; i++) {
            s.factors[h][lane + i * WARP] = factors[i];
        }
        if (lane == 0) {
            s.whole[h] = whole;
        }
    }
}

/* Items are (query, four columns); where there are fewer than threads, several threads share the chunks of one. */
template <int LANES, int QUERIES, typename T>
__device__ __forceinline__ void join_chunks(Shared<LANES, QUERIES> &s, const AttendArguments<T> &in, int64_t first_head,
                                            int queries, int chunks) {
    constexpr int THREADS = threads_for(QUERIES);
    constexpr int QUADS = LANES * 2;
    constexpr int WIDTH = QUADS * QUERIES < THREADS ? QUADS * QUERIES : THREADS;
    constexpr int SHARES = THREADS / WIDTH;
    float4 *joined = &s.joined[0][0][0];
    int share = threadIdx.x / WIDTH;
    bool weighed = false;
    for (int first = 0; first < QUADS * QUERIES; first += WIDTH) {
        int item = first + threadIdx.x % WIDTH;
        int h = item / QUADS;
        int column = item % QUADS * 4;
        bool mine = h < queries && column < in.head_size;
        const float *from = in.sums + (first_head + h) * in.max_chunks * in.head_size + column;
        float4 sum = make_float4(0, 0, 0, 0);
        for (int begin = share; begin < chunks || !weighed; begin += COMBINE_BATCH * SHARES) {
            float4 v[COMBINE_BATCH];
#pragma unroll
            for (int i = 0; i < COMBINE_BATCH; i++) {
                int chunk = begin + i * SHARES;
                v[i] = mine && chunk < chunks ? __ldcg((const float4 *)(from + (int64_t)chunk * in.head_size))
                                              : make_float4(0, 0, 0, 0);
            }
            if (!weighed) { /* the first loads are under way meanwhile; every thread comes here once, in its first round */
                weigh_chunks(s, in, first_head, queries, chunks);
                __syncthreads();
                weighed = true;
            }
#pragma unroll
            for (int i = 0; i < COMBINE_BATCH; i++) {
                int chunk = begin + i * SHARES;
                if (mine && chunk < chunks) {
                    add_scaled(sum, s.factors[h][chunk], v[i]);
                }
            }
        }
        if (SHARES > 1) { /* then there is but one round of items */
            joined[threadIdx.x] = sum;
            __syncthreads();
            sum = make_float4(0, 0, 0, 0);
#pragma unroll
            for (int i = 0; i < SHARES; i++) {
                add_scaled(sum, 1, joined[i * WIDTH + threadIdx.x % WIDTH]);
            }
            mine = mine && share == 0;
        }
        if (mine) {
            *(float4 *)(in.y + (first_head + h) * in.head_size + column) = divided(sum, s.whole[h].y);
        }
    }
}

/* True in all threads of the block that is the last of `blocks` to come here; what the others stored is then visible. */
__device__ __forceinline__ bool is_last(int *counter, int blocks, int *answer) {
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        *answer = atomicAdd(counter, 1) == blocks - 1;
        if (*answer) {
            *counter = 0;
        }
        __threadfence();
    }
    __syncthreads();
    return *answer;
}

template <int LANES, int QUERIES, typename T>
__device__ __forceinline__ void attend(const AttendArguments<T> &in, const int *position) {
    using S = Shared<LANES, QUERIES>;
    constexpr int KEYS = Eight<T>::KEYS;
    constexpr int STREAMS = S::STREAMS;
    __shared__ S shared;
    int token = blockIdx.z;
    int chunk = blockIdx.x;
    Context context = context_of((int64_t)*position + token, in.capacity, in.window, in.max_chunks);
    if (chunk >= context.chunks) {
        return;
    }
    int group = in.heads / in.kv_heads;
    int batches = (group + QUERIES - 1) / QUERIES;
    int kv_head = blockIdx.y / batches;
    int first_query = blockIdx.y % batches * QUERIES;
    int queries = min(QUERIES, group - first_query);
    int stream = threadIdx.x / LANES;
    int lane = threadIdx.x % LANES;
    int column = lane * 8;
    bool inside = column < in.head_size;
    int64_t first_head = (int64_t)token * in.heads + kv_head * group + first_query;

    int begin = context.first + chunk * context.chunk;
    int end = min(begin + context.chunk, context.last + 1);
    const T *keys = in.keys + (int64_t)kv_head * in.capacity * in.head_size + column;
    const T *values = in.values + (int64_t)kv_head * in.capacity * in.head_size + column;

    Eight<T> key[KEYS];
    Eight<T> value[KEYS];
    auto load = [&](Eight<T>(&to)[KEYS], const T *rows, int at) {
#pragma unroll
        for (int i = 0; i < KEYS; i++) {
            int p = at + i * STREAMS + stream;
            if (p < end && inside) {
                to[i].load(rows + (int64_t)p * in.head_size);
            } else {
                to[i].clear();
            }
        }
    };
    load(key, keys, begin);
    load(value, values, begin);
    Stream<LANES, QUERIES, KEYS> s;
    s.lane = lane;
#pragma unroll
    for (int j = 0; j < s.HELD; j++) {
        s.largest[j] = -INFINITY;
        s.weight[j] = 0;
    }
    float scale = rsqrtf((float)in.head_size) * 1.44269504088896341f; /* log2(e): exponentials are powers of two */
#pragma unroll
    for (int h = 0; h < QUERIES; h++) {
        float4 none = make_float4(0, 0, 0, 0);
        const float4 *from = (const float4 *)(in.q + (first_head + h) * in.head_size + column);
        float4 low = inside && h < queries ? from[0] : none;
        float4 high = inside && h < queries ? from[1] : none;
        const float all[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
        for (int c = 0; c < 8; c++) {
            s.sums[h][c] = 0;
            s.q[h][c] = all[c] * scale;
        }
    }
    for (int at = begin; at < end; at += KEYS * STREAMS) {
        float scores[s.SCORES];
        s.score(key, scores);
        load(key, keys, at + KEYS * STREAMS);
        s.weigh(scores, at + s.own_key() * STREAMS + stream < end);
        s.add(value, scores);
        load(value, values, at + KEYS * STREAMS);
    }
    s.store_stats(shared.stats[stream]);
#pragma unroll
    for (int h = 0; h < QUERIES; h++) {
        shared.joined[stream][h][lane] = make_float4(s.sums[h][0], s.sums[h][1], s.sums[h][2], s.sums[h][3]);
        shared.joined[stream][h][LANES + lane] = make_float4(s.sums[h][4], s.sums[h][5], s.sums[h][6], s.sums[h][7]);
    }
    __syncthreads();
    join_streams(shared, in, first_head, queries, chunk, context.chunks);
    if (context.chunks == 1) {
        return;
    }
    int *counter = in.counters + (int64_t)token * in.kv_heads * batches + blockIdx.y;
    if (is_last(counter, context.chunks, &shared.last)) {
        join_chunks(shared, in, first_head, queries, context.chunks);
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

ALL_ENTRIES(gatun_attend_, __half)
ALL_ENTRIES(gatun_attend_f32_, float)
