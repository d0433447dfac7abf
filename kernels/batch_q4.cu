/*
 * batch_q4.cu   y[t][n] (+)= sum over k of W[n, k] x[t][k], W 4-bit in groups of 64 rows, many tokens, up to three matrices
 *               of one input (q, k, v) in one launch
 *
 * layout   W0, W1, W2 as in layout.cuh (q4), all with the same columns; x[tokens][columns padded to 128] fp16 and
 *          factor[tokens] as gatun_rows_f16 writes them; y0[t][rows0], y1[t][rows1], y2[t][rows2] fp32; accumulate != 0
 *          adds to y. Names: _n16, _n32, _n64, _n128: tokens of a block
 * bytes    rows * columns * 4.25 / 8 while the token tiles run side by side, x once for every R rows (from the L2), y
 *          once        flops  2 * rows * columns * tokens
 * bound    tensor cores, where the grid fills the device; else latency
 * launch   block 256; grid (ceil(rows0 / R) + ceil(rows1 / R) + ceil(rows2 / R)) * ceil(tokens / N) with R = 2 * N rows of
 *          a block; rows1 or rows2 may be 0; dynamic shared memory 65536 bytes. The largest N with which the grid still
 *          has a block for each multiprocessor is best
 * checked in Java   tokens >= 1, rows % 64 == 0, columns % 4 == 0, pairs = the second level's entries of each matrix,
 *          16-byte alignment of W and x; weights below 4000 in magnitude (they are multiplied by 2^4 before they become
 *          fp16; scales below 2^-18 lose bits); x and y do not overlap
 * checked by   BatchQ4Test
 */
#include "batch_tile.cuh"

/* Passed by value. */
struct BatchQ4Arguments {
    const unsigned char *matrix[3];
    const __half *x;
    const float *factor;
    float *y[3];
    int rows[3];
    int pairs[3];
    int columns;
    int tokens;
    int accumulate;
    int reserved;
};

/* Two of the four row blocks of one group. */
struct FourBit {
    static constexpr int SHIFT = 4;

    WideScales scales;
    const unsigned char *tile; /* of the scales asked for next */
    const uint4 *codes;        /* of the tile asked for next, this lane's */
    uint4 asked[2][2];         /* [row block][half of the columns] */
    uint4 now[2];
    uint4 *exchange; /* [2][lane] of this warp */
    int column;
    int columns;
    int buffer;

    __device__ __forceinline__ void start(const unsigned char *matrix, int group, int row_block, int rows,
                                          int column_count, int pairs, int first, uint4 *warp_exchange) {
        int lane = threadIdx.x % WARP;
        int64_t tiles = tiles_of(column_count);
        exchange = warp_exchange;
        columns = column_count;
        column = first * TILE_COLUMNS + 4 * lane;
        buffer = 0;
        tile = matrix + MATRIX_HEADER + (group * tiles + first) * Q4_TILE;
        codes = (const uint4 *)tile + row_block * 2 * WARP + lane;
        scales.start(matrix, (const uint32_t *)(matrix + MATRIX_HEADER + rows / Q4_ROWS * tiles * Q4_TILE), group, columns,
                     column, pairs);
        ask_scales();
        ask_codes(0);
        ask_codes(1);
        publish();
    }

    __device__ __forceinline__ void ask_scales() {
        scales.ask(tile + 4096, column < columns);
        tile += Q4_TILE;
        column += TILE_COLUMNS;
    }

    __device__ __forceinline__ void ask_codes(int half) {
        asked[0][half] = load_once(codes + half * WARP);
        asked[1][half] = load_once(codes + (2 + half) * WARP);
        if (half == 1) {
            codes += Q4_TILE / 16;
        }
    }

    __device__ __forceinline__ void publish() {
        int lane = threadIdx.x % WARP;
        exchange[buffer * WARP + lane] = scales.scales_of_lane(1 << SHIFT, 1, CENTER_Q4);
    }

    __device__ __forceinline__ void turn(int half, bool last) {
        now[0] = asked[0][half];
        now[1] = asked[1][half];
        if (half == 0) {
            buffer ^= 1;
        }
        if (!last) {
            if (half == 0) {
                ask_scales();
            } else {
                publish();
            }
            ask_codes(half);
        }
    }

    __device__ __forceinline__ void fragment(int half, int p, int b, uint32_t (&a)[4]) const {
        uint4 s = exchange[(buffer ^ 1) * WARP + (half * 4 + p) * 4 + threadIdx.x % 4];
        const uint32_t words[4] = {now[b].x, now[b].y, now[b].z, now[b].w};
#pragma unroll
        for (int j = 0; j < 4; j++) {
            a[j] = fma_f16(widen_codes<0x000f000fu, CENTER_Q4>(words[j] >> 4 * p), j / 2 ? s.y : s.x, j / 2 ? s.w : s.z);
        }
    }
};

template <int TOKENS, int SPLIT>
__device__ __forceinline__ void batch_q4(const BatchQ4Arguments &in, unsigned char *shared) {
    BatchTask task = single_task(blockIdx.x, in.tokens, TOKENS);
    constexpr int BLOCK_ROWS = BATCH_ROWS / SPLIT;
    constexpr int BLOCK_GROUPS = BLOCK_ROWS < Q4_ROWS ? 1 : BLOCK_ROWS / Q4_ROWS;
    constexpr int BLOCK_PAIRS = BATCH_WARPS / SPLIT; /* of row blocks */
    int which = 0;
    int row_blocks = (in.rows[0] + BLOCK_ROWS - 1) / BLOCK_ROWS;
#pragma unroll
    for (int next = 1; next < 3; next++) {
        if (which == next - 1 && task.row_block >= row_blocks) {
            task.row_block -= row_blocks;
            row_blocks = (in.rows[next] + BLOCK_ROWS - 1) / BLOCK_ROWS;
            which = next;
        }
    }
    if (task.row_block >= row_blocks) {
        return;
    }
    const unsigned char *matrix = which == 0 ? in.matrix[0] : which == 1 ? in.matrix[1] : in.matrix[2];
    float *y = which == 0 ? in.y[0] : which == 1 ? in.y[1] : in.y[2];
    int rows = which == 0 ? in.rows[0] : which == 1 ? in.rows[1] : in.rows[2];
    int pairs = which == 0 ? in.pairs[0] : which == 1 ? in.pairs[1] : in.pairs[2];
    int group_rows = rows / Q4_ROWS;
    int first_pair = task.row_block * BLOCK_PAIRS;
    int warp = threadIdx.x / WARP;
    int pair = first_pair + warp / SPLIT;
    TileRun run = tile_run<SPLIT>(in.columns);
    Inputs<TOKENS, SPLIT> inputs(in.x, in.columns, shared_address(shared),
                                 [&](int i) { return i < task.count ? task.first + i : -1; });
    FourBit weights;
    weights.start(matrix, min(pair / 2, group_rows - 1), pair % 2 * 2, rows, in.columns, pairs, run.first,
                  (uint4 *)(shared + stage_bytes(TOKENS, SPLIT)) + warp * 2 * EXCHANGE_WORDS);
    Products<TOKENS> products;
    multiply_all<TOKENS, SPLIT>(weights, inputs, run, products);
    constexpr float UNDO = 1.0f / (1 << FourBit::SHIFT);
    spread_results<TOKENS, SPLIT, BLOCK_GROUPS>(products, (float *)shared, first_pair / 2, first_pair % 2 * 32, group_rows,
                                                task.count, [&](int token, int n, float sum) {
                                                    int64_t row = task.first + token;
                                                    float *at = y + row * rows + n;
                                                    float v = sum * UNDO * in.factor[row];
                                                    *at = in.accumulate ? *at + v : v;
                                                });
}

#define ENTRY(TOKENS, SPLIT, BLOCKS)                                                                                         \
    extern "C" __global__ void __launch_bounds__(BATCH_THREADS, BLOCKS)                                                      \
        gatun_batch_q4_n##TOKENS(const __grid_constant__ BatchQ4Arguments arguments) {                                       \
        extern __shared__ __align__(1024) unsigned char shared[];                                                             \
        batch_q4<TOKENS, SPLIT>(arguments, shared);                                                                          \
    }

ENTRY(16, 8, 2)
ENTRY(32, 4, 2)
ENTRY(64, 2, 1)
ENTRY(128, 1, 1)
