/*
 * matvec_q4.cu   y[t][n] = (y[t][n] +) sum over k of W[n, k] x'[t][k], W 4-bit in groups of 64 rows, 1 to 8 tokens, up to
 *                three matrices of one input (q, k, v) in one launch; x' = x, or RMSNorm(x) * norm
 *
 * layout   W0, W1, W2 as in layout.cuh (q4), all with the same columns; x[t][columns], norm[columns] (null: none),
 *          y0[t][rows0], y1[t][rows1], y2[t][rows2], all fp32; accumulate != 0 adds to y
 * bytes    rows * columns * 4.25 / 8        bound: device memory reads
 * launch   block 256; grid 2 * (rows0 + rows1 + rows2) / 64; no dynamic shared memory; rows1 or rows2 may be 0.
 *          Names: _t1, _t2, _t4, _t8 the most tokens
 * checked in Java   1 <= tokens <= T, rows % 64 == 0, columns % 4 == 0, pairs = the second level's entries of each matrix,
 *          16-byte alignment of W, x and norm; scales below 128 in magnitude; x and y do not overlap
 * checked by   MatvecQ4Test
 *
 * A block takes half the rows of one group row and all columns; its warps take the tiles in turn, without waiting for each
 * other, and add their sums in order of the warp. RMSNorm's factor multiplies the finished sums. The products are those of
 * q2_stream.cuh: codes and zero codes exact, scale * x in fp16 after a power of two of each warp and token was taken out.
 * What that rounds off is multiplied too: with up to 4 tokens in columns of the tensor core's tile that tokens leave free, with
 * more in products of its own.
 */
#include "layout.cuh"

constexpr int Q4_WARPS = 8;
constexpr int Q4_THREADS = Q4_WARPS * WARP;
constexpr int Q4_AHEAD = 2; /* tiles in flight in a warp */
constexpr int Q4_BLOCKS = 2; /* row blocks of 16 a block takes */
constexpr int Q4_SPLITS = Q4_ROWS / 16 / Q4_BLOCKS;
constexpr uint32_t ONES = 0x3c003c00u; /* fp16 1, 1 */
constexpr int Q4_PARTS = 2; /* of scale * x: rounded to fp16, and what that took off */

/* Columns of the tensor core's tile that a token has: one for each part, or one, and then a product for each part. */
__host__ __device__ constexpr int q4_columns(int tokens) {
    return tokens <= 4 ? Q4_PARTS : 1;
}

struct Q4Tile {
    uint4 codes[Q4_BLOCKS][2];
    uint32_t scales;
    uint32_t zeros;
    uint32_t second[4]; /* of the lane's four columns */

    __device__ __forceinline__ void load_second(const uint32_t *entries, int pairs, int pair) {
        if (pairs % 4 == 0) {
            uint4 four = *(const uint4 *)(entries + pair);
            second[0] = four.x, second[1] = four.y, second[2] = four.z, second[3] = four.w;
            return;
        }
#pragma unroll
        for (int i = 0; i < 4; i++) {
            second[i] = entries[pair];
            pair = pair + 1 == pairs ? 0 : pair + 1;
        }
    }

    __device__ __forceinline__ void load(const unsigned char *tile, int split, int lane) {
#pragma unroll
        for (int b = 0; b < Q4_BLOCKS; b++) {
#pragma unroll
            for (int d = 0; d < 2; d++) {
                codes[b][d] = load_once((const uint4 *)tile + ((split * Q4_BLOCKS + b) * 2 + d) * WARP + lane);
            }
        }
        scales = load_once((const uint32_t *)(tile + 4096) + lane);
        zeros = load_once((const uint32_t *)(tile + 4224) + lane);
    }
};

struct Q4Input {
    const float *x;
    const float *norm;
    float epsilon;
    int columns;
    int tokens;
};

/* Each warp adds its tiles in rising order, the block its warps likewise. */
template <int TOKENS>
struct Q4Shared {
    uint4 exchange[Q4_WARPS][Q4_PARTS * 16 * TOKENS]; /* [columns' first or second part][4 pairs of products][column][4] */
    float factor[Q4_WARPS][TOKENS];  /* what a warp multiplies x by: 2^e */
    float inverse[Q4_WARPS][TOKENS]; /* 2^-e */
    float squares[Q4_WARPS][TOKENS]; /* sum of the squares of the warp's columns */
};

/* x of one token, and norm, of a lane's columns in four tiles of a warp: in flight together. */
struct Q4Peek {
    static constexpr int TILES = 4;
    float4 x[TILES];
    float4 norm[TILES];

    __device__ __forceinline__ void load(const Q4Input &in, int token, int kt, int lane) {
#pragma unroll
        for (int i = 0; i < TILES; i++) {
            int column = (kt + i * Q4_WARPS) * TILE_COLUMNS + 4 * lane;
            bool inside = column < in.columns && token < in.tokens;
            norm[i] = inside && in.norm != nullptr ? *(const float4 *)(in.norm + column) : make_float4(1, 1, 1, 1);
            x[i] = inside ? *(const float4 *)(in.x + (int64_t)token * in.columns + column) : make_float4(0, 0, 0, 0);
        }
    }

    __device__ __forceinline__ void add(float &squares, float &largest) const {
#pragma unroll
        for (int i = 0; i < TILES; i++) {
            float4 v = x[i];
            float4 w = norm[i];
            squares += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
            largest = fmaxf(largest, fmaxf(fmaxf(fabsf(v.x * w.x), fabsf(v.y * w.y)), fmaxf(fabsf(v.z * w.z), fabsf(v.w * w.w))));
        }
    }
};

/*
 * What a warp must know of x before its first product: the power of two that keeps |x * norm| of its columns below 256.
 * The factor of RMSNorm is the same for all columns and multiplies the finished sums. `peek` holds token 0's first tiles.
 */
template <int TOKENS>
__device__ __forceinline__ void prepare_warp(const Q4Input &in, Q4Peek &peek, int warp, int lane, Q4Shared<TOKENS> &shared) {
#pragma unroll
    for (int token = 0; token < TOKENS; token++) {
        float squares = 0;
        float largest = 0;
        for (int kt = warp; kt < tiles_of(in.columns); kt += Q4Peek::TILES * Q4_WARPS) {
            if (kt != warp || token != 0) {
                peek.load(in, token, kt, lane);
            }
            peek.add(squares, largest);
        }
        squares = warp_sum(squares);
        int e = max(-100, min(100, exponent_to(warp_max(largest), 8)));
        if (lane == 0) {
            shared.squares[warp][token] = squares;
            shared.factor[warp][token] = power_of_two(e);
            shared.inverse[warp][token] = power_of_two(-e);
        }
    }
    __syncwarp();
}

template <int TOKENS>
struct Q4Sums {
    float codes[Q4_BLOCKS][2][4]; /* [row block][factor 16^p] */
    float zeros[TOKENS][4];
};

/* Adds the products of a tile's codes with the values at `source` and on. */
template <int TOKENS>
__device__ __forceinline__ void add_codes(const Q4Tile &tile, const uint4 *source, Q4Sums<TOKENS> &sums) {
    constexpr int COLUMNS = TOKENS * q4_columns(TOKENS);
#pragma unroll
    for (int d = 0; d < 2; d++) {
        uint4 first = source[2 * d * COLUMNS * 4];
        uint4 last = source[(2 * d + 1) * COLUMNS * 4];
#pragma unroll
        for (int b = 0; b < Q4_BLOCKS; b++) {
            uint4 w = tile.codes[b][d];
            constexpr uint32_t LOW = 0x000f000fu;
            constexpr uint32_t HIGH = 0x00f000f0u;
            multiply_tile(sums.codes[b][0], w.x & LOW, w.y & LOW, w.z & LOW, w.w & LOW, first.x, first.y);
            multiply_tile(sums.codes[b][1], w.x & HIGH, w.y & HIGH, w.z & HIGH, w.w & HIGH, first.z, first.w);
            w = make_uint4(w.x >> 8, w.y >> 8, w.z >> 8, w.w >> 8);
            multiply_tile(sums.codes[b][0], w.x & LOW, w.y & LOW, w.z & LOW, w.w & LOW, last.x, last.y);
            multiply_tile(sums.codes[b][1], w.x & HIGH, w.y & HIGH, w.z & HIGH, w.w & HIGH, last.z, last.w);
        }
    }
}

template <int TOKENS>
__device__ __forceinline__ void add_tile(const Q4Tile &tile, const Q4Input &in, int kt, Q4Shared<TOKENS> &shared, int lane, Q4Sums<TOKENS> &sums) {
    int g = lane / 4;
    int c = lane % 4;
    int column = kt * TILE_COLUMNS + 4 * lane;
    bool inside = column < in.columns;
    float scale[4] = {0, 0, 0, 0};
    if (inside) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            float2 v = unpack_f16(tile.second[i]);
            scale[i] = ((float)(tile.scales >> 8 * i & 255) - v.y) * v.x;
        }
        if (in.norm != nullptr) {
            float4 w = *(const float4 *)(in.norm + column);
            scale[0] *= w.x, scale[1] *= w.y, scale[2] *= w.z, scale[3] *= w.w;
        }
    }
    uint32_t z01 = __byte_perm(tile.zeros, 0, 0x4140);
    uint32_t z23 = __byte_perm(tile.zeros, 0, 0x4342);
    constexpr int EACH = q4_columns(TOKENS);
    constexpr int COLUMNS = TOKENS * EACH;
    uint4 *buffer = shared.exchange[threadIdx.x / WARP];
    uint2 *out = (uint2 *)(buffer + (g / 2 * COLUMNS) * 4 + c) + (g & 1);
    __syncwarp();
#pragma unroll
    for (int t = 0; t < TOKENS; t++) {
        float4 x = make_float4(0, 0, 0, 0);
        if (inside && t < in.tokens) {
            x = *(const float4 *)(in.x + (int64_t)t * in.columns + column);
        }
        float f = shared.factor[threadIdx.x / WARP][t];
        float4 left = make_float4(scale[0] * (x.x * f), scale[1] * (x.y * f), scale[2] * (x.z * f), scale[3] * (x.w * f));
#pragma unroll
        for (int part = 0; part < Q4_PARTS; part++) {
            uint2 v = take_f16(left);
            out[8 * (t * EACH + part % EACH) + part / EACH * 2 * 16 * COLUMNS] = v;
            multiply_tile(sums.zeros[t], z01, ONES, z23, ONES, v.x, v.y);
        }
    }
    __syncwarp();
#pragma unroll 1
    for (int pass = 0; pass < Q4_PARTS / EACH; pass++) {
        add_codes<TOKENS>(tile, buffer + pass * 16 * COLUMNS + min(g, COLUMNS - 1) * 4 + c, sums);
    }
}

/* One matrix's share of a block: group row `group`, row blocks `split` and on. */
template <int TOKENS>
__device__ __forceinline__ void multiply_rows(const unsigned char *matrix, int rows, int pairs, int group, int split,
                                              const Q4Input &in, float *y, int accumulate, Q4Shared<TOKENS> &shared) {
    __shared__ float partial[Q4_WARPS][TOKENS][Q4_BLOCKS * 16];
    int warp = threadIdx.x / WARP;
    int lane = threadIdx.x % WARP;
    int tiles = tiles_of(in.columns);
    int group_rows = rows / Q4_ROWS;
    const unsigned char *first = matrix + MATRIX_HEADER + (int64_t)group * tiles * Q4_TILE;
    const uint32_t *second = (const uint32_t *)(matrix + MATRIX_HEADER + (int64_t)group_rows * tiles * Q4_TILE);
    int base = (int)((unsigned)group * (unsigned)in.columns % (unsigned)pairs);

    /* One output a thread. What is read of activations is asked for before the weights, behind which it would come last. */
    int token = threadIdx.x / (Q4_BLOCKS * 16);
    int row = threadIdx.x % (Q4_BLOCKS * 16);
    float *output = y + (int64_t)token * rows + group + (int64_t)(split * Q4_BLOCKS * 16 + row) * group_rows;
    float before = token < in.tokens && accumulate ? *output : 0;
    Q4Peek peek;
    peek.load(in, 0, warp, lane);

    Q4Tile tile[Q4_AHEAD];
    auto load = [&](Q4Tile &to, int at) {
        to.load(first + (int64_t)at * Q4_TILE, split, lane);
        int column = at * TILE_COLUMNS + 4 * lane;
        if (column < in.columns) {
            to.load_second(second, pairs, (int)((unsigned)(base + column) % (unsigned)pairs));
        }
    };
#pragma unroll
    for (int i = 0; i < Q4_AHEAD; i++) {
        if (warp + i * Q4_WARPS < tiles) {
            load(tile[i], warp + i * Q4_WARPS);
        }
    }
    prepare_warp<TOKENS>(in, peek, warp, lane, shared);
    Q4Sums<TOKENS> sums = {};
    for (int kt = warp; kt < tiles; kt += Q4_AHEAD * Q4_WARPS) {
#pragma unroll
        for (int i = 0; i < Q4_AHEAD; i++) {
            int at = kt + i * Q4_WARPS;
            if (at < tiles) {
                add_tile<TOKENS>(tile[i], in, at, shared, lane, sums);
            }
            if (at + Q4_AHEAD * Q4_WARPS < tiles) {
                load(tile[i], at + Q4_AHEAD * Q4_WARPS);
            }
        }
    }
    float zero_scale = ((const float *)matrix)[0];
    float zero_zero = ((const float *)matrix)[1];
    int g = lane / 4;
    float correction[TOKENS];
#pragma unroll
    for (int t = 0; t < TOKENS; t++) {
        float codes = g & 1 ? sums.zeros[t][1] : sums.zeros[t][0];
        float ones = g & 1 ? sums.zeros[t][3] : sums.zeros[t][2];
        correction[t] = warp_sum(lane % 4 == g / 2 ? zero_scale * (0x1p24f * codes - zero_zero * ones) : 0);
    }
    constexpr int EACH = q4_columns(TOKENS);
#pragma unroll
    for (int b = 0; b < Q4_BLOCKS; b++) {
#pragma unroll
        for (int i = 0; i < 4; i += EACH) {
            int its_token = (2 * (lane % 4) + (i & 1)) / EACH;
            float subtract = correction[0];
#pragma unroll
            for (int t = 1; t < TOKENS; t++) {
                subtract = t == its_token ? correction[t] : subtract;
            }
            float sum = 0;
#pragma unroll
            for (int part = EACH - 1; part >= 0; part--) {
                sum += sums.codes[b][0][i + part] + 0x1p-4f * sums.codes[b][1][i + part];
            }
            if (its_token < TOKENS) {
                partial[warp][its_token][16 * b + g + 8 * (i / 2)] = 0x1p24f * sum - subtract;
            }
        }
    }
    __syncthreads();
    if (token < in.tokens) {
        float sum = 0;
        float squares = 0;
#pragma unroll
        for (int w = 0; w < Q4_WARPS; w++) {
            sum += shared.inverse[w][token] * partial[w][token][row];
            squares += shared.squares[w][token];
        }
        float norm = in.norm != nullptr ? rsqrtf(squares / in.columns + in.epsilon) : 1;
        *output = before + norm * sum;
    }
}

template <int TOKENS>
__device__ __forceinline__ void matvec_q4(const unsigned char *w0, const unsigned char *w1, const unsigned char *w2,
                                          int rows0, int rows1, int rows2, int pairs0, int pairs1, int pairs2, int columns,
                                          const float *x, const float *norm, float epsilon, float *y0, float *y1, float *y2,
                                          int tokens, int accumulate) {
    __shared__ Q4Shared<TOKENS> shared;
    Q4Input in = {x, norm, epsilon, columns, tokens};
    int share = blockIdx.x;
    const unsigned char *w = w0;
    float *y = y0;
    int rows = rows0;
    int pairs = pairs0;
    if (share >= rows / Q4_ROWS * Q4_SPLITS) {
        share -= rows / Q4_ROWS * Q4_SPLITS;
        w = w1, y = y1, rows = rows1, pairs = pairs1;
        if (share >= rows / Q4_ROWS * Q4_SPLITS) {
            share -= rows / Q4_ROWS * Q4_SPLITS;
            w = w2, y = y2, rows = rows2, pairs = pairs2;
        }
    }
    multiply_rows<TOKENS>(w, rows, pairs, share / Q4_SPLITS, share % Q4_SPLITS, in, y, accumulate, shared);
}

#define ENTRY(TOKENS)                                                                                                        \
    extern "C" __global__ void __launch_bounds__(Q4_THREADS, 2) gatun_matvec_q4_t##TOKENS(                                      \
        const unsigned char *w0, const unsigned char *w1, const unsigned char *w2, int rows0, int rows1, int rows2,          \
        int pairs0, int pairs1, int pairs2, int columns, const float *x, const float *norm, float epsilon, float *y0,        \
        float *y1, float *y2, int tokens, int accumulate) {                                                                  \
        matvec_q4<TOKENS>(w0, w1, w2, rows0, rows1, rows2, pairs0, pairs1, pairs2, columns, x, norm, epsilon, y0, y1, y2,    \
                          tokens, accumulate);                                                                               \
    }

ENTRY(1)
ENTRY(2)
ENTRY(4)
ENTRY(8)
