/*
 * matvec_dense.cu   y[t][n] = (y[t][n] +) sum over k of W[n, k] x[t][k], W unquantized (lm_head, unquantized models), 1 to
 *                   8 tokens
 *
 * layout   W[rows][columns] fp32, fp16 or bf16; x[t][columns], y[t][rows] fp32; accumulate != 0 adds to y
 * bytes    rows * columns * (2 or 4)        bound: device memory reads
 * launch   block 256; grid: any, ceil(rows / 32) or eight blocks a multiprocessor, whichever is less, is best.
 *          Names: _t1, _t2, _t4, _t8 the most tokens
 * checked in Java   1 <= tokens <= T, 16-byte alignment of W and x. Columns that are no multiple of 8 take a slower path
 * checked by   MatvecDenseTest
 *
 * A warp takes four rows; lanes take eight columns in turn and add by a butterfly.
 */
#include "common.cuh"

constexpr int DENSE_WARPS = 8;
constexpr int DENSE_ROWS = 4;
constexpr int STEP = 8 * WARP;

template <int TYPE>
struct Eight;

template <>
struct Eight<TYPE_F16> {
    uint4 bits;
    __device__ __forceinline__ void load(const void *row, int k) { bits = load_once((const uint4 *)((const __half *)row + k)); }
    __device__ __forceinline__ void widen(float (&v)[8]) const {
        widen_halves(bits, v);
    }
};

template <>
struct Eight<TYPE_BF16> {
    uint4 bits;
    __device__ __forceinline__ void load(const void *row, int k) {
        bits = load_once((const uint4 *)((const uint16_t *)row + k));
    }
    __device__ __forceinline__ void widen(float (&v)[8]) const {
        const uint32_t words[4] = {bits.x, bits.y, bits.z, bits.w};
#pragma unroll
        for (int i = 0; i < 4; i++) {
            float2 two = unpack_bf16(words[i]);
            v[2 * i] = two.x, v[2 * i + 1] = two.y;
        }
    }
};

template <>
struct Eight<TYPE_F32> {
    uint4 low;
    uint4 high;
    __device__ __forceinline__ void load(const void *row, int k) {
        low = load_once((const uint4 *)((const float *)row + k));
        high = load_once((const uint4 *)((const float *)row + k) + 1);
    }
    __device__ __forceinline__ void widen(float (&v)[8]) const {
        widen_floats(low, high, v);
    }
};

struct DenseArguments {
    const void *weights;
    int rows;
    int columns;
    const float *x;
    int tokens;
};

__host__ __device__ constexpr int bytes_of(int type) {
    return type == TYPE_F32 ? 4 : 2;
}

/* Columns are a multiple of 8. A row beyond the last is read as the last and not stored. */
template <int TYPE, int TOKENS>
__device__ __forceinline__ void add_rows(const DenseArguments &in, int first, int lane, float (&sums)[DENSE_ROWS][TOKENS]) {
    const unsigned char *rows[DENSE_ROWS];
#pragma unroll
    for (int r = 0; r < DENSE_ROWS; r++) {
        rows[r] = (const unsigned char *)in.weights + (int64_t)min(first + r, in.rows - 1) * in.columns * bytes_of(TYPE);
    }
#pragma unroll 2
    for (int k = 8 * lane; k < in.columns; k += STEP) {
        Eight<TYPE> w[DENSE_ROWS];
#pragma unroll
        for (int r = 0; r < DENSE_ROWS; r++) {
            w[r].load(rows[r], k);
        }
        float values[DENSE_ROWS][8];
#pragma unroll
        for (int r = 0; r < DENSE_ROWS; r++) {
            w[r].widen(values[r]);
        }
#pragma unroll
        for (int t = 0; t < TOKENS; t++) {
            if (t < in.tokens) {
                const float4 *x = (const float4 *)(in.x + (int64_t)t * in.columns + k);
                float4 a = x[0];
                float4 b = x[1];
#pragma unroll
                for (int r = 0; r < DENSE_ROWS; r++) {
                    const float(&v)[8] = values[r];
                    sums[r][t] += v[0] * a.x + v[1] * a.y + v[2] * a.z + v[3] * a.w;
                    sums[r][t] += v[4] * b.x + v[5] * b.y + v[6] * b.z + v[7] * b.w;
                }
            }
        }
    }
}

template <int TYPE, int TOKENS>
__device__ __forceinline__ void add_odd_rows(const DenseArguments &in, int first, int lane,
                                             float (&sums)[DENSE_ROWS][TOKENS]) {
    for (int k = lane; k < in.columns; k += WARP) {
#pragma unroll
        for (int r = 0; r < DENSE_ROWS; r++) {
            float w = value_at(in.weights, TYPE, (int64_t)min(first + r, in.rows - 1) * in.columns + k);
#pragma unroll
            for (int t = 0; t < TOKENS; t++) {
                if (t < in.tokens) {
                    sums[r][t] += w * in.x[(int64_t)t * in.columns + k];
                }
            }
        }
    }
}

template <int TYPE, int TOKENS>
__device__ __forceinline__ void matvec_dense(const DenseArguments &in, float *y, int accumulate) {
    int lane = threadIdx.x % WARP;
    int warps = gridDim.x * DENSE_WARPS;
    for (int first = (blockIdx.x * DENSE_WARPS + threadIdx.x / WARP) * DENSE_ROWS; first < in.rows;
         first += warps * DENSE_ROWS) {
        float sums[DENSE_ROWS][TOKENS] = {};
        if (in.columns % 8 == 0) {
            add_rows<TYPE, TOKENS>(in, first, lane, sums);
        } else {
            add_odd_rows<TYPE, TOKENS>(in, first, lane, sums);
        }
#pragma unroll
        for (int r = 0; r < DENSE_ROWS; r++) {
#pragma unroll
            for (int t = 0; t < TOKENS; t++) {
                float sum = warp_sum(sums[r][t]);
                if (lane == r * TOKENS + t && t < in.tokens && first + r < in.rows) {
                    float *at = y + (int64_t)t * in.rows + first + r;
                    *at = accumulate ? *at + sum : sum;
                }
            }
        }
    }
}

#define ENTRY(TOKENS)                                                                                                        \
    extern "C" __global__ void __launch_bounds__(WARP *DENSE_WARPS) gatun_matvec_dense_t##TOKENS(                            \
        const void *weights, int type, int rows, int columns, const float *x, float *y, int tokens, int accumulate) {        \
        DenseArguments in = {weights, rows, columns, x, tokens};                                                             \
        if (type == TYPE_F16) {                                                                                              \
            matvec_dense<TYPE_F16, TOKENS>(in, y, accumulate);                                                               \
        } else if (type == TYPE_BF16) {                                                                                      \
            matvec_dense<TYPE_BF16, TOKENS>(in, y, accumulate);                                                              \
        } else {                                                                                                             \
            matvec_dense<TYPE_F32, TOKENS>(in, y, accumulate);                                                               \
        }                                                                                                                    \
    }

ENTRY(1)
ENTRY(2)
ENTRY(4)
ENTRY(8)
