/*
 * batch_q2.cu   y[i][n] (+)= sum over k of W[n, k] x[i][k], W 2-bit in groups of 16 rows, many tokens: one matrix, or the
 *               same matrix of many experts (w2 of their blocks), each with its own choices
 *
 * layout   W as in layout.cuh; x[rows][columns padded to 128] fp16 and factor[rows] as rows.cu writes them; y fp32.
 *          One matrix (blocks null): W = matrix, y[t][rows] for t < tokens, accumulate != 0 adds to y.
 *          Experts: W of expert e = blocks[e] + place, and row i of x and y is the sorted choice i, offsets[e] <= i <
 *          offsets[e + 1], as gatun_group_tokens gives them. Expert without a block (null): ERROR_ABSENT, its y are zeros
 *          Names: _q2 the published scheme, _q2n Gatun's own; _n16, _n32, _n64, _n128: tokens of a block
 * bytes    the matrix once (q2 3.016, q2n 2.531 bits a weight) while ceil(tokens / N) tiles run side by side, x once for
 *          every R rows (from the L2), y once        flops  2 * rows * columns * tokens
 * bound    tensor cores from about 100 tokens a matrix on; below, the instructions that dequantize, then device memory.
 *          Best N: the smallest that holds an expert's tokens, else 128
 * launch   block 256; grid ceil(rows / R) * tiles, R = 128 for _n16 and _n32, 256 for _n64 and _n128; tiles = ceil(tokens /
 *          N) for one matrix, floor(choices / N) + min(experts, choices) for experts (blocks beyond the work leave at
 *          once); dynamic shared memory: _n16 28672, _n32 40960, _n64 40960, _n128 65536 bytes (all that sm_75 has)
 * checked in Java   tokens >= 1, rows % 16 == 0, columns % 4 == 0 (256 in sixteens), experts <= 128, 16-byte alignment of W, x;
 *          pairs = the second level's entries (q2); weights below 500 in magnitude (they are multiplied by 2^7 before they
 *          become fp16; scales below 2^-19 lose bits); y and x do not overlap
 * checked by   BatchQ2Test, BatchExpertsTest
 */
#include "batch_tile.cuh"

/* Passed by value. */
struct BatchArguments {
    const unsigned char *matrix;
    const unsigned char *const *blocks;
    int64_t place;
    const int *offsets;
    const __half *x;
    const float *factor;
    float *y;
    int *error;
    int experts;
    int tokens;
    int rows;
    int columns;
    int pairs;
    int accumulate;
    int sixteens; /* the order of the columns in q2n */
    int reserved;
};

template <class Rows, int TOKENS, int SPLIT>
__device__ __forceinline__ void batch_q2(const BatchArguments &in, unsigned char *shared) {
    constexpr int GROUPS = 2 * BATCH_WARPS / SPLIT;
    constexpr int BLOCK_ROWS = GROUPS * Q2_ROWS;
    int group_rows = in.rows / Q2_ROWS;
    int row_blocks = (group_rows + GROUPS - 1) / GROUPS;
    BatchTask task = in.blocks == nullptr ? single_task(blockIdx.x, in.tokens, TOKENS)
                                          : expert_task(in.offsets, in.experts, row_blocks, TOKENS, shared);
    if (task.count <= 0 || task.row_block >= row_blocks) {
        return;
    }
    const unsigned char *matrix = in.matrix;
    int first_group = task.row_block * GROUPS;
    if (in.blocks != nullptr) {
        const unsigned char *block = in.blocks[task.expert];
        if (block == nullptr) {
            if (threadIdx.x == 0) {
                atomicOr(in.error, ERROR_ABSENT);
            }
            for (int at = threadIdx.x; at < task.count * BLOCK_ROWS; at += BATCH_THREADS) {
                int group = first_group + at % GROUPS;
                if (group < group_rows) {
                    in.y[(int64_t)(task.first + at / BLOCK_ROWS) * in.rows + group + at % BLOCK_ROWS / GROUPS * group_rows] = 0;
                }
            }
            return;
        }
        matrix = block + in.place;
    }
    int warp = threadIdx.x / WARP;
    int group = first_group + 2 * (warp / SPLIT);
    TileRun run = tile_run<SPLIT>(in.columns);
    Inputs<TOKENS, SPLIT> inputs(in.x, in.columns, shared_address(shared),
                                 [&](int i) { return i < task.count ? task.first + i : -1; });
    TwoBit<Rows> weights;
    weights.start({matrix, matrix}, {min(group, group_rows - 1), min(group + 1, group_rows - 1)}, in.rows, in.columns,
                  in.pairs, in.sixteens, run.first, (uint4 *)(shared + stage_bytes(TOKENS, SPLIT)) + warp * 2 * EXCHANGE_WORDS);
    Products<TOKENS> products;
    multiply_all<TOKENS, SPLIT>(weights, inputs, run, products);
    constexpr float UNDO = 1.0f / (1 << TwoBit<Rows>::SHIFT);
    spread_results<TOKENS, SPLIT, GROUPS>(products, (float *)shared, first_group, 0, group_rows, task.count,
                                          [&](int token, int n, float sum) {
                                              int64_t row = task.first + token;
                                              float *at = in.y + row * in.rows + n;
                                              float v = sum * UNDO * in.factor[row];
                                              *at = in.accumulate ? *at + v : v;
                                          });
}

#define ENTRY(SCHEME, ROWS, TOKENS, SPLIT, BLOCKS)                                                                           \
    extern "C" __global__ void __launch_bounds__(BATCH_THREADS, BLOCKS)                                                      \
        gatun_batch_##SCHEME##_n##TOKENS(const __grid_constant__ BatchArguments arguments) {                                 \
        extern __shared__ __align__(1024) unsigned char shared[];                                                             \
        batch_q2<ROWS, TOKENS, SPLIT>(arguments, shared);                                                                    \
    }

#define ENTRIES(SCHEME, ROWS)                                                                                                \
    ENTRY(SCHEME, ROWS, 16, 2, 2)                                                                                            \
    ENTRY(SCHEME, ROWS, 32, 2, 2)                                                                                            \
    ENTRY(SCHEME, ROWS, 64, 1, 1)                                                                                            \
    ENTRY(SCHEME, ROWS, 128, 1, 1)

ENTRIES(q2, WideRows)
ENTRIES(q2n, NarrowRows)
