/*
 * batch_tile.cuh   products of one weight matrix, or of many experts', with many tokens: what the formats share
 *
 *   y[t][n] = sum over k of W[n, k] x[t][k]
 *
 * A block takes 256 / SPLIT weight rows (the M of the tensor core) and TOKENS tokens (its N), all columns; a warp takes two
 * row blocks of 16, all of the block's tokens and one of SPLIT runs of columns (more than one where tokens are few: blocks
 * of fewer rows fill the device), which are added in rising order at the end. Weights go from global memory to registers, one step ahead, become fp16
 * there, each rounded to fp16 after a power of two that suits its format, and never touch shared memory: the layout of
 * quantized tiles (layout.cuh) is the register order of the A operand. Inputs are fp16 rows as rows.cu writes them, the B
 * operand, and pass through three stages of shared memory, 64 columns each. Sums are fp32, in rising order of columns.
 *
 * Scales and zeros differ by column, and a lane needs those of four columns in each sixteen: a warp turns the codes of a
 * tile into { scale, -zero * scale } once, in its own piece of shared memory, one tile ahead.
 *
 * Rows of a group are strided in y, so a block takes neighbouring groups and its results pass through shared memory:
 * stores are runs of as many floats as a block has groups.
 *
 * Where the work is over many experts, the blocks of one expert that share weights are neighbours in the grid, and the
 * grid is as large as the choices can make it: blocks without work leave at once.
 */
#pragma once

#include "layout.cuh"

constexpr int BATCH_WARPS = 8;
constexpr int BATCH_THREADS = BATCH_WARPS * WARP;
constexpr int BATCH_ROWS = 2 * 16 * BATCH_WARPS; /* of a block whose warps all have the same columns */
constexpr int STAGE_COLUMNS = 64;
constexpr int STAGES = 3;
constexpr int ROW_BYTES = 2 * STAGE_COLUMNS; /* of one token in one stage */
constexpr int EXCHANGE_WORDS = 2 * WARP;     /* uint4 of one warp and one tile: two row blocks by 128 columns */
constexpr int BATCH_MAX_EXPERTS = 128;

/* Tokens whose results pass through shared memory at once. */
__host__ __device__ constexpr int pass_tokens(int tokens) {
    return tokens / 4 < 8 ? 8 : tokens / 4;
}

/* The exchange, which is double, lies behind the stages; results overlay both. */
__host__ __device__ constexpr int stage_bytes(int tokens, int split) {
    return STAGES * split * tokens * ROW_BYTES;
}

/* The columns, in tiles, of one warp out of SPLIT. */
struct TileRun {
    int first;
    int count;
    int longest; /* of all warps */
};

template <int SPLIT>
__device__ __forceinline__ TileRun tile_run(int columns) {
    int tiles = tiles_of(columns);
    int each = (tiles + SPLIT - 1) / SPLIT;
    int first = (int)threadIdx.x / WARP % SPLIT * each;
    return {min(first, tiles - 1), max(0, min(each, tiles - first)), each};
}

/* ---- asynchronous copies ------------------------------------------------------------------------------------------- */

/* Sixteen bytes to shared memory; zeros where there is nothing to copy. Before sm_80 the copy is done at once. */
__device__ __forceinline__ void copy_ahead(uint32_t to, const void *from, bool there) {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(there ? 16 : 0) : "memory");
#else
    uint4 v = there ? *(const uint4 *)from : make_uint4(0, 0, 0, 0);
    asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(to), "r"(v.x), "r"(v.y), "r"(v.z), "r"(v.w) : "memory");
#endif
}

__device__ __forceinline__ void close_copies() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

/* All but the last `OPEN` closed groups have arrived. */
template <int OPEN>
__device__ __forceinline__ void await_copies() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(OPEN) : "memory");
#endif
}

__device__ __forceinline__ void load_matrices(uint32_t (&v)[4], uint32_t from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3])
                 : "r"(from)
                 : "memory");
}

/* ---- inputs -------------------------------------------------------------------------------------------------------- */

/*
 * The stages of x. Chunk c (of eight, sixteen bytes each) of token t lies at chunk c ^ (t % 8) of its row: neither the
 * copies nor the loads of matrices meet the same bank twice.
 */
template <int TOKENS, int SPLIT>
struct Inputs {
    static constexpr int CHUNKS = SPLIT * TOKENS * 8; /* of a stage: [run of columns][token][chunk] */
    static constexpr int COPIES = (CHUNKS + BATCH_THREADS - 1) / BATCH_THREADS;
    static constexpr int BYTES = SPLIT * TOKENS * ROW_BYTES;

    const uint4 *x;
    uint32_t at[COPIES]; /* in units of sixteen bytes */
    int stages[COPIES];  /* that there are: 0 where there is no token */
    uint32_t shared;
    uint32_t to;

    /* `row_of(i)`: which row of x is token i of the tile, or -1. */
    template <class RowOf>
    __device__ __forceinline__ Inputs(const __half *rows, int columns, uint32_t shared, RowOf row_of)
        : x((const uint4 *)rows), shared(shared) {
        int chunk = threadIdx.x % 8;
        int tiles = tiles_of(columns);
        int each = (tiles + SPLIT - 1) / SPLIT;
#pragma unroll
        for (int i = 0; i < COPIES; i++) {
            int line = threadIdx.x / 8 + i * (BATCH_THREADS / 8);
            int run = line / TOKENS;
            int row = run < SPLIT ? row_of(line % TOKENS) : -1;
            int left = tiles - run * each;
            bool there = row >= 0 && left > 0;
            at[i] = there ? (uint32_t)row * (uint32_t)tiles * (TILE_COLUMNS / 8) + run * each * (TILE_COLUMNS / 8) + chunk
                          : 0;
            stages[i] = there ? 2 * left : 0;
        }
        int line = threadIdx.x / 8;
        to = shared + line * ROW_BYTES + ((chunk ^ (line % 8)) * 16);
    }

    /* Asks for stage `stage` of each run of columns. */
    __device__ __forceinline__ void ask(int stage, int buffer) const {
#pragma unroll
        for (int i = 0; i < COPIES; i++) {
            if (CHUNKS % BATCH_THREADS == 0 || threadIdx.x < CHUNKS) {
                copy_ahead(to + buffer * BYTES + i * (BATCH_THREADS / 8 * ROW_BYTES),
                           x + at[i] + (stage < stages[i] ? stage * (STAGE_COLUMNS / 8) : 0), stage < stages[i]);
            }
        }
    }
};

/*
 * Where column `column` lies in a row of fp16 inputs: within each sixteen in the order in which a lane of the tensor core
 * meets the columns of a quantized tile (4c, 4c + 1 in the first half of k, 4c + 2, 4c + 3 in the second).
 */
__device__ __forceinline__ int fragment_place(int column) {
    return (column & ~15) | (column & 2) << 2 | (column & 12) >> 1 | (column & 1);
}

/* ---- weights ------------------------------------------------------------------------------------------------------- */

/*
 * Weights in registers offer
 *   SHIFT                   weights are multiplied by 2^SHIFT
 *   start(...)              before the first stage
 *   turn(half, last)        at the beginning of each stage: half 0 or 1 of a tile of 128 columns, `last`: no tile follows
 *   fragment(half, p, b, a) columns 16p .. 16p + 15 of the stage as the A operand of row block b
 */

/* Bytes 0 to 3 of a word as floats. */
__device__ __forceinline__ void widen_bytes(uint32_t word, float (&v)[4]) {
    v[0] = __uint_as_float(__byte_perm(word, 0x4b000000u, 0x7540)) - 0x1p23f;
    v[1] = __uint_as_float(__byte_perm(word, 0x4b000000u, 0x7541)) - 0x1p23f;
    v[2] = __uint_as_float(__byte_perm(word, 0x4b000000u, 0x7542)) - 0x1p23f;
    v[3] = __uint_as_float(__byte_perm(word, 0x4b000000u, 0x7543)) - 0x1p23f;
}

/*
 * Four columns of { scale, (center - zero) * scale }, in pairs, as a lane of the product wants them. A weight is
 * (code - center) * scale + (center - zero) * scale: with a whole number near the zeros in between, both terms are small
 * and so is what the rounding of the two factors to fp16 does to their sum.
 */
__device__ __forceinline__ uint4 pack_scales(const float (&scale)[4], const float (&zero)[4], float center) {
    return make_uint4(pack_f16(scale[0], scale[1]), pack_f16(scale[2], scale[3]),
                      pack_f16((center - zero[0]) * scale[0], (center - zero[1]) * scale[1]),
                      pack_f16((center - zero[2]) * scale[2], (center - zero[3]) * scale[3]));
}

constexpr uint32_t MAGIC = 0x64006400u; /* fp16 1024: its last bits count units */
constexpr uint32_t MINUS_MAGIC = 0xe400e400u;

constexpr int CENTER_Q2 = 2;
constexpr int CENTER_Q4 = 8;

/* The codes under MASK less the center (in the mask's own place), as two fp16, exact. The instruction is written out: the
 * compiler makes two of it. */
template <uint32_t MASK, uint32_t CENTER>
__device__ __forceinline__ uint32_t widen_codes(uint32_t word) {
    uint32_t v;
    asm("lop3.b32 %0, %1, %2, %3, 0xea;" : "=r"(v) : "r"(word), "n"(MASK), "r"(MAGIC));
    return add_f16(v, MINUS_MAGIC + CENTER * 0x00010001u);
}

/* Weights' scales that may not be there: zeros then. */
__device__ __forceinline__ uint4 load_where(const uint4 *address, bool there) {
    uint4 v;
    asm volatile("{\n .reg .pred p;\n setp.ne.u32 p, %5, 0;\n mov.u32 %0, 0;\n mov.u32 %1, 0;\n mov.u32 %2, 0;\n"
                 " mov.u32 %3, 0;\n @p ld.global.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];\n}"
                 : "=&r"(v.x), "=&r"(v.y), "=&r"(v.z), "=&r"(v.w)
                 : "l"(address), "r"((int)there));
    return v;
}

__device__ __forceinline__ uint2 load_where(const uint2 *address, bool there) {
    uint2 v;
    asm volatile("{\n .reg .pred p;\n setp.ne.u32 p, %3, 0;\n mov.u32 %0, 0;\n mov.u32 %1, 0;\n"
                 " @p ld.global.L1::no_allocate.v2.u32 {%0, %1}, [%2];\n}"
                 : "=&r"(v.x), "=&r"(v.y)
                 : "l"(address), "r"((int)there));
    return v;
}

/* Scale and zero codes of the published scheme for one group: a lane has four columns of each tile. */
struct WideScales {
    const uint32_t *second;
    int pair;
    int pairs;
    int step;
    float zero_scale;
    float zero_shift;
    uint32_t scales;
    uint32_t zeros;
    uint4 pairs_asked;

    /* `column`: the lane's first. */
    __device__ __forceinline__ void start(const unsigned char *matrix, const uint32_t *entries, int group, int columns,
                                          int column, int count) {
        second = entries;
        pairs = count;
        step = TILE_COLUMNS % count;
        pair = (int)(((unsigned)group * (unsigned)columns + (unsigned)column) % (unsigned)count);
        zero_scale = ((const float *)matrix)[0];
        zero_shift = -((const float *)matrix)[1] * zero_scale;
    }

    /* `codes`: the tile's scale codes, its zero codes behind them. Columns beyond the last get a scale of zero. */
    __device__ __forceinline__ void ask(const unsigned char *codes, bool inside) {
        int lane = threadIdx.x % WARP;
        scales = load_once((const uint32_t *)codes + lane);
        zeros = load_once((const uint32_t *)(codes + TILE_COLUMNS) + lane);
        if (pairs % 4 == 0) {
            pairs_asked = load_where((const uint4 *)(second + pair), inside);
        } else {
            load_one_by_one(inside);
        }
        pair += step;
        pair -= pair >= pairs ? pairs : 0;
    }

    __device__ __forceinline__ void load_one_by_one(bool inside) {
        uint32_t entries[4];
        int at = pair;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            entries[i] = inside ? load_once(second + at) : 0;
            at = at + 1 == pairs ? 0 : at + 1;
        }
        pairs_asked = make_uint4(entries[0], entries[1], entries[2], entries[3]);
    }

    /* Scales are multiplied by `unit`, those of codes by `fold` as well. */
    __device__ __forceinline__ uint4 scales_of_lane(float unit, float fold, float center) const {
        const uint32_t words[4] = {pairs_asked.x, pairs_asked.y, pairs_asked.z, pairs_asked.w};
        float scale[4];
        float zero[4];
        widen_bytes(scales, scale);
        widen_bytes(zeros, zero);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            float2 v = unpack_f16(words[i]);
            scale[i] = (scale[i] - v.y) * (v.x * unit);
            zero[i] = fmaf(zero[i], zero_scale, zero_shift);
        }
        uint4 packed = pack_scales(scale, zero, center);
        return make_uint4(multiply_f16(packed.x, pack_f16(fold, fold)), multiply_f16(packed.y, pack_f16(fold, fold)),
                          packed.z, packed.w);
    }
};

/* The same for Gatun's own scheme; `entry`: that of the lane's columns. */
struct NarrowScales {
    uint32_t codes;
    uint2 second;

    __device__ __forceinline__ void ask(const unsigned char *tile_codes, const unsigned char *entry, bool inside) {
        codes = load_once((const uint32_t *)tile_codes + threadIdx.x % WARP);
        second = load_where((const uint2 *)entry, inside);
    }

    __device__ __forceinline__ uint4 scales_of_lane(float unit, float fold, float center) const {
        float2 scales = unpack_f16(second.x);
        float2 zeros = unpack_f16(second.y);
        float scale[4];
        float zero[4];
        widen_bytes(codes & 0x0f0f0f0fu, scale);
        widen_bytes(codes >> 4 & 0x0f0f0f0fu, zero);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            scale[i] = (scale[i] - scales.y) * (scales.x * unit);
            zero[i] = (zero[i] - zeros.y) * zeros.x;
        }
        uint4 packed = pack_scales(scale, zero, center);
        return make_uint4(multiply_f16(packed.x, pack_f16(fold, fold)), multiply_f16(packed.y, pack_f16(fold, fold)),
                          packed.z, packed.w);
    }
};

/* Sixteen rows of one 2-bit group: how the two schemes lie in memory. */
struct WideRows {
    using Inner = SliceOrder;
    static constexpr int TILE = Q2_TILE;
    WideScales scales;
    const unsigned char *tile;
    uint4 codes;

    __device__ __forceinline__ void start(const unsigned char *matrix, int rows, int columns, int pairs, bool, int group,
                                          int first) {
        int64_t tiles = tiles_of(columns);
        tile = matrix + MATRIX_HEADER + (group * tiles + first) * TILE;
        scales.start(matrix, (const uint32_t *)(matrix + MATRIX_HEADER + rows / Q2_ROWS * tiles * TILE), group, columns,
                     first * TILE_COLUMNS + 4 * (threadIdx.x % WARP), pairs);
    }

    __device__ __forceinline__ void ask(int, bool inside) {
        codes = load_once((const uint4 *)tile + threadIdx.x % WARP);
        scales.ask(tile + 512, inside);
        tile += TILE;
    }
};

struct NarrowRows {
    using Inner = NarrowOrder;
    static constexpr int TILE = Q2N_TILE;
    NarrowScales scales;
    const unsigned char *tile;
    const unsigned char *second; /* of the group */
    bool sixteens;
    uint4 codes;

    __device__ __forceinline__ void start(const unsigned char *matrix, int rows, int columns, int, bool in_sixteens, int group,
                                          int first) {
        int64_t tiles = tiles_of(columns);
        sixteens = in_sixteens;
        tile = matrix + (group * tiles + first) * TILE;
        second = matrix + rows / Q2_ROWS * tiles * TILE + (int64_t)group * narrow_entries(columns, sixteens) * 8;
    }

    __device__ __forceinline__ void ask(int column, bool inside) {
        codes = load_once((const uint4 *)tile + threadIdx.x % WARP);
        scales.ask(tile + 512, second + narrow_entry(column, sixteens) * 8, inside);
        tile += TILE;
    }
};

/* Two row blocks of 2-bit weights: each a group of its own. Codes at odd p stand two bits up: their scales are a quarter. */
template <class Rows>
struct TwoBit {
    static constexpr int SHIFT = 7;

    Rows rows[2];
    uint4 now[2];
    uint4 *exchange; /* [2][row block][lane] of this warp */
    int column;      /* of the lane, in the tile asked for last */
    int columns;
    int buffer;

    /* Row block b is group group[b] of matrix[b], from tile `first` on. */
    __device__ __forceinline__ void start(const unsigned char *const (&matrix)[2], const int (&group)[2], int row_count,
                                          int column_count, int pairs, bool sixteens, int first, uint4 *warp_exchange) {
        exchange = warp_exchange;
        columns = column_count;
        column = first * TILE_COLUMNS + 4 * (threadIdx.x % WARP);
        buffer = 0;
#pragma unroll
        for (int b = 0; b < 2; b++) {
            rows[b].start(matrix[b], row_count, column_count, pairs, sixteens, group[b], first);
            rows[b].ask(column, column < columns);
        }
        publish();
    }

    __device__ __forceinline__ void publish() {
        int lane = threadIdx.x % WARP;
#pragma unroll
        for (int b = 0; b < 2; b++) {
            exchange[(buffer * 2 + b) * WARP + lane] =
                rows[b].scales.scales_of_lane(1 << SHIFT, lane / 4 % 2 ? 0.25f : 1.0f, CENTER_Q2);
        }
    }

    __device__ __forceinline__ void turn(int half, bool last) {
        if (half == 0) {
            now[0] = rows[0].codes;
            now[1] = rows[1].codes;
            if (!last) {
                column += TILE_COLUMNS;
                rows[0].ask(column, column < columns);
                rows[1].ask(column, column < columns);
            }
            buffer ^= 1;
        } else if (!last) {
            publish();
        }
    }

    __device__ __forceinline__ void fragment(int half, int p, int b, uint32_t (&a)[4]) const {
        uint4 s = exchange[((buffer ^ 1) * 2 + b) * WARP + (half * 4 + p) * 4 + threadIdx.x % 4];
        const uint32_t words[4] = {now[b].x, now[b].y, now[b].z, now[b].w};
#pragma unroll
        for (int j = 0; j < 4; j++) {
            uint32_t word = words[j] >> (8 * half + 4 * (p / 2));
            uint32_t codes = p % 2 ? widen_codes<0x000c000cu, CENTER_Q2 << 2>(word)
                                   : widen_codes<0x00030003u, CENTER_Q2>(word);
            a[j] = fma_f16(codes, j / 2 ? s.y : s.x, j / 2 ? s.w : s.z);
        }
    }
};

/* ---- the product --------------------------------------------------------------------------------------------------- */

template <int TOKENS>
struct Products {
    float sums[2][TOKENS / 8][4]; /* [row block][eight tokens] */

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int b = 0; b < 2; b++) {
#pragma unroll
            for (int n = 0; n < TOKENS / 8; n++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    sums[b][n][i] = 0;
                }
            }
        }
    }
};

/*
 * Where the code is made for sm_90a, blocks whose warps have the same columns use the products of a warp group: each of
 * its four warps brings the A operands of its own rows in registers, and x comes from shared memory, where the swizzle of
 * the stages is the hardware's own. They run on while the warps make the next fragments.
 */
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
constexpr bool GROUP_PRODUCTS = true;
#else
constexpr bool GROUP_PRODUCTS = false;
#endif

template <int TOKENS, int SPLIT>
constexpr bool BY_GROUP = GROUP_PRODUCTS && SPLIT == 1 && TOKENS >= 64;

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
/* Copies into shared memory are seen by the products once the block has met. */
__device__ __forceinline__ void show_copies() {
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

__device__ __forceinline__ void open_products() {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

__device__ __forceinline__ void close_products() {
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

template <int OPEN>
__device__ __forceinline__ void await_products() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(OPEN) : "memory");
}

/* Rows of 128 bytes, eight of them 1024 bytes, chunks of 16 bytes swizzled over the eight rows. */
__device__ __forceinline__ uint64_t describe(uint32_t address) {
    return (uint64_t)1 << 62 | (uint64_t)(1024 >> 4) << 32 | (uint64_t)1 << 16 | (address & 0x3ffff) >> 4;
}

#define FOUR_SUMS(N) "+f"(d[N][0]), "+f"(d[N][1]), "+f"(d[N][2]), "+f"(d[N][3])
#define EIGHT_SUMS(N) FOUR_SUMS(N), FOUR_SUMS(N + 1)

/* d = a * x, or d += a * x where `more`. Sums that were set by anything else would be waited for. */
__device__ __forceinline__ void multiply_group(float (&d)[8][4], const uint32_t (&a)[4], uint64_t x, int more) {
    asm volatile("{\n .reg .pred p;\n setp.ne.b32 p, %37, 0;\n"
                 " wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 "
                 "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
                 "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, "
                 "{%32, %33, %34, %35}, %36, p, 1, 1, 0;\n}"
                 : EIGHT_SUMS(0),
                   EIGHT_SUMS(2),
                   EIGHT_SUMS(4),
                   EIGHT_SUMS(6)
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(x), "r"(more));
}

__device__ __forceinline__ void multiply_group(float (&d)[16][4], const uint32_t (&a)[4], uint64_t x, int more) {
    asm volatile("{\n .reg .pred p;\n setp.ne.b32 p, %69, 0;\n"
                 " wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16 "
                 "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
                 "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
                 "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
                 "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
                 "{%64, %65, %66, %67}, %68, p, 1, 1, 0;\n}"
                 : EIGHT_SUMS(0),
                   EIGHT_SUMS(2),
                   EIGHT_SUMS(4),
                   EIGHT_SUMS(6),
                   EIGHT_SUMS(8),
                   EIGHT_SUMS(10),
                   EIGHT_SUMS(12),
                   EIGHT_SUMS(14)
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(x), "r"(more));
}

#undef EIGHT_SUMS
#undef FOUR_SUMS

/* One stage: fragments are made while the products before run. */
template <int TOKENS, class Weights>
__device__ __forceinline__ void multiply_stage(Weights &weights, int half, uint32_t rows, bool first,
                                               uint32_t (&a)[2][2][4], Products<TOKENS> &products) {
    uint64_t x = describe(rows);
#pragma unroll
    for (int p = 0; p < 4; p++) {
        weights.fragment(half, p, 0, a[p % 2][0]);
        weights.fragment(half, p, 1, a[p % 2][1]);
        open_products();
        multiply_group(products.sums[0], a[p % 2][0], x + 2 * p, p > 0 || !first);
        multiply_group(products.sums[1], a[p % 2][1], x + 2 * p, p > 0 || !first);
        close_products();
        await_products<1>();
    }
}

/* A stage is asked for one stage ahead: the one before is still read when the block meets. */
template <int TOKENS, int SPLIT, class Weights>
__device__ __forceinline__ void multiply_by_group(Weights &weights, const Inputs<TOKENS, SPLIT> &inputs,
                                                  const TileRun &run, Products<TOKENS> &products) {
    uint32_t a[2][2][4];
    inputs.ask(0, 0);
    close_copies();
    int buffer = 0;
    for (int kt = 0; kt < run.longest; kt++) {
        bool last = kt + 1 >= run.count;
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int next = buffer + 1 == STAGES ? 0 : buffer + 1;
            await_copies<0>();
            show_copies();
            __syncthreads();
            if (half == 0 || !last) {
                inputs.ask(2 * kt + half + 1, next);
            }
            close_copies();
            weights.turn(half, last);
            multiply_stage<TOKENS>(weights, half, inputs.shared + buffer * inputs.BYTES, half == 0 && kt == 0, a,
                                   products);
            buffer = next;
        }
    }
    await_products<0>();
    __syncthreads();
}
#endif

/* One stage. `from`: the lane's row of the stage; fragments are made while the tensor core has those before. */
template <int TOKENS, class Weights>
__device__ __forceinline__ void multiply_stage(Weights &weights, int half, uint32_t from, uint32_t chunk,
                                               Products<TOKENS> &products) {
    constexpr int PAIRS = TOKENS / 16;
    uint32_t a[2][2][4]; /* [p % 2][row block] */
    weights.fragment(half, 0, 0, a[0][0]);
    weights.fragment(half, 0, 1, a[0][1]);
#pragma unroll
    for (int p = 0; p < 4; p++) {
#pragma unroll
        for (int n = 0; n < PAIRS; n++) {
            uint32_t x[4];
            load_matrices(x, from + n * (16 * ROW_BYTES) + (chunk ^ (32 * p)));
            if (p < 3 && n == 0) {
                weights.fragment(half, p + 1, 0, a[(p + 1) % 2][0]);
            }
            if (p < 3 && n == PAIRS / 2) {
                weights.fragment(half, p + 1, 1, a[(p + 1) % 2][1]);
            }
#pragma unroll
            for (int b = 0; b < 2; b++) {
                const uint32_t(&w)[4] = a[p % 2][b];
                multiply_tile(products.sums[b][2 * n], w[0], w[1], w[2], w[3], x[0], x[1]);
                multiply_tile(products.sums[b][2 * n + 1], w[0], w[1], w[2], w[3], x[2], x[3]);
            }
        }
    }
}

template <int TOKENS, int SPLIT, class Weights>
__device__ __forceinline__ void multiply_by_warp(Weights &weights, const Inputs<TOKENS, SPLIT> &inputs, const TileRun &run,
                                                 Products<TOKENS> &products) {
    products.clear();
    int lane = threadIdx.x % WARP;
    /* Lane 8q + r gives the address of row r of matrix q: tokens 8 (q / 2) + r, chunk q % 2 of the sixteen columns. */
    uint32_t row = inputs.shared + (threadIdx.x / WARP % SPLIT * TOKENS + lane / 16 * 8 + lane % 8) * ROW_BYTES;
    uint32_t chunk = ((lane / 8 & 1) ^ (lane % 8)) * 16;
    inputs.ask(0, 0);
    close_copies();
    inputs.ask(1, 1);
    close_copies();
    int buffer = 0;
    int free_buffer = 2;
    for (int kt = 0; kt < run.longest; kt++) {
        bool last = kt + 1 >= run.count;
#pragma unroll
        for (int half = 0; half < 2; half++) {
            await_copies<1>();
            __syncthreads();
            if (kt + 1 < run.longest) {
                inputs.ask(2 * kt + half + 2, free_buffer);
            }
            close_copies();
            if (SPLIT == 1 || kt < run.count) {
                weights.turn(half, last);
                multiply_stage<TOKENS>(weights, half, row + buffer * inputs.BYTES, chunk, products);
            }
            buffer = buffer + 1 == STAGES ? 0 : buffer + 1;
            free_buffer = free_buffer + 1 == STAGES ? 0 : free_buffer + 1;
        }
    }
    await_copies<0>();
    __syncthreads();
}

template <int TOKENS, int SPLIT, class Weights>
__device__ __forceinline__ void multiply_all(Weights &weights, const Inputs<TOKENS, SPLIT> &inputs, const TileRun &run,
                                             Products<TOKENS> &products) {
    if constexpr (BY_GROUP<TOKENS, SPLIT>) {
        multiply_by_group(weights, inputs, run, products);
    } else {
        multiply_by_warp(weights, inputs, run, products);
    }
}
/* ---- which rows and tokens a block has ----------------------------------------------------------------------------- */

struct BatchTask {
    int expert;
    int first; /* of the tokens, or of the sorted choices */
    int count; /* 1 to TOKENS; 0: the block has no work */
    int row_block;
};

/* One matrix and `tokens` tokens. Blocks that share weights are neighbours. */
__device__ __forceinline__ BatchTask single_task(int block, int tokens, int tile) {
    int tiles = (tokens + tile - 1) / tile;
    int first = block % tiles * tile;
    return {0, first, min(tile, tokens - first), block / tiles};
}

/*
 * Expert e has the sorted choices offsets[e] .. offsets[e + 1] - 1: ceil(count / tile) token tiles, and tiles * row_blocks
 * blocks of the grid, in order of e. Called by all threads; `shared` is free again afterwards.
 */
__device__ __forceinline__ BatchTask expert_task(const int *offsets, int experts, int row_blocks, int tile,
                                                 unsigned char *shared) {
    constexpr int EACH = BATCH_MAX_EXPERTS / WARP;
    BatchTask &task = *(BatchTask *)shared;
    if (threadIdx.x < WARP) {
        int lane = threadIdx.x;
        int edges[EACH + 1];
        int tiles[EACH];
        int total = 0;
#pragma unroll
        for (int i = 0; i <= EACH; i++) {
            edges[i] = offsets[min(lane * EACH + i, experts)];
        }
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            tiles[i] = (edges[i + 1] - edges[i] + tile - 1) / tile;
            total += tiles[i];
        }
        int before = total;
#pragma unroll
        for (int step = 1; step < WARP; step *= 2) {
            int other = __shfl_up_sync(ALL_LANES, before, step);
            before += lane >= step ? other : 0;
        }
        before -= total;
        if (lane == 0) {
            task = {0, 0, 0, 0};
        }
        __syncwarp();
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            int share = (int)blockIdx.x - before * row_blocks;
            if (share >= 0 && share < tiles[i] * row_blocks) {
                int first = edges[i] + share % tiles[i] * tile;
                task = {lane * EACH + i, first, min(tile, edges[i + 1] - first), share / tiles[i]};
            }
            before += tiles[i];
        }
    }
    __syncthreads();
    BatchTask found = task;
    __syncthreads();
    return found;
}

/*
 * The results of gate and up are fp16 before the largest of their row is known: each block scales a token's 128 values by
 * 2^(9 - 12 cell), where the largest of them is below 2^(6 + 12 cell) and, but for the least cell, at least 2^(-6 + 12 cell).
 * gatun_level_rows then brings a row to the cell of its largest value.
 */
constexpr int LEAST_CELL = -9;

__device__ __forceinline__ int cell_of(float largest) {
    int exponent = (int)(__float_as_uint(largest) >> 23 & 255) - 126; /* largest < 2^exponent */
    return max(LEAST_CELL, (exponent - 6 + 11 + 120) / 12 - 10);
}

__device__ __forceinline__ float cell_unit(int cell) {
    return power_of_two(9 - 12 * cell);
}

/* Groups whose 2-bit rows of w1 and w3 a block of gate and up takes. */
constexpr int GATE_GROUPS = BATCH_WARPS;

/* ---- results ------------------------------------------------------------------------------------------------------- */

/*
 * Hands y[token of the tile][n] of the block's rows to `each(token, n, sum)`, n in runs. The block has GROUPS neighbouring
 * groups from `first_group` on, their rows from `first_row` on; row i of group g is n = g + group_rows * i. Runs of columns
 * are added in rising order. The padding keeps the writers of a warp in 32 banks.
 */
template <int TOKENS, int SPLIT, int GROUPS, class Each>
__device__ __forceinline__ void spread_results(const Products<TOKENS> &products, float *results, int first_group,
                                               int first_row, int group_rows, int tokens, Each each) {
    constexpr int BLOCK_ROWS = BATCH_ROWS / SPLIT;
    constexpr int ROWS = BLOCK_ROWS / GROUPS;
    constexpr int PITCH = (ROWS * (GROUPS + 1) + 11) / 16 * 16 + 4;
    constexpr int PASS = pass_tokens(TOKENS);
    int warp = threadIdx.x / WARP;
    int g = threadIdx.x % WARP / 4;
    int c = threadIdx.x % 4;
#pragma unroll
    for (int pass = 0; pass < TOKENS / PASS; pass++) {
        if (pass * PASS >= tokens) {
            break;
        }
#pragma unroll
        for (int run = 0; run < SPLIT; run++) {
            __syncthreads();
            if (warp % SPLIT != run) {
                continue;
            }
#pragma unroll
            for (int b = 0; b < 2; b++) {
#pragma unroll
                for (int n = 0; n < PASS / 8; n++) {
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        int row = (2 * (warp / SPLIT) + b) * 16 + g + 8 * (i / 2);
                        int slot = row % ROWS * (GROUPS + 1) + row / ROWS;
                        float *at = &results[(8 * n + 2 * c + i % 2) * PITCH + slot];
                        float v = products.sums[b][pass * PASS / 8 + n][i];
                        *at = run == 0 ? v : *at + v;
                    }
                }
            }
        }
        __syncthreads();
        int count = min(PASS, tokens - pass * PASS) * BLOCK_ROWS;
        for (int at = threadIdx.x; at < count; at += BATCH_THREADS) {
            int token = at / BLOCK_ROWS;
            int row = at % BLOCK_ROWS / GROUPS;
            int group = at % GROUPS;
            if (first_group + group < group_rows) {
                each(pass * PASS + token, first_group + group + group_rows * (first_row + row),
                     results[token * PITCH + row * (GROUPS + 1) + group]);
            }
        }
    }
}

/* The addresses that ldmatrix and cp.async take. */
__device__ __forceinline__ uint32_t shared_address(const void *pointer) {
    return (uint32_t)__cvta_generic_to_shared(pointer);
}
