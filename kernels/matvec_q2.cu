/*
 * matvec_q2.cu   y[t][n] = sum over k of W[n, k] x[t][k], W 2-bit in groups of 16 rows, 1 to 8 tokens
 *
 * layout   W as in layout.cuh (q2, or q2n for Gatun's own scheme); x[t][columns], y[t][rows] fp32; workspace
 *          tokens * slices * rows floats
 * bytes    rows * columns * 3.016 / 8 (q2) or 2.531 / 8 (q2n)       bound: device memory reads
 * launch   block 256; grid: any, two or three blocks a multiprocessor is best; dynamic shared memory as experts_q2.cu
 * checked in Java   1 <= tokens <= T, rows % 16 == 0, columns % 4 == 0, slice tiles 4 or 8 (8 is faster wherever that much
 *          shared memory is), 16-byte alignment of W and x;
 *          counters (rows / 16 ints) zero before the first launch
 * checked by   MatvecQ2Test
 */
#include "q2_stream.cuh"

struct MatvecQ2 {
    static constexpr bool KEEPS_REST = true;
    static constexpr bool HAS_ENTRIES = false;

    const unsigned char *weights;
    const float *x;
    float *y;
    float *sums;
    int tokens;
    int rows;
    int columns;
    int slices;

    __device__ const unsigned char *matrix(int) const { return weights; }

    __device__ void inputs(int, int token, int column, float (&v)[4]) const {
        float4 four = token < tokens ? __ldcg((const float4 *)(x + (int64_t)token * columns + column)) : make_float4(0, 0, 0, 0);
        v[0] = four.x, v[1] = four.y, v[2] = four.z, v[3] = four.w;
    }

    __device__ float *target(int, int slice, int token) const {
        return token < tokens ? sums + ((int64_t)token * slices + slice) * rows : nullptr;
    }

    __device__ int place(int group, int row) const { return group * Q2_ROWS + row; }

    __device__ void finish(int group, int row, int token) const {
        const float *parts = sums + (int64_t)token * slices * rows + group * Q2_ROWS + row;
        y[(int64_t)token * rows + group + row * (rows / Q2_ROWS)] = sum_strided<16>(parts, rows, slices);
    }
};

template <class Format, int TOKENS>
__device__ __forceinline__ void matvec_q2(const unsigned char *weights, int rows, int columns, int pairs, int period,
                                          int slice_tiles, const float *x, float *y, int tokens, float *sums, int *counters) {
    extern __shared__ __align__(16) unsigned char shared[];
    StreamShape shape = {rows, columns, pairs, period, slice_tiles};
    MatvecQ2 work = {weights, x, y, sums, tokens, rows, columns, shape.slices()};
    stream<Format, TOKENS, false>(shape, 1, work, shared, [] { return true; });
    last_arrivals<Format>(shape, 1, tokens, counters, [&](int group, int row, int token) { work.finish(group, row, token); });
}

#define ENTRY(SCHEME, FORMAT, TOKENS)                                                                                        \
    extern "C" __global__ void __launch_bounds__(STREAM_THREADS, 2) gatun_matvec_##SCHEME##_t##TOKENS(                       \
        const unsigned char *weights, int rows, int columns, int pairs, int period, int slice_tiles, const float *x,         \
        float *y, int tokens, float *sums, int *counters) {                                                                  \
        matvec_q2<FORMAT, TOKENS>(weights, rows, columns, pairs, period, slice_tiles, x, y, tokens, sums, counters);         \
    }

#define ENTRIES(SCHEME, FORMAT)                                                                                              \
    ENTRY(SCHEME, FORMAT, 1)                                                                                                 \
    ENTRY(SCHEME, FORMAT, 2)                                                                                                 \
    ENTRY(SCHEME, FORMAT, 4)                                                                                                 \
    ENTRY(SCHEME, FORMAT, 8)

ENTRIES(q2, Wide)
ENTRIES(q2n, Narrow)
