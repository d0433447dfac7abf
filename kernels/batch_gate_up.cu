/*
 * batch_gate_up.cu   h[i] = silu(w1 x[t]) * (w3 x[t]) of every chosen expert, 2-bit in groups of 16 rows, many tokens;
 *                    i: the sorted choices of all tokens, t = order[i] / top_k
 *
 * layout   expert blocks as in layout.cuh, found through `blocks` (device pointers, null: not resident); offsets and order
 *          as gatun_group_tokens writes them; x[tokens][hidden padded to 128] fp16 and factor[tokens] as gatun_rows_f16
 *          writes them; h[choices][ffn padded to 128] fp16, in the order of w2's columns, and cells[choices][ceil(ffn /
 *          128)] bytes: go through gatun_level_rows next, which gives h's factors. Names: _q2 the published scheme, _q2n
 *          Gatun's own; _n16, _n32, _n64, _n128: tokens of a block
 * bytes    w1 and w3 of each chosen expert once (q2 3.016, q2n 2.531 bits a weight) while its token tiles run side by
 *          side, x once for every 128 rows of h (from the L2), h once      flops  4 * ffn * hidden * choices
 * bound    tensor cores from about 100 tokens an expert on; below, the instructions that dequantize, then device memory.
 *          Best N: the smallest that holds an expert's tokens, else 128
 * launch   block 256; grid ceil(ffn / 128) * (floor(choices / N) + min(experts, choices)): blocks beyond the work leave at
 *          once; dynamic shared memory 384 * N + 16384 bytes (_n128: 65536, all that sm_75 has)
 * checked in Java   choices = tokens * top_k >= 1, hidden % 4 == 0, ffn % 16 == 0 (256 in sixteens), experts <= 128, 16-byte
 *          alignment of blocks, x and h; pairs = the second level's entries of w1 (q2); weights below 500 in magnitude (they are
 *          multiplied by 2^7 before they become fp16; scales below 2^-19 lose bits)
 * checked by   BatchExpertsTest
 *
 * A chosen expert without a block sets ERROR_ABSENT and its h are zeros. A warp takes a group of w1 and the same group of
 * w3, so both sums of an h meet in one lane.
 */
#include "batch_tile.cuh"

/* Passed by value. */
struct GateUpArguments {
    const unsigned char *const *blocks;
    const int *offsets;
    const int *order;
    const __half *x;
    const float *factor;
    __half *h;
    signed char *cells;
    int *error;
    int experts;
    int top_k;
    int hidden;
    int ffn;
    int pairs;
    int sixteens; /* the order of w2's columns in q2n */
};

constexpr int GATE_ROWS = GATE_GROUPS * Q2_ROWS;

template <class Rows>
__device__ __forceinline__ int64_t bytes_of_matrix(const GateUpArguments &in);

template <>
__device__ __forceinline__ int64_t bytes_of_matrix<WideRows>(const GateUpArguments &in) {
    return place_wide(in.ffn / Q2_ROWS, in.hidden, in.pairs, Q2_TILE).bytes;
}

template <>
__device__ __forceinline__ int64_t bytes_of_matrix<NarrowRows>(const GateUpArguments &in) {
    return place_narrow(in.ffn / Q2_ROWS, in.hidden).bytes;
}

struct GateUpTile {
    BatchTask task;
    int first_group;
    int group_rows;
    int row_blocks;
    int64_t pitch; /* of h */

    __device__ __forceinline__ __half *row(const GateUpArguments &in, int token) const {
        return in.h + (task.first + token) * pitch;
    }

    __device__ __forceinline__ signed char *cell(const GateUpArguments &in, int token) const {
        return in.cells + (int64_t)(task.first + token) * row_blocks + task.row_block;
    }
};

/* The columns of h beyond the last are zeros, and so is all of an absent expert. */
__device__ __forceinline__ void clear_padding(const GateUpArguments &in, const GateUpTile &tile) {
    int padding = (int)tile.pitch - in.ffn;
    for (int at = threadIdx.x; tile.task.row_block == 0 && at < tile.task.count * padding; at += BATCH_THREADS) {
        tile.row(in, at / padding)[in.ffn + at % padding] = __ushort_as_half(0);
    }
}

template <class Inner>
__device__ __forceinline__ void clear_rows(const GateUpArguments &in, const GateUpTile &tile) {
    for (int at = threadIdx.x; at < tile.task.count * GATE_ROWS; at += BATCH_THREADS) {
        int token = at / GATE_ROWS;
        int group = tile.first_group + Inner::slice(at % GATE_ROWS, GATE_GROUPS);
        if (group < tile.group_rows) {
            int n = Inner::place(group, Inner::value(at % GATE_ROWS, GATE_GROUPS), tile.group_rows, in.sixteens);
            tile.row(in, token)[fragment_place(n)] = __ushort_as_half(0);
        }
        if (at % GATE_ROWS == 0) {
            *tile.cell(in, token) = LEAST_CELL;
        }
    }
}

/* Each sum of w1 becomes the h of its row and token. */
template <int TOKENS>
__device__ __forceinline__ void activate(const GateUpArguments &in, const BatchTask &task, float undo,
                                         Products<TOKENS> &products) {
    int c = threadIdx.x % 4;
#pragma unroll
    for (int n = 0; n < TOKENS / 8; n++) {
#pragma unroll
        for (int odd = 0; odd < 2; odd++) {
            int token = 8 * n + 2 * c + odd;
            float factor = token < task.count ? undo * in.factor[in.order[task.first + token] / in.top_k] : 0;
#pragma unroll
            for (int i = odd; i < 4; i += 2) {
                float gate = products.sums[0][n][i] * factor;
                float up = products.sums[1][n][i] * factor;
                products.sums[0][n][i] = gate / (1 + __expf(-gate)) * up;
            }
        }
    }
}

/* The unit of each token's cell, into `units`; `largest` has TOKENS floats a warp. */
template <int TOKENS>
__device__ __forceinline__ void find_cells(const GateUpArguments &in, const GateUpTile &tile,
                                           const Products<TOKENS> &products, float *largest, float *units) {
    int warp = threadIdx.x / WARP;
    int lane = threadIdx.x % WARP;
#pragma unroll
    for (int n = 0; n < TOKENS / 8; n++) {
#pragma unroll
        for (int odd = 0; odd < 2; odd++) {
            float v = fmaxf(fabsf(products.sums[0][n][odd]), fabsf(products.sums[0][n][odd + 2]));
#pragma unroll
            for (int step = 4; step < WARP; step *= 2) {
                v = fmaxf(v, __shfl_xor_sync(ALL_LANES, v, step));
            }
            if (lane < 4) {
                largest[warp * TOKENS + 8 * n + 2 * lane + odd] = v;
            }
        }
    }
    __syncthreads();
    int token = threadIdx.x;
    if (token < tile.task.count) {
        float v = 0;
#pragma unroll
        for (int w = 0; w < BATCH_WARPS; w++) {
            v = fmaxf(v, largest[w * TOKENS + token]);
        }
        int cell = cell_of(v);
        units[token] = cell_unit(cell);
        *tile.cell(in, token) = (signed char)cell;
    }
    __syncthreads();
}

/* Eight neighbouring columns of h: neighbouring groups that there are, or half the rows of one. */
template <class Inner>
__device__ __forceinline__ int columns_of_run(const GateUpTile &tile, int run) {
    int groups = tile.group_rows - tile.first_group - Inner::slice(8 * run, GATE_GROUPS);
    return Inner::TOGETHER && groups > 0 ? 8 : min(8, groups);
}

/* Through shared memory, [token][in the order of h], to h: eight neighbouring columns at a time. */
template <class Inner, int TOKENS>
__device__ __forceinline__ void store_rows(const GateUpArguments &in, const GateUpTile &tile,
                                           const Products<TOKENS> &products, const float *units, __half *results) {
    constexpr int PITCH = GATE_ROWS + 8;
    constexpr int RUNS = GATE_ROWS / 8;
    int warp = threadIdx.x / WARP;
    int g = threadIdx.x % WARP / 4;
    int c = threadIdx.x % 4;
#pragma unroll
    for (int n = 0; n < TOKENS / 8; n++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int token = 8 * n + 2 * c + i % 2;
            if (token < tile.task.count) {
                results[token * PITCH + Inner::column(warp, g + 8 * (i / 2), GATE_GROUPS)] =
                    __float2half_rn(products.sums[0][n][i] * units[token]);
            }
        }
    }
    __syncthreads();
    bool aligned = Inner::TOGETHER || tile.group_rows % GATE_GROUPS == 0;
    for (int at = threadIdx.x; at < tile.task.count * RUNS; at += BATCH_THREADS) {
        int token = at / RUNS;
        int run = at % RUNS;
        int columns = columns_of_run<Inner>(tile, run);
        const __half *from = results + token * PITCH + 8 * run;
        __half *to = tile.row(in, token);
        int n = Inner::place(tile.first_group + Inner::slice(8 * run, GATE_GROUPS), Inner::value(8 * run, GATE_GROUPS),
                             tile.group_rows, in.sixteens);
        if (aligned && columns > 0) {
            uint4 v = *(const uint4 *)from;
            uint2 *pair = (uint2 *)(to + fragment_place(n));
            pair[0] = make_uint2(v.x, v.z);
            pair[2] = make_uint2(v.y, v.w);
        } else {
            for (int i = 0; i < columns; i++) {
                to[fragment_place(n + i)] = from[i];
            }
        }
    }
}

template <class Rows, int TOKENS>
__device__ __forceinline__ void gate_up(const GateUpArguments &in, unsigned char *shared) {
    GateUpTile tile;
    tile.group_rows = in.ffn / Q2_ROWS;
    tile.row_blocks = (tile.group_rows + GATE_GROUPS - 1) / GATE_GROUPS;
    tile.task = expert_task(in.offsets, in.experts, tile.row_blocks, TOKENS, shared);
    tile.first_group = tile.task.row_block * GATE_GROUPS;
    tile.pitch = (int64_t)tiles_of(in.ffn) * TILE_COLUMNS;
    const BatchTask &task = tile.task;
    if (task.count <= 0) {
        return;
    }
    clear_padding(in, tile);
    const unsigned char *block = in.blocks[task.expert];
    if (block == nullptr) {
        if (threadIdx.x == 0) {
            atomicOr(in.error, ERROR_ABSENT);
        }
        clear_rows<typename Rows::Inner>(in, tile);
        return;
    }
    int warp = threadIdx.x / WARP;
    TileRun run = tile_run<1>(in.hidden);
    Inputs<TOKENS, 1> inputs(in.x, in.hidden, shared_address(shared),
                             [&](int i) { return i < task.count ? in.order[task.first + i] / in.top_k : -1; });
    int group = min(tile.first_group + warp, tile.group_rows - 1);
    TwoBit<Rows> weights;
    weights.start({block, block + bytes_of_matrix<Rows>(in)}, {group, group}, in.ffn, in.hidden, in.pairs, false,
                  run.first, (uint4 *)(shared + stage_bytes(TOKENS, 1)) + warp * 2 * EXCHANGE_WORDS);
    Products<TOKENS> products;
    multiply_all<TOKENS, 1>(weights, inputs, run, products);
    activate<TOKENS>(in, task, 1.0f / (1 << TwoBit<Rows>::SHIFT), products);
    float *units = (float *)shared;
    float *largest = units + TOKENS;
    find_cells<TOKENS>(in, tile, products, largest, units);
    store_rows<typename Rows::Inner, TOKENS>(in, tile, products, units, (__half *)(largest + BATCH_WARPS * TOKENS));
}

#define ENTRY(SCHEME, ROWS, TOKENS, BLOCKS)                                                                                  \
    extern "C" __global__ void __launch_bounds__(BATCH_THREADS, BLOCKS)                                                      \
        gatun_batch_gate_up_##SCHEME##_n##TOKENS(const __grid_constant__ GateUpArguments arguments) {                        \
        extern __shared__ __align__(1024) unsigned char shared[];                                                             \
        gate_up<ROWS, TOKENS>(arguments, shared);                                                                            \
    }

#define ENTRIES(SCHEME, ROWS)                                                                                                \
    ENTRY(SCHEME, ROWS, 16, 2)                                                                                               \
    ENTRY(SCHEME, ROWS, 32, 2)                                                                                               \
    ENTRY(SCHEME, ROWS, 64, 1)                                                                                               \
    ENTRY(SCHEME, ROWS, 128, 1)

ENTRIES(q2, WideRows)
ENTRIES(q2n, NarrowRows)
