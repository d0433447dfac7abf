/*
 * route.cu   n = RMSNorm(x[t]) * norm;  logits = gate n;  the top_k largest of softmax(logits), renormalised to sum to 1
 *
 * layout   x[t][hidden], norm[hidden], normed[t][hidden] (n, for the experts; null: not wanted) fp32;
 *          gate[experts][hidden] fp32, fp16 or bf16; ids[t][top_k], weights[t][top_k], best first, ties to the lower id
 *          forced[t][top_k]: the ids to choose instead (null: the best), weighted by their own logits: for benchmarks
 *          published[place + t]: a word in mapped host memory for each token (null: nobody waits); sequence: one int, of
 *          which the lowest 8 bits count. The word is sequence | ids[0] << 8 | ids[1] << 15 | ..., in one store, so whoever
 *          sees the sequence has the ids
 *          handed[t][hidden], handed_weights[t][top_k]: copies of normed and weights in mapped host memory, which whoever sees
 *          the word can read (null: not wanted; else published is not null)
 * bytes    experts * hidden * (2 or 4) + 12 * hidden a token        bound: latency of one block
 * launch   grid tokens, block 1024; no dynamic shared memory
 * checked in Java   hidden % 4 == 0, experts <= 128, top_k <= min(8, experts), 16-byte alignment of x, norm, gate, normed;
 *          forced ids are distinct and in range
 * checked by   RouteTest
 *
 * A NaN among the logits, or no finite largest, sets ERROR_NAN; ids are then distinct and in range, and weights finite.
 */
#include "common.cuh"

constexpr int ROUTE_THREADS = 1024;
constexpr int ROUTE_WARPS = ROUTE_THREADS / WARP;
constexpr int MAX_EXPERTS = 128;
constexpr int BATCH = 8; /* experts that share a pass over x */
constexpr int MAX_TOP_K = 8;
constexpr int ID_BITS = 7;

__device__ __forceinline__ float4 four_at(const void *values, int type, int64_t at) {
    if (type == TYPE_F32) {
        return *(const float4 *)((const float *)values + at);
    }
    uint2 bits = *(const uint2 *)((const uint16_t *)values + at);
    float2 low = type == TYPE_F16 ? unpack_f16(bits.x) : unpack_bf16(bits.x);
    float2 high = type == TYPE_F16 ? unpack_f16(bits.y) : unpack_bf16(bits.y);
    return make_float4(low.x, low.y, high.x, high.y);
}

struct RouteShared {
    float partial[MAX_EXPERTS][ROUTE_WARPS + 1];
    float logits[MAX_EXPERTS];
    float scratch[ROUTE_WARPS];
};

/* Sums of x * norm * gate of a batch of experts, by warp; and of x^2, in every thread, with the first batch. */
template <int TYPE>
__device__ __forceinline__ float add_batch(const float *x, const float *norm, const void *gate, int hidden, int experts,
                                           int first, RouteShared &shared) {
    float sums[BATCH] = {};
    float squares = 0;
    for (int k = 4 * threadIdx.x; k < hidden; k += 4 * ROUTE_THREADS) {
        float4 g[BATCH];
#pragma unroll
        for (int e = 0; e < BATCH; e++) {
            g[e] = four_at(gate, TYPE, (int64_t)min(first + e, experts - 1) * hidden + k);
        }
        float4 v = *(const float4 *)(x + k);
        float4 w = *(const float4 *)(norm + k);
        squares += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
        v.x *= w.x, v.y *= w.y, v.z *= w.z, v.w *= w.w;
#pragma unroll
        for (int e = 0; e < BATCH; e++) {
            sums[e] += v.x * g[e].x + v.y * g[e].y + v.z * g[e].z + v.w * g[e].w;
        }
    }
#pragma unroll
    for (int e = 0; e < BATCH; e++) {
        float sum = warp_sum(sums[e]);
        if (threadIdx.x % WARP == 0 && first + e < experts) {
            shared.partial[first + e][threadIdx.x / WARP] = sum;
        }
    }
    return squares;
}

template <int TYPE>
__device__ __forceinline__ float add_all(const float *x, const float *norm, const void *gate, int hidden, int experts,
                                         RouteShared &shared) {
    float squares = add_batch<TYPE>(x, norm, gate, hidden, experts, 0, shared);
    for (int first = BATCH; first < experts; first += BATCH) {
        add_batch<TYPE>(x, norm, gate, hidden, experts, first, shared);
    }
    return squares;
}

/* What a token's choice is told to. */
struct Choice {
    int *ids;
    float *weights;
    float *handed_weights;
    const int *forced;
    unsigned long long *published;
    const int *sequence;
};

/* One warp: all ids and the sequence in one store. What the block handed over before comes first. */
__device__ __forceinline__ void publish(const Choice &to, int id, int top_k) {
    int lane = threadIdx.x;
    unsigned long long word = lane < top_k ? (unsigned long long)id << (8 + ID_BITS * lane) : 0;
#pragma unroll
    for (int step = MAX_TOP_K / 2; step > 0; step /= 2) {
        word |= __shfl_xor_sync(ALL_LANES, word, step);
    }
    if (to.handed_weights != nullptr) {
        __syncwarp();
        __threadfence_system();
    }
    if (lane == 0) {
        *(volatile unsigned long long *)to.published = word | (unsigned)(*to.sequence & 255);
    }
}

/* One warp. Each lane keeps the experts lane, lane + 32, ...; a NaN counts as the least. */
__device__ __forceinline__ void choose(const float *logits, int experts, int top_k, const Choice &to, int *error) {
    int lane = threadIdx.x;
    constexpr int EACH = MAX_EXPERTS / WARP;
    float mine[EACH];
    bool free_[EACH];
    bool nan = false;
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        int e = lane + i * WARP;
        free_[i] = e < experts;
        mine[i] = free_[i] ? logits[e] : -INFINITY;
        if (isnan(mine[i])) {
            nan = true;
            mine[i] = -INFINITY;
        }
    }
    float chosen = -INFINITY;
    int chosen_id = 0;
    for (int j = 0; j < top_k; j++) {
        float best = -INFINITY;
        int id = MAX_EXPERTS;
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            int e = lane + i * WARP;
            if (free_[i] && (mine[i] > best || (mine[i] == best && e < id))) {
                best = mine[i];
                id = e;
            }
        }
#pragma unroll
        for (int step = WARP / 2; step > 0; step /= 2) {
            float other = __shfl_xor_sync(ALL_LANES, best, step);
            int other_id = __shfl_xor_sync(ALL_LANES, id, step);
            if (other > best || (other == best && other_id < id)) {
                best = other;
                id = other_id;
            }
        }
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            free_[i] = free_[i] && id != lane + i * WARP;
        }
        if (lane == j) {
            chosen = best;
            chosen_id = id;
        }
    }
    if (to.forced != nullptr && lane < top_k) {
        chosen_id = to.forced[lane];
        chosen = logits[chosen_id];
    }
    float largest = warp_max(chosen);
    bool usable = !__any_sync(ALL_LANES, nan) && fabsf(largest) < INFINITY;
    float weight = lane < top_k ? (usable ? expf(chosen - largest) : 1) : 0;
    float total = warp_sum(weight);
    if (lane < top_k) {
        to.ids[lane] = chosen_id;
        to.weights[lane] = weight / total;
        if (to.handed_weights != nullptr) {
            to.handed_weights[lane] = weight / total;
        }
    }
    if (to.published != nullptr) {
        publish(to, chosen_id, top_k);
    }
    if (!usable && lane == 0) {
        atomicOr(error, ERROR_NAN);
    }
}

extern "C" __global__ void __launch_bounds__(ROUTE_THREADS) gatun_route(const float *x, const float *norm, float epsilon,
                                                                        const void *gate, int type, int hidden,
                                                                        int experts, int top_k, float *normed, int *ids,
                                                                        float *weights, int *error, const int *forced,
                                                                        unsigned long long *published, int place,
                                                                        const int *sequence, float *handed,
                                                                        float *handed_weights) {
    __shared__ RouteShared shared;
    int64_t token = blockIdx.x;
    x += token * hidden;
    float squares;
    if (type == TYPE_F16) {
        squares = add_all<TYPE_F16>(x, norm, gate, hidden, experts, shared);
    } else if (type == TYPE_BF16) {
        squares = add_all<TYPE_BF16>(x, norm, gate, hidden, experts, shared);
    } else {
        squares = add_all<TYPE_F32>(x, norm, gate, hidden, experts, shared);
    }
    float factor = rsqrtf(block_sum(squares, shared.scratch) / hidden + epsilon);
    if (threadIdx.x < experts) {
        float logit = 0;
#pragma unroll
        for (int w = 0; w < ROUTE_WARPS; w++) {
            logit += shared.partial[threadIdx.x][w];
        }
        shared.logits[threadIdx.x] = logit * factor;
    }
    for (int k = 4 * threadIdx.x; normed != nullptr && k < hidden; k += 4 * ROUTE_THREADS) {
        float4 v = *(const float4 *)(x + k);
        float4 w = *(const float4 *)(norm + k);
        float4 n = make_float4(v.x * factor * w.x, v.y * factor * w.y, v.z * factor * w.z, v.w * factor * w.w);
        *(float4 *)(normed + token * hidden + k) = n;
        if (handed != nullptr) {
            *(float4 *)(handed + token * hidden + k) = n;
        }
    }
    __syncthreads();
    if (threadIdx.x < WARP) {
        choose(shared.logits, experts, top_k,
               {ids + token * top_k, weights + token * top_k,
                handed_weights == nullptr ? nullptr : handed_weights + token * top_k,
                forced == nullptr ? nullptr : forced + token * top_k,
                published == nullptr ? nullptr : published + place + token, sequence},
               error);
    }
}
