/*
 * batch_dense.cu   y[t][n] (+)= sum over k of W[n, k] x[t][k], W unquantized (lm_head, unquantized models), many tokens
 *
 * layout   W[rows][columns] fp32, fp16 or bf16; x[tokens][columns padded to 128] fp16 and factor[tokens] as gatun_rows_f16
 *          writes them; y[t][rows] fp32; accumulate != 0 adds to y. Names: _f32, _f16, _bf16 the type of W; _n16, _n64
 *          and, but for fp32, _n128: tokens of a block
 * bytes    rows * columns * (2 or 4) while the token tiles run side by side, x once for every R rows (from the L2), y
 *          once        flops  2 * rows * columns * tokens
 * bound    tensor cores, where the grid fills the device and tokens are many; else device memory
 * launch   block 256; grid ceil(rows / R) * ceil(tokens / N) with R = 2 * N rows of a block; dynamic shared memory 65536
 *          bytes
 * checked in Java   tokens >= 1, columns % 4 == 0, 16-byte alignment of W and x; x and y do not overlap. fp32 and bf16 are
 *          multiplied by 2^exponent before they are rounded to fp16: the largest |W| * 2^exponent at most 2^15 (a bf16
 *          then stays exact down to 2^-29 of the largest); exponent -126 to 126, and 0 for fp16, which is taken as it is
 * checked by   BatchDenseTest
 */
#include "batch_tile.cuh"

/* Passed by value. */
struct BatchDenseArguments {
    const void *matrix;
    const __half *x;
    const float *factor;
    float *y;
    int rows;
    int columns;
    int tokens;
    int exponent;
    int accumulate;
    int reserved;
};

/* Four neighbouring columns of a row. */
template <int TYPE>
struct Four;

template <>
struct Four<TYPE_F16> {
    static constexpr int BYTES = 2;
    uint2 bits;
    __device__ __forceinline__ void load(const unsigned char *at) { bits = load_once((const uint2 *)at); }
    __device__ __forceinline__ uint2 halves(float) const { return bits; }
};

template <>
struct Four<TYPE_BF16> {
    static constexpr int BYTES = 2;
    uint2 bits;
    __device__ __forceinline__ void load(const unsigned char *at) { bits = load_once((const uint2 *)at); }
    __device__ __forceinline__ uint2 halves(float unit) const {
        float2 a = unpack_bf16(bits.x);
        float2 b = unpack_bf16(bits.y);
        return make_uint2(pack_f16(a.x * unit, a.y * unit), pack_f16(b.x * unit, b.y * unit));
    }
};

template <>
struct Four<TYPE_F32> {
    static constexpr int BYTES = 4;
    float v[4];
    __device__ __forceinline__ void load(const unsigned char *at) {
        uint4 bits = load_once((const uint4 *)at);
        v[0] = __uint_as_float(bits.x), v[1] = __uint_as_float(bits.y);
        v[2] = __uint_as_float(bits.z), v[3] = __uint_as_float(bits.w);
    }
    __device__ __forceinline__ uint2 halves(float unit) const {
        return make_uint2(pack_f16(v[0] * unit, v[1] * unit), pack_f16(v[2] * unit, v[3] * unit));
    }
};

/*
 * Two row blocks of neighbouring rows: a lane has rows g and g + 8 of each. What is asked for is one stage ahead, sixteen
 * columns at a time as they are used up. Rows beyond the last are read as the last.
 */
template <int TYPE>
struct Dense {
    using Value = Four<TYPE>;

    Value asked[4][2][2]; /* [p][row block][row g or g + 8] */
    const unsigned char *from[2][2];
    int column; /* of the lane at p = 0, in the stage asked for next */
    int columns;
    bool whole; /* all columns of that stage are there */
    float unit;

    __device__ __forceinline__ void start(const void *matrix, int first_row, int rows, int column_count, int first, float scale) {
        int lane = threadIdx.x % WARP;
        columns = column_count;
        column = first * TILE_COLUMNS + 4 * (lane % 4);
        whole = column + STAGE_COLUMNS <= columns;
        unit = scale;
#pragma unroll
        for (int b = 0; b < 2; b++) {
#pragma unroll
            for (int i = 0; i < 2; i++) {
                int row = min(first_row + 16 * b + 8 * i + lane / 4, rows - 1);
                from[b][i] = (const unsigned char *)matrix + ((int64_t)row * columns + column) * Value::BYTES;
            }
        }
#pragma unroll
        for (int p = 0; p < 4; p++) {
            ask(p, 0);
            ask(p, 1);
        }
        advance();
    }

    __device__ __forceinline__ void advance() {
        column += STAGE_COLUMNS;
        whole = column + STAGE_COLUMNS <= columns;
#pragma unroll
        for (int b = 0; b < 2; b++) {
#pragma unroll
            for (int i = 0; i < 2; i++) {
                from[b][i] += STAGE_COLUMNS * Value::BYTES;
            }
        }
    }

    /* A lane whose columns are beyond the last reads the last ones: inputs are zeros there. */
    __device__ __forceinline__ void ask(int p, int b) {
        int back = whole ? 0 : min(0, columns - 4 - (column + 16 * p));
#pragma unroll
        for (int i = 0; i < 2; i++) {
            asked[p][b][i].load(from[b][i] + 16 * p * Value::BYTES + (int64_t)back * Value::BYTES);
        }
    }

    __device__ __forceinline__ void turn(int, bool) {}

    __device__ __forceinline__ void fragment(int, int p, int b, uint32_t (&a)[4]) {
        uint2 top = asked[p][b][0].halves(unit);
        uint2 bottom = asked[p][b][1].halves(unit);
        a[0] = top.x, a[1] = bottom.x, a[2] = top.y, a[3] = bottom.y;
        ask(p, b);
        if (p == 3 && b == 1) {
            advance();
        }
    }
};

template <int TYPE, int TOKENS, int SPLIT>
__device__ __forceinline__ void batch_dense(const BatchDenseArguments &in, unsigned char *shared) {
    BatchTask task = single_task(blockIdx.x, in.tokens, TOKENS);
    constexpr int BLOCK_ROWS = BATCH_ROWS / SPLIT;
    int first_row = task.row_block * BLOCK_ROWS;
    if (first_row >= in.rows) {
        return;
    }
    TileRun run = tile_run<SPLIT>(in.columns);
    Inputs<TOKENS, SPLIT> inputs(in.x, in.columns, shared_address(shared),
                                 [&](int i) { return i < task.count ? task.first + i : -1; });
    Dense<TYPE> weights;
    weights.start(in.matrix, first_row + (int)threadIdx.x / WARP / SPLIT * 32, in.rows, in.columns, run.first,
                  power_of_two(in.exponent));
    Products<TOKENS> products;
    multiply_all<TOKENS, SPLIT>(weights, inputs, run, products);
    float undo = TYPE == TYPE_F16 ? 1 : power_of_two(-in.exponent);
    spread_results<TOKENS, SPLIT, BLOCK_ROWS>(products, (float *)shared, first_row, 0, in.rows, task.count,
                                              [&](int token, int n, float sum) {
                                                  int64_t row = task.first + token;
                                                  float *at = in.y + row * in.rows + n;
                                                  float v = sum * undo * in.factor[row];
                                                  *at = in.accumulate ? *at + v : v;
                                              });
}

#define ENTRY(NAME, TYPE, TOKENS, SPLIT, BLOCKS)                                                                             \
    extern "C" __global__ void __launch_bounds__(BATCH_THREADS, BLOCKS)                                                      \
        gatun_batch_dense_##NAME##_n##TOKENS(const __grid_constant__ BatchDenseArguments arguments) {                        \
        extern __shared__ __align__(1024) unsigned char shared[];                                                             \
        batch_dense<TYPE, TOKENS, SPLIT>(arguments, shared);                                                                 \
    }

ENTRY(f16, TYPE_F16, 16, 8, 2)
ENTRY(f16, TYPE_F16, 64, 2, 1)
ENTRY(f16, TYPE_F16, 128, 1, 1)
ENTRY(bf16, TYPE_BF16, 16, 8, 2)
ENTRY(bf16, TYPE_BF16, 64, 2, 1)
ENTRY(bf16, TYPE_BF16, 128, 1, 1)
ENTRY(f32, TYPE_F32, 16, 8, 2)
ENTRY(f32, TYPE_F32, 64, 2, 1)
