/*
 * common.cuh   what several operations share: loads of weights that are read once, reductions in a fixed order, values
 *              in three float types, and the tensor-core product
 *
 * Sums: a warp adds by a butterfly (the same tree in every lane), a block adds its warps in ascending order. Neither
 * depends on timing, so results are the same from run to run.
 */
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <stdint.h>

constexpr int WARP = 32;
constexpr unsigned ALL_LANES = 0xffffffffu;

/* Types of unquantized values, as native/include/gatun_cpu.h numbers them. */
constexpr int TYPE_F32 = 0;
constexpr int TYPE_F16 = 1;
constexpr int TYPE_BF16 = 2;

/* Bits of the error word; kernels only ever set bits. */
constexpr int ERROR_NAN = 1;    /* a router or a logit was not a number; ids are in range, values are not to be used */
constexpr int ERROR_ABSENT = 2; /* a chosen expert has no block in the table; its contribution is missing */
constexpr int ERROR_ID = 4;     /* an id was outside its range and was not followed */
constexpr int ERROR_TIMEOUT = 8; /* blocks of one launch did not all come; its results are missing */
constexpr int ERROR_HOST = 16;   /* the host did not hand over in time what it computes; that is missing */

/*
 * Weights pass the L1 by. The loads are ordinary ones, not of the read-only kind: a block may have been copied in while
 * the kernel already ran.
 */
__device__ __forceinline__ uint4 load_once(const uint4 *address) {
    uint4 v;
    asm volatile("ld.global.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(address));
    return v;
}

__device__ __forceinline__ uint32_t load_once(const uint32_t *address) {
    uint32_t v;
    asm volatile("ld.global.L1::no_allocate.u32 %0, [%1];" : "=r"(v) : "l"(address));
    return v;
}

__device__ __forceinline__ uint2 load_once(const uint2 *address) {
    uint2 v;
    asm volatile("ld.global.L1::no_allocate.v2.u32 {%0, %1}, [%2];" : "=r"(v.x), "=r"(v.y) : "l"(address));
    return v;
}

__device__ __forceinline__ int64_t nanoseconds() {
    int64_t t;
    asm volatile("mov.u64 %0, %globaltimer;" : "=l"(t));
    return t;
}

__device__ __forceinline__ float warp_sum(float v) {
#pragma unroll
    for (int lane = WARP / 2; lane > 0; lane /= 2) {
        v += __shfl_xor_sync(ALL_LANES, v, lane);
    }
    return v;
}

__device__ __forceinline__ float warp_max(float v) {
#pragma unroll
    for (int lane = WARP / 2; lane > 0; lane /= 2) {
        v = fmaxf(v, __shfl_xor_sync(ALL_LANES, v, lane));
    }
    return v;
}

/* values[0] + values[stride] + ... in that order; BATCH loads are in flight together whatever `count` is. */
template <int BATCH>
__device__ __forceinline__ float sum_strided(const float *values, int64_t stride, int count) {
    float sum = 0;
    for (int first = 0; first < count; first += BATCH) {
        float v[BATCH];
#pragma unroll
        for (int i = 0; i < BATCH; i++) {
            v[i] = first + i < count ? __ldcg(values + (first + i) * stride) : 0;
        }
#pragma unroll
        for (int i = 0; i < BATCH; i++) {
            sum += v[i];
        }
    }
    return sum;
}

/* The sum over the block, in every thread. `scratch` has one float a warp and is free again when all have returned. */
__device__ __forceinline__ float block_sum(float v, float *scratch) {
    v = warp_sum(v);
    __syncthreads();
    if (threadIdx.x % WARP == 0) {
        scratch[threadIdx.x / WARP] = v;
    }
    __syncthreads();
    float total = 0;
    for (int i = 0; i < (int)(blockDim.x + WARP - 1) / WARP; i++) {
        total += scratch[i];
    }
    return total;
}

__device__ __forceinline__ float block_max(float v, float *scratch) {
    v = warp_max(v);
    __syncthreads();
    if (threadIdx.x % WARP == 0) {
        scratch[threadIdx.x / WARP] = v;
    }
    __syncthreads();
    float largest = scratch[0];
    for (int i = 1; i < (int)(blockDim.x + WARP - 1) / WARP; i++) {
        largest = fmaxf(largest, scratch[i]);
    }
    return largest;
}

__device__ __forceinline__ float value_at(const void *values, int type, int64_t at) {
    if (type == TYPE_F32) {
        return ((const float *)values)[at];
    }
    if (type == TYPE_F16) {
        return __half2float(((const __half *)values)[at]);
    }
    return __bfloat162float(((const __nv_bfloat16 *)values)[at]);
}

__device__ __forceinline__ float2 unpack_f16(uint32_t bits) {
    return __half22float2(*reinterpret_cast<const __half2 *>(&bits));
}

__device__ __forceinline__ void widen_halves(const uint4 &bits, float (&v)[8]) {
    const uint32_t words[4] = {bits.x, bits.y, bits.z, bits.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        float2 two = unpack_f16(words[i]);
        v[2 * i] = two.x, v[2 * i + 1] = two.y;
    }
}

__device__ __forceinline__ void widen_floats(const uint4 &low, const uint4 &high, float (&v)[8]) {
    const uint32_t words[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
    for (int i = 0; i < 8; i++) {
        v[i] = __uint_as_float(words[i]);
    }
}

__device__ __forceinline__ float2 unpack_bf16(uint32_t bits) {
    return make_float2(__uint_as_float(bits << 16), __uint_as_float(bits & 0xffff0000u));
}

__device__ __forceinline__ uint32_t pack_f16(float low, float high) {
    __half2 v = __floats2half2_rn(low, high);
    return *reinterpret_cast<uint32_t *>(&v);
}

/* v rounded to fp16; what that took off stays in v. */
__device__ __forceinline__ uint2 take_f16(float4 &v) {
    uint2 bits = make_uint2(pack_f16(v.x, v.y), pack_f16(v.z, v.w));
    float2 first = unpack_f16(bits.x);
    float2 last = unpack_f16(bits.y);
    v.x -= first.x, v.y -= first.y, v.z -= last.x, v.w -= last.y;
    return bits;
}

__device__ __forceinline__ uint32_t fma_f16(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t v;
    asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(v) : "r"(a), "r"(b), "r"(c));
    return v;
}

__device__ __forceinline__ uint32_t multiply_f16(uint32_t a, uint32_t b) {
    uint32_t v;
    asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(v) : "r"(a), "r"(b));
    return v;
}

__device__ __forceinline__ uint32_t add_f16(uint32_t a, uint32_t b) {
    uint32_t v;
    asm("add.rn.f16x2 %0, %1, %2;" : "=r"(v) : "r"(a), "r"(b));
    return v;
}

/*
 * d[16][8] += a[16][16] * b[16][8] in the fragments of mma.m16n8k16, fp16 in, fp32 out. Lane = 4 * g + c holds rows g
 * and g + 8 of `a` (a0, a1: the first half of k; a2, a3: the second), column g of `b`, and d at rows g (d0, d1) and
 * g + 8 (d2, d3), columns 2c and 2c + 1. Before sm_80 it is two products of half the depth on the same registers.
 */
__device__ __forceinline__ void multiply_tile(float (&d)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3,
                                              uint32_t b0, uint32_t b1) {
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
#else
    asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a0), "r"(a1), "r"(b0));
    asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a2), "r"(a3), "r"(b1));
#endif
}

/* The power of two that brings `largest` into [2^(top-1), 2^top); 1 for zero, infinite and NaN. */
__device__ __forceinline__ int exponent_to(float largest, int top) {
    int exponent = (int)(__float_as_uint(largest) >> 23 & 255);
    if (exponent == 0 || exponent == 255) {
        return 0;
    }
    return top - (exponent - 126);
}

/* 2^e, for e in [-126, 127]. */
__device__ __forceinline__ float power_of_two(int e) {
    e = e < -126 ? -126 : e > 127 ? 127 : e;
    return __uint_as_float((uint32_t)(e + 127) << 23);
}
