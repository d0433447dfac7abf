/*
 * tokens.cu   small operations of one block a token: embedding, RMSNorm, argmax
 *
 *   embed      y[t] = table[ids[t]] widened to fp32
 *   rms_norm   y[t][k] = x[t][k] / sqrt(mean(x[t]^2) + epsilon) * weight[k]
 *   add_handed x[i] += y[i], where y lies in mapped host memory and is complete once the word there has come to `number`
 *   argmax     ids[t] = the place of the largest of logits[t][columns], ties to the lower
 *
 * layout   table[rows][columns] fp32, fp16 or bf16; everything else fp32, row-major
 * bytes    a row in, a row out        bound: launch latency. The table of embed may lie in mapped host memory: then the link,
 *          one round trip for a few tokens, its rate for many (2048 rows of 8 KB: 0.3 ms at 52 GB/s). So a thread reads 16
 *          bytes at a time, its neighbours the next ones
 * launch   grid tokens, block 1024 (at least 32, a multiple of 32); add_handed: a thread for each four values, block 256; no
 *          dynamic shared memory
 * waits    add_handed alone, for the host: one thread a block looks at the word, at most `limit` nanoseconds; then it sets
 *          ERROR_HOST and its block adds nothing. The host must not wait for the launch before it has written the word
 * checked in Java   values of add_handed % 4 == 0, 16-byte alignment of its x and y, and of table and y of embed, which reads
 *          a value at a time where columns % 8 > 0. y and x of rms_norm may be the same. Ids out of range give zeros and set
 *          ERROR_ID; a NaN among the logits sets ERROR_NAN, counts as the least, and the id is in range
 * checked by   TokensTest
 */
#include "common.cuh"

/* Between two looks over the link, each of which takes about a microsecond. */
constexpr unsigned POLL_NANOSECONDS = 100;

/* 16 bytes of a row: four values in fp32, or eight in 16 bits. */
__device__ __forceinline__ void widen_sixteen_bytes(const uint4 &bits, int type, float *y) {
    if (type == TYPE_F32) {
        *(uint4 *)y = bits;
        return;
    }
    const uint32_t words[4] = {bits.x, bits.y, bits.z, bits.w};
#pragma unroll
    for (int i = 0; i < 4; i += 2) {
        float2 low = type == TYPE_F16 ? unpack_f16(words[i]) : unpack_bf16(words[i]);
        float2 high = type == TYPE_F16 ? unpack_f16(words[i + 1]) : unpack_bf16(words[i + 1]);
        *(float4 *)(y + 2 * i) = make_float4(low.x, low.y, high.x, high.y);
    }
}

extern "C" __global__ void __launch_bounds__(1024) gatun_embed(const void *table, int type, int rows, int columns,
                                                               const int *ids, float *y, int *error) {
    int id = ids[blockIdx.x];
    bool known = (unsigned)id < (unsigned)rows;
    if (!known && threadIdx.x == 0) {
        atomicOr(error, ERROR_ID);
    }
    float *to = y + (int64_t)blockIdx.x * columns;
    if (known && columns % 8 == 0) {
        int values = type == TYPE_F32 ? 4 : 8;
        const uint4 *row = (const uint4 *)table + (int64_t)id * (columns / values);
        for (int k = threadIdx.x; k < columns / values; k += blockDim.x) {
            widen_sixteen_bytes(row[k], type, to + k * values);
        }
        return;
    }
    for (int k = threadIdx.x; k < columns; k += blockDim.x) {
        to[k] = known ? value_at(table, type, (int64_t)id * columns + k) : 0;
    }
}

extern "C" __global__ void __launch_bounds__(1024) gatun_rms_norm(const float *x, const float *weight, float epsilon,
                                                                  int columns, float *y) {
    __shared__ float scratch[WARP];
    const float *from = x + (int64_t)blockIdx.x * columns;
    float squares = 0;
#pragma unroll 4
    for (int k = threadIdx.x; k < columns; k += blockDim.x) {
        squares += from[k] * from[k];
    }
    float factor = rsqrtf(block_sum(squares, scratch) / columns + epsilon);
    for (int k = threadIdx.x; k < columns; k += blockDim.x) {
        y[(int64_t)blockIdx.x * columns + k] = from[k] * factor * weight[k];
    }
}

/* The better of two candidates: the larger, at equal values the one with the lower place. */
__device__ __forceinline__ void keep_larger(float &value, int &place, float other, int other_place) {
    if (other > value || (other == value && other_place < place)) {
        value = other;
        place = other_place;
    }
}

__device__ __forceinline__ void keep_largest_of_warp(float &value, int &place) {
#pragma unroll
    for (int lane = WARP / 2; lane > 0; lane /= 2) {
        float other = __shfl_xor_sync(ALL_LANES, value, lane);
        int other_place = __shfl_xor_sync(ALL_LANES, place, lane);
        keep_larger(value, place, other, other_place);
    }
}

extern "C" __global__ void __launch_bounds__(1024) gatun_argmax(const float *logits, int columns, int *ids, int *error) {
    __shared__ float values[WARP];
    __shared__ int places[WARP];
    const float *from = logits + (int64_t)blockIdx.x * columns;
    float value = -INFINITY;
    int place = columns - 1;
    bool nan = false;
#pragma unroll 4
    for (int k = threadIdx.x; k < columns; k += blockDim.x) {
        float v = from[k];
        nan |= isnan(v);
        keep_larger(value, place, v, k);
    }
    if (nan) {
        atomicOr(error, ERROR_NAN);
    }
    keep_largest_of_warp(value, place);
    if (threadIdx.x % WARP == 0) {
        values[threadIdx.x / WARP] = value;
        places[threadIdx.x / WARP] = place;
    }
    __syncthreads();
    if (threadIdx.x < WARP) {
        bool there = threadIdx.x < blockDim.x / WARP;
        value = there ? values[threadIdx.x] : -INFINITY;
        place = there ? places[threadIdx.x] : columns - 1;
        keep_largest_of_warp(value, place);
        if (threadIdx.x == 0) {
            ids[blockIdx.x] = place;
        }
    }
}

__device__ __forceinline__ int64_t load_acquire(const int64_t *word) {
    int64_t v;
    asm volatile("ld.acquire.sys.global.s64 %0, [%1];" : "=l"(v) : "l"(word) : "memory");
    return v;
}

/*
 * Waits until the host has counted up to `number`; what it wrote before can be read then. False if that takes too long. The
 * clock is read before the word: where it is the device that was stopped, the host is not late.
 */
__device__ __forceinline__ bool await_host(const int64_t *word, int64_t number, int64_t limit, int *error) {
    bool there = true;
    if (threadIdx.x == 0) {
        int64_t begin = nanoseconds();
        bool over = false;
        there = load_acquire(word) >= number;
        while (!there && !over) {
            __nanosleep(POLL_NANOSECONDS);
            over = nanoseconds() - begin > limit;
            there = load_acquire(word) >= number;
        }
        if (!there) {
            atomicOr(error, ERROR_HOST);
        }
        __threadfence_system();
    }
    return __syncthreads_and(there);
}

/* The same memory is written again and again by the host, so no cache may answer for it. */
extern "C" __global__ void __launch_bounds__(256) gatun_add_handed(const int64_t *word, int64_t number, int64_t limit,
                                                                   const float *y, float *x, int values, int *error) {
    if (!await_host(word, number, limit, error)) {
        return;
    }
    int at = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
    if (at < values) {
        float4 more = __ldcv((const float4 *)(y + at));
        float4 v = *(float4 *)(x + at);
        *(float4 *)(x + at) = make_float4(v.x + more.x, v.y + more.y, v.z + more.z, v.w + more.w);
    }
}
