/*
 * rope.cu   rotary embedding of q and k, and k and v into the cache
 *
 *   for i < head_size / 2 the pair (x[i], x[i + head_size / 2]) of each head turns by (position + t) * inverse_frequencies[i]
 *
 * layout   q[t][heads * head_size] (in place), k[t][kv_heads * head_size], v likewise fp32;
 *          keys[kv_heads][capacity][head_size], values likewise, blocks of cache_block.cuh (gatun_rope_append) or
 *          fp32 (gatun_rope_append_f32); *position the place of token 0
 * bytes    4 * (2 * heads + 2 * kv_heads) * head_size + 4 (fp32: 8) * kv_heads * head_size a token     bound: launch latency
 * launch   (q, k, v, keys, values, int64 capacity, int heads, int kv_heads, int head_size, const int *position,
 *           inverse_frequencies, int *error), the same for both;
 *          grid (heads + kv_heads, tokens), block head_size / 2 rounded up to 32; no dynamic shared memory
 * checked in Java   head_size even and <= 256; of blocks a multiple of 8, v, keys and values aligned to 16 bytes;
 *          position + tokens <= capacity (beyond it nothing is stored and ERROR_ID is set)
 * checked by   RopeTest
 */
#include "cache_block.cuh"

constexpr int MOST_HEAD_SIZE = 256;

/* A row that all threads of the block may read. */
__device__ __forceinline__ void store_row(const float *row, int head_size, CacheWord *to) {
    for (int block = threadIdx.x; block * BLOCK_COLUMNS < head_size; block += blockDim.x) {
        float4 low = ((const float4 *)row)[2 * block];
        float4 high = ((const float4 *)row)[2 * block + 1];
        const float x[BLOCK_COLUMNS] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
        ((uint4 *)to)[block] = pack_block(x);
    }
}

__device__ __forceinline__ void store_row(const float *row, int head_size, float *to) {
    for (int i = threadIdx.x; i < head_size; i += blockDim.x) {
        to[i] = row[i];
    }
}

/* Pair i of `from`, turned, into `to`, which may be the same. */
__device__ __forceinline__ void turn(const float *from, float *to, int i, int half_size, int64_t place,
                                     const float *inverse_frequencies) {
    float sine;
    float cosine;
    sincosf((float)place * inverse_frequencies[i], &sine, &cosine);
    float low = from[i];
    float high = from[i + half_size];
    to[i] = low * cosine - high * sine;
    to[i + half_size] = high * cosine + low * sine;
}

template <typename T>
__device__ __forceinline__ void rope_append(float *q, const float *k, const float *v, T *keys, T *values, int64_t capacity,
                                            int heads, int kv_heads, int head_size, const int *position,
                                            const float *inverse_frequencies, int *error) {
    __shared__ __align__(16) float key[MOST_HEAD_SIZE];
    int head = blockIdx.x;
    int token = blockIdx.y;
    int i = threadIdx.x;
    int half_size = head_size / 2;
    bool inside = i < half_size;
    int64_t place = (int64_t)*position + token;
    if (head < heads) {
        float *x = q + ((int64_t)token * heads + head) * head_size;
        if (inside) {
            turn(x, x, i, half_size, place, inverse_frequencies);
        }
        return;
    }
    if (place < 0 || place >= capacity) {
        atomicOr(error, ERROR_ID);
        return;
    }
    head -= heads;
    int64_t from = ((int64_t)token * kv_heads + head) * head_size;
    int64_t to = (head * capacity + place) * head_size;
    if (inside) {
        turn(k + from, key, i, half_size, place, inverse_frequencies);
    }
    store_row(v + from, head_size, values + to);
    __syncthreads();
    store_row(key, head_size, keys + to);
}

#define ENTRY(NAME, T)                                                                                                       \
    extern "C" __global__ void __launch_bounds__(MOST_HEAD_SIZE / 2)                                                         \
        NAME(float *q, const float *k, const float *v, T *keys, T *values, int64_t capacity, int heads, int kv_heads,        \
             int head_size, const int *position, const float *inverse_frequencies, int *error) {                             \
        rope_append(q, k, v, keys, values, capacity, heads, kv_heads, head_size, position, inverse_frequencies, error);      \
    }

ENTRY(gatun_rope_append, CacheWord)
ENTRY(gatun_rope_append_f32, float)
