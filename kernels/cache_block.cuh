/*
 * cache_block.cuh   keys and values of 16 bits: eight neighbouring columns of a row share an exponent
 *
 *   x[i] = n[i] * 2^(c - 127)   n[i] of 16 bits with a sign, c the exponent of their unit as an fp32 has it
 *
 * layout   16 bytes: n[0] + 2^15 .. n[7] + 2^15. The lowest bit of n[i] is one of c: bit i / 2 for an even i, bit 4 + i / 2
 *          for an odd one
 * error    n is the nearest word that ends as it must: off by at most a unit, 2^-15 of the power of two above the largest
 *          |x|; a zero too, unless all eight are zeros. An fp16 may be off by eight times as much where x is as large as
 *          that, and by as much at an eighth of it; below that it is finer
 * limits   that of an fp16, which prefill makes of them: where a |x| is above 65504, or none, c = 255 and none of the eight
 *          is a number; below 2^-112 all are zeros and so are all bits
 *
 * Why: what runs of the same model say differs where a key or value is rounded the other way, by its unit; and an fp16 has
 * large ones where a head's values are large, which is where attention looks.
 */
#pragma once

#include "common.cuh"

using CacheWord = uint16_t; /* of a column */

constexpr int BLOCK_COLUMNS = 8;
constexpr uint32_t LARGEST_BITS = 0x477fe000u; /* of 65504 */

/* Which bit of c is the lowest of n[i]. */
__host__ __device__ constexpr int exponent_bit(int i) {
    return i / 2 + i % 2 * 4;
}

__device__ __forceinline__ uint4 pack_block(const float (&x)[BLOCK_COLUMNS]) {
    uint32_t largest = 0; /* bits of magnitudes are in their order, those of NaN come last */
#pragma unroll
    for (int i = 0; i < BLOCK_COLUMNS; i++) {
        largest = max(largest, __float_as_uint(x[i]) & 0x7fffffffu);
    }
    if (largest > LARGEST_BITS) {
        return make_uint4(0x00010001u, 0x00010001u, 0x00010001u, 0x00010001u);
    }
    int c = (int)((largest + 512) >> 23) - 14; /* half a word below a power of two is as good as that */
    if (c < 1) {
        return make_uint4(0, 0, 0, 0);
    }
    float units = power_of_two(127 - c);
    uint32_t words[BLOCK_COLUMNS / 2];
#pragma unroll
    for (int i = 0; i < BLOCK_COLUMNS; i++) {
        int lowest = c >> exponent_bit(i) & 1;
        int upper = __float2int_rn((x[i] * units - (float)lowest) * 0.5f);
        uint32_t n = (uint32_t)(2 * upper + lowest + 0x8000);
        words[i / 2] = i % 2 == 0 ? n : words[i / 2] | n << 16;
    }
    return make_uint4(words[0], words[1], words[2], words[3]);
}

__device__ __forceinline__ void widen_block(const uint4 &bits, float (&x)[BLOCK_COLUMNS]) {
    constexpr uint32_t LOWEST = 0x00010001u;
    uint32_t c = (bits.x & LOWEST) | (bits.y & LOWEST) << 1 | (bits.z & LOWEST) << 2 | (bits.w & LOWEST) << 3;
    float unit = __uint_as_float((c | c >> 12) << 23); /* other bits fall out */
    float offset = -0x1.01p23f * unit;                 /* infinite where c is 255: then infinity - infinity follows */
    const uint32_t words[BLOCK_COLUMNS / 2] = {bits.x, bits.y, bits.z, bits.w};
#pragma unroll
    for (int i = 0; i < BLOCK_COLUMNS / 2; i++) {
        /* The last bits of a float 2^23 + 2^15 + n. */
        x[2 * i] = fmaf(__uint_as_float(__byte_perm(words[i], 0x4b000000u, 0x7410)), unit, offset);
        x[2 * i + 1] = fmaf(__uint_as_float(__byte_perm(words[i], 0x4b000000u, 0x7432)), unit, offset);
    }
}
