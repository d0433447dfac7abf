/*
 * rope.cu   rotary embedding of q and k, and k and v into the cache
 *
 *   for i < head_size / 2 the pair (x[i], x[i + head_size / 2]) of each head turns by (position + t) * inverse_frequencies[i]
 *
 * layout   q[t][heads * head_size] (in place), k[t][kv_heads * head_size], v likewise fp32;
 *          keys[kv_heads][capacity][head_size], values likewise fp16 (gatun_rope_append) or fp32 (gatun_rope_append_f32);
 *          *position the place of token 0
 * bytes    4 * (2 * heads + 2 * kv_heads) * head_size + 4 (fp32: 8) * kv_heads * head_size a token     bound: launch latency
 * launch   (q, k, v, keys, values, int64 capacity, int heads, int kv_heads, int head_size, const int *position,
 *           inverse_frequencies, int *error), the same for both;
 *          grid (heads + kv_heads, tokens), block head_size / 2 rounded up to 32; no dynamic shared memory
 * checked in Java   head_size even and <= 2048, position + tokens <= capacity (beyond it nothing is stored and ERROR_ID is set)
 * checked by   RopeTest
 */
#include "common.cuh"

__device__ __forceinline__ void store(__half *to, float v) {
    *to = __float2half_rn(v);
}

__device__ __forceinline__ void store(float *to, float v) {
    *to = v;
}

template <typename T>
__device__ __forceinline__ void rope_append(float *q, const float *k, const float *v, T *keys, T *values, int64_t capacity,
                                            int heads, int kv_heads, int head_size, const int *position,
                                            const float *inverse_frequencies, int *error) {
    int head = blockIdx.x;
    int token = blockIdx.y;
    int i = threadIdx.x;
    int half_size = head_size / 2;
    if (i >= half_size) {
        return;
    }
    int64_t place = (int64_t)*position + token;
    float sine;
    float cosine;
    sincosf((float)place * inverse_frequencies[i], &sine, &cosine);
    if (head < heads) {
        float *x = q + ((int64_t)token * heads + head) * head_size + i;
        float low = x[0];
        float high = x[half_size];
        x[0] = low * cosine - high * sine;
        x[half_size] = high * cosine + low * sine;
        return;
    }
    if (place < 0 || place >= capacity) {
        atomicOr(error, ERROR_ID);
        return;
    }
    head -= heads;
    int64_t from = ((int64_t)token * kv_heads + head) * head_size + i;
    int64_t to = (head * capacity + place) * head_size + i;
    float low = k[from];
    float high = k[from + half_size];
    store(keys + to, low * cosine - high * sine);
    store(keys + to + half_size, high * cosine + low * sine);
    store(values + to, v[from]);
    store(values + to + half_size, v[from + half_size]);
}

#define ENTRY(NAME, T)                                                                                                       \
    extern "C" __global__ void __launch_bounds__(1024)                                                                       \
        NAME(float *q, const float *k, const float *v, T *keys, T *values, int64_t capacity, int heads, int kv_heads,        \
             int head_size, const int *position, const float *inverse_frequencies, int *error) {                             \
        rope_append(q, k, v, keys, values, capacity, heads, kv_heads, head_size, position, inverse_frequencies, error);      \
    }

ENTRY(gatun_rope_append, __half)
ENTRY(gatun_rope_append_f32, float)
