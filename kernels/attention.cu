/*
 * attention.cu   grouped-query attention of 1 to 8 tokens over the cache, cut along the context
 *
 *   y[t][h] = sum over p of softmax(q[t][h] . keys[h / group][p] / sqrt(head_size)) values[h / group][p],
 *   p from max(0, position + t - window + 1) (0 where window is 0) to position + t
 *
 * layout   q[t][heads * head_size], y likewise fp32; keys[kv_heads][capacity][head_size], values likewise fp16;
 *          workspace sums[t][heads][SPLITS][head_size], largest_and_weight[t][heads][SPLITS][2] fp32
 * bytes    4 * kv_heads * keys seen * head_size, and 2/chunk of that through the workspace
 * bound    device memory reads from about 4k keys on, latency below
 * launch   gatun_attend_l<lanes>_g<queries>: grid (splits, kv_heads * ceil(group / queries), tokens), block 128;
 *            lanes = the power of two in 4..32 that is at least head_size / 8; queries 1, 4 or 8, those that share a read
 *            splits: SPLITS, or fewer when no token of the launch has more chunks
 *          gatun_attend_combine: grid (heads, tokens), block 512. No dynamic shared memory
 * checked in Java   head_size % 8 == 0, 8 <= head_size <= 256, heads % kv_heads == 0, position + tokens <= capacity,
 *          16-byte alignment of q, keys, values
 *
 * A token's context is cut into chunks of c keys, c the least multiple of 64 that gives at most SPLITS chunks: by the number
 * of keys alone. Within a block `lanes` lanes hold a key and take every n-th one with a running softmax of their own; those
 * are joined in a fixed order, and so are the chunks.
 */
#include "common.cuh"

constexpr int ATTEND_THREADS = 128;
constexpr int SPLITS = 128;
constexpr int CHUNK_STEP = 64;
constexpr int KEYS = 4; /* keys in flight in a stream */

struct Context {
    int first;
    int keys;
    int chunk;
    int chunks;
};

__device__ __forceinline__ Context context_of(int place, int window) {
    Context c;
    c.first = window > 0 && place >= window ? place - window + 1 : 0;
    c.keys = place + 1 - c.first;
    int least = (c.keys + SPLITS - 1) / SPLITS;
    c.chunk = max(CHUNK_STEP, (least + CHUNK_STEP - 1) / CHUNK_STEP * CHUNK_STEP);
    c.chunks = (c.keys + c.chunk - 1) / c.chunk;
    return c;
}

struct AttendArguments {
    const float *q;
    const __half *keys;
    const __half *values;
    int64_t capacity;
    int heads;
    int kv_heads;
    int head_size;
    int place;
    int window;
    float *sums;
    float *largest_and_weight;
};

__device__ __forceinline__ void widen(const uint4 &bits, float (&v)[8]) {
    const uint32_t words[4] = {bits.x, bits.y, bits.z, bits.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        float2 two = unpack_f16(words[i]);
        v[2 * i] = two.x, v[2 * i + 1] = two.y;
    }
}

/* A running softmax of QUERIES queries over the keys of one stream; eight columns a lane. Scores are in powers of two. */
template <int LANES, int QUERIES>
struct Stream {
    float q[QUERIES][8];
    float sums[QUERIES][8];
    float largest[QUERIES];
    float weight[QUERIES];

    __device__ __forceinline__ void score(const uint4 (&keys)[KEYS], const bool (&there)[KEYS],
                                          float (&scores)[KEYS][QUERIES]) const {
#pragma unroll
        for (int i = 0; i < KEYS; i++) {
            float key[8];
            widen(keys[i], key);
#pragma unroll
            for (int h = 0; h < QUERIES; h++) {
                float score = 0;
#pragma unroll
                for (int c = 0; c < 8; c++) {
                    score += q[h][c] * key[c];
                }
#pragma unroll
                for (int step = LANES / 2; step > 0; step /= 2) {
                    score += __shfl_xor_sync(ALL_LANES, score, step);
                }
                scores[i][h] = there[i] ? score : -INFINITY;
            }
        }
    }

    /* Scores become weights; what was summed before shrinks to the new largest score. */
    __device__ __forceinline__ void weigh(float (&scores)[KEYS][QUERIES]) {
#pragma unroll
        for (int h = 0; h < QUERIES; h++) {
            float top = largest[h];
#pragma unroll
            for (int i = 0; i < KEYS; i++) {
                top = fmaxf(top, scores[i][h]);
            }
            float base = top == -INFINITY ? 0 : top;
            float shrink = exp2f(largest[h] - base);
            largest[h] = top;
            weight[h] *= shrink;
#pragma unroll
            for (int c = 0; c < 8; c++) {
                sums[h][c] *= shrink;
            }
#pragma unroll
            for (int i = 0; i < KEYS; i++) {
                scores[i][h] = exp2f(scores[i][h] - base);
                weight[h] += scores[i][h];
            }
        }
    }

    __device__ __forceinline__ void add(const uint4 (&values)[KEYS], const float (&scores)[KEYS][QUERIES]) {
#pragma unroll
        for (int i = 0; i < KEYS; i++) {
            float value[8];
            widen(values[i], value);
#pragma unroll
            for (int h = 0; h < QUERIES; h++) {
#pragma unroll
                for (int c = 0; c < 8; c++) {
                    sums[h][c] += scores[i][h] * value[c];
                }
            }
        }
    }
};

template <int LANES, int QUERIES>
__device__ __forceinline__ void attend(const AttendArguments &in, int token) {
    constexpr int STREAMS = ATTEND_THREADS / LANES;
    __shared__ float joined[STREAMS][QUERIES][LANES * 8];
    __shared__ float stats[STREAMS][QUERIES][2];
    Context context = context_of(in.place, in.window);
    int chunk = blockIdx.x;
    if (chunk >= context.chunks) {
        return;
    }
    int group = in.heads / in.kv_heads;
    int batches = (group + QUERIES - 1) / QUERIES;
    int kv_head = blockIdx.y / batches;
    int first_query = blockIdx.y % batches * QUERIES;
    int queries = min(QUERIES, group - first_query);
    int stream = threadIdx.x / LANES;
    int column = threadIdx.x % LANES * 8;
    bool inside = column < in.head_size;
    int64_t first_head = (int64_t)token * in.heads + kv_head * group + first_query;

    int begin = context.first + chunk * context.chunk;
    int end = min(begin + context.chunk, in.place + 1);
    const __half *keys = in.keys + (int64_t)kv_head * in.capacity * in.head_size + column;
    const __half *values = in.values + (int64_t)kv_head * in.capacity * in.head_size + column;

    uint4 key[KEYS];
    uint4 value[KEYS];
    auto load = [&](uint4(&to)[KEYS], const __half *rows, int at) {
#pragma unroll
        for (int i = 0; i < KEYS; i++) {
            int p = at + i * STREAMS + stream;
            to[i] = p < end && inside ? load_once((const uint4 *)(rows + (int64_t)p * in.head_size)) : make_uint4(0, 0, 0, 0);
        }
    };
    load(key, keys, begin);
    load(value, values, begin);
    Stream<LANES, QUERIES> s;
    float scale = rsqrtf((float)in.head_size) * 1.44269504088896341f; /* log2(e): exponentials are powers of two */
#pragma unroll
    for (int h = 0; h < QUERIES; h++) {
        s.largest[h] = -INFINITY;
        s.weight[h] = 0;
#pragma unroll
        for (int c = 0; c < 8; c++) {
            s.sums[h][c] = 0;
            s.q[h][c] = inside && h < queries ? in.q[(first_head + h) * in.head_size + column + c] * scale : 0;
        }
    }
    for (int at = begin; at < end; at += KEYS * STREAMS) {
        bool there[KEYS];
#pragma unroll
        for (int i = 0; i < KEYS; i++) {
            there[i] = at + i * STREAMS + stream < end;
        }
        float scores[KEYS][QUERIES];
        s.score(key, there, scores);
        load(key, keys, at + KEYS * STREAMS);
        s.weigh(scores);
        s.add(value, scores);
        load(value, values, at + KEYS * STREAMS);
    }
#pragma unroll
    for (int h = 0; h < QUERIES; h++) {
#pragma unroll
        for (int c = 0; c < 8; c++) {
            joined[stream][h][column + c] = s.sums[h][c];
        }
        if (column == 0) {
            stats[stream][h][0] = s.largest[h];
            stats[stream][h][1] = s.weight[h];
        }
    }
    __syncthreads();
    if (threadIdx.x < queries) {
        int h = threadIdx.x;
        float top = -INFINITY;
#pragma unroll
        for (int i = 0; i < STREAMS; i++) {
            top = fmaxf(top, stats[i][h][0]);
        }
        float base = top == -INFINITY ? 0 : top;
        float weight = 0;
#pragma unroll
        for (int i = 0; i < STREAMS; i++) {
            float factor = exp2f(stats[i][h][0] - base);
            stats[i][h][0] = factor;
            weight += factor * stats[i][h][1];
        }
        ((float2 *)in.largest_and_weight)[(first_head + h) * SPLITS + chunk] = make_float2(top, weight);
    }
    __syncthreads();
    for (int at = threadIdx.x; at < queries * in.head_size; at += ATTEND_THREADS) {
        int h = at / in.head_size;
        int c = at - h * in.head_size;
        float sum = 0;
#pragma unroll
        for (int i = 0; i < STREAMS; i++) {
            sum += stats[i][h][0] * joined[i][h][c];
        }
        in.sums[((first_head + h) * SPLITS + chunk) * in.head_size + c] = sum;
    }
}

#define ENTRY(LANES, QUERIES)                                                                                                \
    extern "C" __global__ void __launch_bounds__(ATTEND_THREADS, QUERIES == 8 ? 2 : 4) gatun_attend_l##LANES##_g##QUERIES(                         \
        const float *q, const __half *keys, const __half *values, int64_t capacity, int heads, int kv_heads, int head_size,  \
        const int *position, int window, float *sums, float *largest_and_weight) {                                           \
        int token = blockIdx.z;                                                                                              \
        AttendArguments in = {q,         keys,                 values, capacity, heads,             kv_heads,                \
                              head_size, *position + token, window, sums,     largest_and_weight};                           \
        attend<LANES, QUERIES>(in, token);                                                                                   \
    }

#define ENTRIES(LANES)                                                                                                       \
    ENTRY(LANES, 1)                                                                                                          \
    ENTRY(LANES, 4)                                                                                                          \
    ENTRY(LANES, 8)

ENTRIES(4)
ENTRIES(8)
ENTRIES(16)
ENTRIES(32)

constexpr int COMBINE_THREADS = 512;

extern "C" __global__ void __launch_bounds__(COMBINE_THREADS) gatun_attend_combine(const float *sums,
                                                                                   const float *largest_and_weight,
                                                                                   int heads, int head_size,
                                                                                   const int *position, int window,
                                                                                   float *y) {
    __shared__ float factors[SPLITS];
    __shared__ float scratch[COMBINE_THREADS / WARP];
    __shared__ float joined[COMBINE_THREADS];
    Context context = context_of(*position + blockIdx.y, window);
    int64_t head = (int64_t)blockIdx.y * heads + blockIdx.x;
    int chunk = threadIdx.x;
    bool there = chunk < context.chunks;
    float2 stats = there ? ((const float2 *)largest_and_weight)[head * SPLITS + chunk] : make_float2(-INFINITY, 0);
    float top = block_max(stats.x, scratch);
    float factor = there ? exp2f(stats.x - (top == -INFINITY ? 0 : top)) : 0;
    if (chunk < SPLITS) {
        factors[chunk] = factor;
    }
    float total = block_sum(factor * stats.y, scratch); /* its barriers also publish the factors */
    int width = 32; /* columns side by side; the rest of the block takes other chunks */
    while (width < head_size) {
        width *= 2;
    }
    int column = threadIdx.x % width;
    int share = threadIdx.x / width;
    int shares = COMBINE_THREADS / width;
    float sum = 0;
    if (column < head_size) {
        const float *from = sums + head * SPLITS * head_size + column;
        for (int first = share; first < context.chunks; first += 8 * shares) {
            float v[8]; /* in flight together */
#pragma unroll
            for (int i = 0; i < 8; i++) {
                int at = first + i * shares;
                v[i] = at < context.chunks ? from[(int64_t)at * head_size] : 0;
            }
#pragma unroll
            for (int i = 0; i < 8; i++) {
                int at = first + i * shares;
                sum += at < context.chunks ? factors[at] * v[i] : 0;
            }
        }
    }
    joined[threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.x < head_size) {
        sum = 0;
        for (int i = 0; i < shares; i++) {
            sum += joined[i * width + threadIdx.x];
        }
        y[head * head_size + threadIdx.x] = sum / total;
    }
}
