/*
 * layout.cuh   how quantized matrices lie in device memory (and, for experts, in host memory: a block is copied as it is)
 *
 * W[n, k] = (code - zero) * scale, N rows (outputs), K columns (inputs). Groups run down the rows: with G = N / rows of a
 * group, group (g, k) holds rows g + G*i at column k and has one scale and one zero. Matrices are cut into tiles of one
 * group row by 128 columns; columns beyond K are padded with zero bytes. KT = ceil(K / 128), M = the number of
 * second-level pairs. All numbers are little-endian, fp16 is binary16.
 *
 *   matrix "q2"  (2-bit, groups of 16 rows, 8-bit scales and zeros)
 *     0                     fp32 zero_scale, fp32 zero_zero, 248 bytes of zeros
 *     256                   tiles [G][KT] of 768 bytes: 512 codes, 128 scale codes, 128 zero codes
 *     256 + G*KT*768        second level [M] of { fp16 scale, fp16 zero }, padded to a multiple of 256 bytes
 *       scale(g, k) = (scale code - second.zero) * second.scale, second = [(g*K + k) mod M]
 *       zero(g, k)  = (zero code - zero_zero) * zero_scale
 *
 *   matrix "q2n" (2-bit, groups of 16 rows, one byte of 4-bit scale and 4-bit zero)
 *     0                     tiles [G][KT] of 640 bytes: 512 codes, 128 bytes of scale code | zero code << 4
 *     G*KT*640              second level [G][KT] of { fp16 scale of scales, zero of scales, scale of zeros, zero of zeros },
 *                           padded to a multiple of 256 bytes. Where K is a multiple of 128 this is one entry for every
 *                           128 groups of the flat index g*K + k. w2 of an expert: see below
 *
 *   matrix "q4"  (4-bit, groups of 64 rows, 8-bit scales and zeros)
 *     as q2, with tiles of 4352 bytes: 4096 codes, 128 scale codes, 128 zero codes
 *
 *   In a tile, scale and zero codes lie in the order of the columns: byte c is column 128*kt + c.
 *
 *   2-bit codes: sixteen bytes for each lane l = 0..31, as four words j = 0..3. Bits 2p + 16h (p = 0..7, h = 0..1) of
 *   word j hold the code of
 *     row    i = l / 4 + 8 * (j & 1)                             (that is n = g + G*i)
 *     column c = 16*p + 4*(l % 4) + 2*(j >> 1) + h
 *   4-bit codes: [row block b = 0..3][column half d = 0..1][lane l] of sixteen bytes. Bits 4p + 16h (p = 0..3) of word j:
 *     row    i = 16*b + l / 4 + 8 * (j & 1)
 *     column c = 64*d + 16*p + 4*(l % 4) + 2*(j >> 1) + h
 *
 *   So a masked word is a register of the tensor core's A operand: an fp16 whose low bits are the code is the subnormal
 *   code * 2^-24, exact, and the factors 4^p or 16^p and 2^24 are taken out of the fp32 sums.
 *
 *   expert block: w1, w3, w2, each a matrix as above, the whole padded to a multiple of 4096 bytes
 *
 *   Slice s of an expert is the inner values s + S*i (S = inner / 16, i = 0..15): one group row of w1 and of w3. In w2 of
 *   "q2" the columns lie in the order of slices: what is said of column k above is said of inner value k / 16 + S*(k % 16),
 *   so a tile holds eight slices. M is a multiple of K there, and second-level pairs are in this order as well.
 *
 *   In w2 of "q2n" they lie in the order of sixteens if 128 divides S: value i of slice s is column 256*(s/16) + 16*i + s%16,
 *   so two tiles hold sixteen slices, the first one their values i < 8. Its second level is [G][16*ceil(KT/16)], entry
 *   16*(s/128) + i for the values i of 128 slices, which are 128 adjacent inner values: a tile has one for each 16 columns. The
 *   leading slices of such a matrix, a multiple of 16, are one in the same order. Where 128 does not divide S, columns keep the
 *   order of inner values.
 *
 * The pairs repeat: group rows g and g + period have the same second-level pairs, period = M / gcd(K, M).
 */
#pragma once

#include "common.cuh"

constexpr int TILE_COLUMNS = 128;
constexpr int Q2_ROWS = 16;
constexpr int Q4_ROWS = 64;
constexpr int Q2_TILE = 768;
constexpr int Q2N_TILE = 640;
constexpr int Q4_TILE = 4352;
constexpr int MATRIX_HEADER = 256;
constexpr int BLOCK_ALIGNMENT = 4096;

__host__ __device__ __forceinline__ int tiles_of(int columns) {
    return (columns + TILE_COLUMNS - 1) / TILE_COLUMNS;
}

__host__ __device__ __forceinline__ int64_t padded_to(int64_t bytes, int64_t multiple) {
    return (bytes + multiple - 1) / multiple * multiple;
}

/*
 * Inner values by slices. `place`: which column of w2 has one; `sixteens` says which of two orders "q2n" has. `column`: where
 * one of at most 16 slices alone, counted from 0, is kept so that what adjoins there adjoins in w2; `slice` and `value` undo it.
 */
struct NarrowOrder {
    static constexpr bool TOGETHER = false; /* the values of a slice */

    __device__ static __forceinline__ int column(int slice, int value, int slices) { return slice + value * slices; }
    __device__ static __forceinline__ int slice(int column, int slices) { return column % slices; }
    __device__ static __forceinline__ int value(int column, int slices) { return column / slices; }

    __device__ static __forceinline__ int place(int slice, int value, int slices, bool sixteens) {
        return sixteens ? (slice & ~15) * Q2_ROWS + 16 * value + (slice & 15) : column(slice, value, slices);
    }
};

struct SliceOrder {
    static constexpr bool TOGETHER = true;

    __device__ static __forceinline__ int column(int slice, int value, int) { return slice * Q2_ROWS + value; }
    __device__ static __forceinline__ int slice(int column, int) { return column / Q2_ROWS; }
    __device__ static __forceinline__ int value(int column, int) { return column % Q2_ROWS; }
    __device__ static __forceinline__ int place(int slice, int value, int slices, bool) { return column(slice, value, slices); }
};

/* Entries of the second level of a group row of "q2n", and which of them a column has. */
__device__ __forceinline__ int narrow_entries(int columns, bool sixteens) {
    return sixteens ? padded_to(tiles_of(columns), 16) : tiles_of(columns);
}

__device__ __forceinline__ int narrow_entry(int column, bool sixteens) {
    return sixteens ? (column >> 11 << 4) + (column >> 4 & 15) : column / TILE_COLUMNS;
}

/* Where the parts of a matrix begin, relative to its own start. */
struct MatrixPlace {
    int64_t tiles;
    int64_t second;
    int64_t bytes;
};

__host__ __device__ __forceinline__ MatrixPlace place_wide(int group_rows, int columns, int pairs, int tile) {
    int64_t second = MATRIX_HEADER + (int64_t)group_rows * tiles_of(columns) * tile;
    return {MATRIX_HEADER, second, padded_to(second + 4 * (int64_t)pairs, 256)};
}

__host__ __device__ __forceinline__ MatrixPlace place_narrow(int group_rows, int columns) {
    int64_t tiles = (int64_t)group_rows * tiles_of(columns);
    return {0, tiles * Q2N_TILE, padded_to(tiles * (Q2N_TILE + 8), 256)};
}
