/*
 * rows.cu   inputs of the batched products: rows as fp16, each scaled by a power of two into fp16's good range
 *
 *   rows_f16     y[t][place(k)] = x'[t][k] * 2^e[t], factor[t] = 2^-e[t], the largest |x'[t]| * 2^e in [2^14, 2^15);
 *                x' = x, or x / sqrt(mean(x^2) + epsilon) * norm
 *   level_rows   the blocks of h that gate and up wrote, each token's brought to the cell of the row's largest value (see
 *                cell_of in batch_tile.cuh); factor[i] undoes it. Names: _q2 for experts in the published scheme, _q2n for
 *                Gatun's own; h lies as the columns of their w2, for which `sixteens` is which of two orders _q2n has
 *
 * layout   x[t][columns] fp32; norm[columns] or null; y[t][columns padded to 128] fp16, zeros beyond columns; within each
 *          sixteen columns in the tensor core's order (fragment_place in batch_tile.cuh), which the batched kernels alone
 *          read. h[i][ffn padded to 128], cells[i][ceil(ffn / 128)], factor[i], offsets[0] <= i < offsets[experts]
 * bytes    rows_f16: 4 bytes in (twice, the second time from the L2), 2 out. level_rows: the cells; blocks of a lower cell
 *          than the row's largest are read and written
 * bound    device memory
 * launch   rows_f16: grid rows, block 256. level_rows: grid choices, block 128. No dynamic shared memory
 * checked in Java   columns % 4 == 0 (rows_f16), ffn % 16 == 0 (256 in sixteens), 16-byte alignment of x, norm and y; x and y do
 *          not overlap
 * checked by   RowsTest, BatchExpertsTest
 *
 * A row of zeros, or one with an infinite or no number, has the factor 1 and is passed on as it is.
 */
#include "batch_tile.cuh"

constexpr int ROWS_THREADS = 256;
constexpr int LEVEL_THREADS = 128;

__device__ __forceinline__ float4 four_of(const float *values, int k, int columns) {
    return k < columns ? *(const float4 *)(values + k) : make_float4(0, 0, 0, 0);
}

extern "C" __global__ void __launch_bounds__(ROWS_THREADS)
    gatun_rows_f16(const float *x, const float *norm, float epsilon, int columns, __half *y, float *factor) {
    __shared__ float scratch[ROWS_THREADS / WARP];
    const float *from = x + (int64_t)blockIdx.x * columns;
    float squares = 0;
    float largest = 0;
#pragma unroll 4
    for (int k = 4 * threadIdx.x; k < columns; k += 4 * ROWS_THREADS) {
        float4 v = *(const float4 *)(from + k);
        if (norm != nullptr) {
            squares += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
            float4 w = *(const float4 *)(norm + k);
            v.x *= w.x, v.y *= w.y, v.z *= w.z, v.w *= w.w;
        }
        largest = fmaxf(largest, fmaxf(fmaxf(fabsf(v.x), fabsf(v.y)), fmaxf(fabsf(v.z), fabsf(v.w))));
    }
    float unit = 1;
    if (norm != nullptr) {
        unit = rsqrtf(block_sum(squares, scratch) / columns + epsilon);
    }
    int exponent = max(-100, min(100, exponent_to(block_max(largest, scratch) * unit, 15)));
    float scale = power_of_two(exponent);
    if (threadIdx.x == 0) {
        factor[blockIdx.x] = power_of_two(-exponent);
    }
    int padded = tiles_of(columns) * TILE_COLUMNS;
    __half *to = y + (int64_t)blockIdx.x * padded;
    for (int k = 8 * threadIdx.x; k < padded; k += 8 * ROWS_THREADS) {
        float4 v[2];
#pragma unroll
        for (int i = 0; i < 2; i++) {
            v[i] = four_of(from, k + 4 * i, columns);
            if (norm != nullptr) {
                float4 w = four_of(norm, k + 4 * i, columns);
                v[i].x *= unit * w.x, v[i].y *= unit * w.y, v[i].z *= unit * w.z, v[i].w *= unit * w.w;
            }
            v[i].x *= scale, v[i].y *= scale, v[i].z *= scale, v[i].w *= scale;
        }
        uint2 *pair = (uint2 *)(to + fragment_place(k));
        pair[0] = make_uint2(pack_f16(v[0].x, v[0].y), pack_f16(v[1].x, v[1].y));
        pair[2] = make_uint2(pack_f16(v[0].z, v[0].w), pack_f16(v[1].z, v[1].w));
    }
}

template <class Inner>
__device__ __forceinline__ void level_rows(__half *h, const signed char *cells, const int *offsets, int experts, int ffn,
                                           float *factor, bool sixteens) {
    __shared__ int largest[LEVEL_THREADS / WARP];
    int64_t row = offsets[0] + blockIdx.x;
    if (row >= offsets[experts]) {
        return;
    }
    int group_rows = ffn / Q2_ROWS;
    int blocks = (group_rows + GATE_GROUPS - 1) / GATE_GROUPS;
    cells += row * blocks;
    int top = LEAST_CELL;
    for (int b = threadIdx.x; b < blocks; b += LEVEL_THREADS) {
        top = max(top, (int)cells[b]);
    }
#pragma unroll
    for (int step = WARP / 2; step > 0; step /= 2) {
        top = max(top, __shfl_xor_sync(ALL_LANES, top, step));
    }
    int warp = threadIdx.x / WARP;
    int lane = threadIdx.x % WARP;
    if (lane == 0) {
        largest[warp] = top;
    }
    __syncthreads();
    for (int w = 0; w < LEVEL_THREADS / WARP; w++) {
        top = max(top, largest[w]);
    }
    if (threadIdx.x == 0) {
        factor[row] = power_of_two(12 * top - 9);
    }
    h += row * tiles_of(ffn) * TILE_COLUMNS;
    for (int b = warp; b < blocks; b += LEVEL_THREADS / WARP) {
        if (cells[b] == top) {
            continue;
        }
        float unit = power_of_two(12 * (cells[b] - top));
        for (int at = lane; at < GATE_GROUPS * Q2_ROWS; at += WARP) {
            int group = b * GATE_GROUPS + Inner::slice(at, GATE_GROUPS);
            if (group < group_rows) {
                __half *v = h + fragment_place(Inner::place(group, Inner::value(at, GATE_GROUPS), group_rows, sixteens));
                *v = __float2half_rn(__half2float(*v) * unit);
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(LEVEL_THREADS)
    gatun_level_rows_q2(__half *h, const signed char *cells, const int *offsets, int experts, int ffn, float *factor) {
    level_rows<WideRows::Inner>(h, cells, offsets, experts, ffn, factor, false);
}

extern "C" __global__ void __launch_bounds__(LEVEL_THREADS)
    gatun_level_rows_q2n(__half *h, const signed char *cells, const int *offsets, int experts, int ffn, float *factor,
                         int sixteens) {
    level_rows<NarrowRows::Inner>(h, cells, offsets, experts, ffn, factor, sixteens);
}
