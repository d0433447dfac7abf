/*
 * q2_stream.cuh   the products of 2-bit matrices in groups of 16 rows with up to 8 tokens, as a grid streams them
 *
 *   y[t][n] = sum over k of code[n, k] * v[t][k]  -  sum over k of zero[g, k] * v[t][k],     v[t][k] = scale[g, k] * x[t][k]
 *
 * The 16 rows of a group share v: they are the 16 rows of a tensor-core tile whose B operand is v, rounded to fp16 after
 * a power of two of each token was taken out; codes and zero codes enter exactly. One token of the published scheme can have
 * two columns there, of which the second holds what rounding took off v, so that its products are nearly exact. The second sum
 * is the diagonal of one product a tile, token and such column: row g holds the zero codes, column g the values, of columns
 * 16g .. 16g + 15 of the tile.
 *
 * Work is cut into units: one group row by one slice of `slice_tiles` tiles (one part = one matrix). Units lie in order of
 * part, slice, residue of the group row modulo the period of the second level, group row. The grid divides them
 * into runs (run_of); a block prepares what its units of one part, slice and residue share (x times the second level, in shared
 * memory: a "table"), and its warps take the units in turn, four tiles in flight each. The cut depends on shapes and the
 * grid alone, and a unit's sum on neither.
 *
 * More in flight does not help: copies through shared memory in two to four stages, prefetches into the L2 and three blocks
 * a multiprocessor each made some blocks end much later than others, and all took longer (an H100, one token).
 */
#pragma once

#include "layout.cuh"

constexpr int STREAM_WARPS = 8;
constexpr int STREAM_THREADS = STREAM_WARPS * WARP;
constexpr int BATCH = 4; /* tiles that a warp copies together */
constexpr int ACCUMULATORS = 4;

/*
 * The matrices of one launch: all of this shape. `pairs` and `period` are unused where the second level is narrow, the order
 * of columns, `sixteens`, where it is not.
 */
struct StreamShape {
    int rows;
    int columns;
    int pairs;
    int period;
    int slice_tiles;
    int sixteens;

    __device__ int group_rows() const { return rows / Q2_ROWS; }
    __device__ int tiles() const { return tiles_of(columns); }
    __device__ int slices() const { return (tiles() + slice_tiles - 1) / slice_tiles; }
    __device__ int tiles_in(int slice) const { return min(slice_tiles, tiles() - slice * slice_tiles); }
};

/*
 * The units of one block. Blocks enough for all classes (units of one part, slice and residue): as many for each class, and
 * what is left over idles, since a second table costs a block more than it gains. Else units are divided evenly.
 */
struct Run {
    int begin;
    int end;
};

__device__ __forceinline__ Run run_of(int classes, int units_each) {
    int blocks = gridDim.x;
    int block = blockIdx.x;
    int blocks_each = blocks / max(classes, 1);
    if (blocks_each == 0) {
        int units = classes * units_each;
        int least = units / blocks;
        int rest = units - least * blocks;
        int begin = block * least + min(block, rest);
        return {begin, begin + least + (block < rest)};
    }
    int which = block / blocks_each;
    if (which >= classes) {
        return {0, 0};
    }
    int share = block - which * blocks_each;
    int least = units_each / blocks_each;
    int rest = units_each - least * blocks_each;
    int begin = which * units_each + share * least + min(share, rest);
    return {begin, begin + least + (share < rest)};
}

/*
 * Group rows of a residue. Where the period does not divide the group rows (the leading rows of a matrix, which are at least as
 * many as the period), some residues have one less: their last unit computes their last group row again, to the same sums.
 */
__device__ __forceinline__ int rows_of_residue(const StreamShape &shape, int period) {
    return (shape.group_rows() + period - 1) / period;
}

/* Units [begin, end) of one part, slice and residue. */
struct Segment {
    int part;
    int slice;
    int residue;
    int first; /* which of the residue's group rows is unit `begin` */
    int begin;
    int end;
};

__device__ __forceinline__ Segment segment_at(const StreamShape &shape, int period, int unit, int units) {
    int rows_each = rows_of_residue(shape, period);
    int slices = shape.slices();
    int shared = unit / rows_each;
    Segment s;
    s.first = unit - shared * rows_each;
    s.begin = unit;
    s.end = min(units, unit + rows_each - s.first);
    s.residue = shared % period;
    s.slice = shared / period % slices;
    s.part = shared / period / slices;
    return s;
}

/* Where a unit's tiles and its narrow second level begin, and how many there are. */
struct UnitPlace {
    const unsigned char *tiles;
    const unsigned char *second;
    int count;
};

/* The published scheme: 8-bit codes, a second level that depends on the column within a residue. */
struct Wide {
    using Inner = SliceOrder;
    static constexpr int TILE = Q2_TILE;
    static constexpr int TABLE_BYTES = 16; /* of 4 columns and one token; twice that where v has two parts */

    struct Tile {
        uint4 codes;
        uint32_t scales;
        uint32_t zeros;
    };

    struct Zero {
        float scale;
        float zero;
    };

    /* The second level of the four columns that a thread prepares. */
    struct Second {
        uint32_t entries[4];
    };

    struct Steps {
        static constexpr int two = 0;

        __device__ Steps(const StreamShape &, int) {}
    };

    __device__ static int period(const StreamShape &shape) { return shape.period; }

    __device__ static UnitPlace place(const StreamShape &shape, const unsigned char *matrix, int group, int slice) {
        int64_t tile = (int64_t)group * shape.tiles() + slice * shape.slice_tiles;
        return {matrix + MATRIX_HEADER + tile * TILE, nullptr, shape.tiles_in(slice)};
    }

    /* A batch, or the `count` tiles that are left. */
    __device__ static void fetch(Tile (&to)[BATCH], const unsigned char *tiles, const unsigned char *, const Steps &, int count,
                                 int lane) {
        const unsigned char *codes = tiles + 16 * lane;
        const unsigned char *scales = tiles + 512 + 4 * lane;
#pragma unroll
        for (int i = 0; i < BATCH; i++) {
            if (i < count) {
                to[i].codes = load_once((const uint4 *)(codes + i * TILE));
                to[i].scales = load_once((const uint32_t *)(scales + i * TILE));
                to[i].zeros = load_once((const uint32_t *)(scales + i * TILE + 128));
            }
        }
    }
};

/* Gatun's own scheme: 4-bit codes in one byte, a second level for each tile, or for each 16 columns of it. */
struct Narrow {
    using Inner = NarrowOrder;
    static constexpr int TILE = Q2N_TILE;
    static constexpr int TABLE_BYTES = 8;

    struct Tile {
        uint4 codes;
        uint32_t bytes;
        uint2 second;
    };

    struct Zero {};
    struct Second {};

    /* Bytes from the first entry of a tile to a lane's, and from an even tile's to those of the next two tiles. */
    struct Steps {
        int lane;
        int one;
        int two;

        __device__ Steps(const StreamShape &shape, int lane)
            : lane(shape.sixteens ? lane / 4 * 8 : 0), one(shape.sixteens ? 64 : 8), two(shape.sixteens ? 0 : 16) {}
    };

    __device__ static int period(const StreamShape &) { return 1; }

    /* In the order of sixteens the tiles of a slice, which divide sixteen, have the same entries. */
    __device__ static UnitPlace place(const StreamShape &shape, const unsigned char *matrix, int group, int slice) {
        int first = slice * shape.slice_tiles;
        int64_t tile = (int64_t)group * shape.tiles() + first;
        int64_t second = (int64_t)shape.group_rows() * shape.tiles() * TILE;
        int64_t entry = (int64_t)group * narrow_entries(shape.columns, shape.sixteens)
                        + narrow_entry(first * TILE_COLUMNS, shape.sixteens);
        return {matrix + tile * TILE, matrix + second + entry * 8, shape.tiles_in(slice)};
    }

    __device__ static void fetch(Tile (&to)[BATCH], const unsigned char *tiles, const unsigned char *second, const Steps &steps,
                                 int count, int lane) {
        const unsigned char *codes = tiles + 16 * lane;
        const unsigned char *bytes = tiles + 512 + 4 * lane;
#pragma unroll
        for (int i = 0; i < BATCH; i++) {
            if (i < count) {
                to[i].codes = load_once((const uint4 *)(codes + i * TILE));
                to[i].bytes = load_once((const uint32_t *)(bytes + i * TILE));
                to[i].second = load_once((const uint2 *)(second + steps.lane + i % 2 * steps.one + i / 2 * steps.two));
            }
        }
    }
};

/* From this many tokens on a lane prepares the values of one token for its products instead of those of its columns. */
constexpr int GATHER_TOKENS = 8;

/* Columns of the tensor core's tile that a token has: v rounded to fp16 and, where the work keeps that, what it took off. */
template <class Format, int TOKENS, class Work>
constexpr int PARTS_OF = TOKENS == 1 && Format::TABLE_BYTES == Wide::TABLE_BYTES && Work::KEEPS_REST ? 2 : 1;

/* Shared memory of a block, in this order. */
template <class Format, int TOKENS, int PARTS>
struct StreamMemory {
    unsigned char *table;    /* [TOKENS][slice tiles][PARTS][32 lanes] of TABLE_BYTES */
    uint4 *exchange;         /* [warps][TOGETHER][EXCHANGE] */
    float *largest;          /* [warps][TOKENS] */
    float *factor;           /* [TOKENS]: what was taken out of the table, 2^-e */

    static constexpr bool GATHER = TOKENS >= GATHER_TOKENS;
    static constexpr int TOGETHER = TOKENS <= 2 ? 4 : 2;          /* tiles that a warp exchanges at once */
    static constexpr int COLUMNS = TOKENS * PARTS;
    /* uint4 of a tile: [4 pairs of products][COLUMNS][4] or one and a half a lane */
    static constexpr int EXCHANGE = GATHER ? WARP * 3 / 2 : 16 * COLUMNS;
    static_assert(TOGETHER * EXCHANGE * STREAM_WARPS * 16 <= 16384, "what the launch provides");

    __device__ StreamMemory(unsigned char *base, int slice_tiles) {
        table = base;
        exchange = (uint4 *)(table + COLUMNS * slice_tiles * WARP * Format::TABLE_BYTES);
        largest = (float *)(exchange + STREAM_WARPS * TOGETHER * EXCHANGE);
        factor = largest + STREAM_WARPS * TOKENS;
    }

    /* Where the columns of a lane lie: where lanes read the entries of different tokens, in different banks. */
    __device__ static int entry_of(int token, int lane) {
        return GATHER ? lane ^ 4 * (token & (Format::TABLE_BYTES == 16 ? 1 : 3)) : lane;
    }
};

/* The largest value of each token over the block, from one candidate a thread; then 2^-e into `factor`, 2^e returned. */
template <class Format, int TOKENS, int PARTS>
__device__ __forceinline__ void take_out_exponents(const StreamMemory<Format, TOKENS, PARTS> &memory, float (&candidate)[TOKENS],
                                                   int top, int (&exponent)[TOKENS]) {
    int warp = threadIdx.x / WARP;
    int lane = threadIdx.x % WARP;
#pragma unroll
    for (int t = 0; t < TOKENS; t++) {
        float largest = warp_max(candidate[t]);
        if (lane == 0) {
            memory.largest[warp * TOKENS + t] = largest;
        }
    }
    __syncthreads();
#pragma unroll
    for (int t = 0; t < TOKENS; t++) {
        float largest = memory.largest[t];
#pragma unroll
        for (int w = 1; w < STREAM_WARPS; w++) {
            largest = fmaxf(largest, memory.largest[w * TOKENS + t]);
        }
        exponent[t] = max(-100, min(100, exponent_to(largest, top)));
        if (threadIdx.x == 0) {
            memory.factor[t] = power_of_two(-exponent[t]);
        }
    }
}

/* What fill_table needs of the weights. */
__device__ __forceinline__ void load_second(const StreamShape &shape, const Segment &segment, const unsigned char *matrix,
                                            Wide::Second &to) {
    int warp = threadIdx.x / WARP;
    int column = (segment.slice * shape.slice_tiles + warp) * TILE_COLUMNS + 4 * (threadIdx.x % WARP);
    to = {};
    if (warp >= shape.tiles_in(segment.slice) || column >= shape.columns) {
        return;
    }
    const uint32_t *second =
        (const uint32_t *)(matrix + MATRIX_HEADER + (int64_t)shape.group_rows() * shape.tiles() * Q2_TILE);
    int pair = (int)(((unsigned)segment.residue * (unsigned)shape.columns + column) % (unsigned)shape.pairs);
    if (shape.pairs % 4 == 0) {
        uint4 four = load_once((const uint4 *)(second + pair));
        to.entries[0] = four.x, to.entries[1] = four.y, to.entries[2] = four.z, to.entries[3] = four.w;
        return;
    }
#pragma unroll
    for (int c = 0; c < 4; c++) {
        to.entries[c] = second[pair];
        pair = pair + 1 == shape.pairs ? 0 : pair + 1;
    }
}

__device__ __forceinline__ void load_second(const StreamShape &, const Segment &, const unsigned char *, Narrow::Second &) {}

/* What a thread's columns of a table are made of: thread 32w + l prepares columns 4l .. 4l + 3 of tile w of the slice. */
template <class Format, int TOKENS>
struct Inputs {
    typename Format::Second second;
    float x[TOKENS][4];

    template <class Work>
    __device__ __forceinline__ void load(const StreamShape &shape, const Segment &segment, const Work &work) {
        int warp = threadIdx.x / WARP;
        int column = (segment.slice * shape.slice_tiles + warp) * TILE_COLUMNS + 4 * (threadIdx.x % WARP);
        if (warp < shape.tiles_in(segment.slice) && column < shape.columns) {
#pragma unroll
            for (int t = 0; t < TOKENS; t++) {
                work.inputs(segment.part, t, column, x[t]);
            }
        }
    }
};

/*
 * Fills the table for one segment: thread 32w + l prepares columns 4l .. 4l + 3 of tile w of the slice.
 * Wide: for each column s.scale * x * 2^(e+24) and -s.zero * s.scale * x * 2^e, so that a scale code, taken as the
 * subnormal code * 2^-24, gives v by one fused multiply-add with |v| < 1. For v in two parts the same in fp32, where the
 * code is code * 2^-133, subnormal below 128: with -ftz it would be zero. Narrow: x * 2^e with |x * 2^e| < 256.
 */
template <int TOKENS, int PARTS>
__device__ __forceinline__ void fill_table(const StreamShape &shape, const Segment &segment, const Inputs<Wide, TOKENS> &in,
                                           const StreamMemory<Wide, TOKENS, PARTS> &memory) {
    int warp = threadIdx.x / WARP;
    int lane = threadIdx.x % WARP;
    int column = (segment.slice * shape.slice_tiles + warp) * TILE_COLUMNS + 4 * lane;
    bool inside = warp < shape.tiles_in(segment.slice) && column < shape.columns;
    float scale[4];
    float zero[4];
    float candidate[TOKENS];
#pragma unroll
    for (int c = 0; c < 4; c++) {
        float2 v = unpack_f16(in.second.entries[c]);
        scale[c] = v.x;
        zero[c] = v.y;
    }
#pragma unroll
    for (int t = 0; t < TOKENS; t++) {
        candidate[t] = 0;
        if (inside) {
#pragma unroll
            for (int c = 0; c < 4; c++) {
                float product = scale[c] * in.x[t][c];
                candidate[t] = fmaxf(candidate[t], fmaxf(fabsf(256 * product), fabsf(zero[c] * product)));
            }
        }
    }
    int exponent[TOKENS];
    take_out_exponents(memory, candidate, -1, exponent);
    if (warp < shape.slice_tiles) {
#pragma unroll
        for (int t = 0; t < TOKENS; t++) {
            float unit = power_of_two(exponent[t]);
            float slope[4] = {0, 0, 0, 0};
            float offset[4] = {0, 0, 0, 0};
#pragma unroll
            for (int c = 0; inside && c < 4; c++) {
                float product = scale[c] * in.x[t][c] * unit;
                slope[c] = product * 0x1p24f;
                offset[c] = -zero[c] * product;
            }
            uint4 *table = (uint4 *)memory.table;
            if constexpr (PARTS == 2) {
                float4 steep = make_float4(slope[0] * 0x1p109f, slope[1] * 0x1p109f, slope[2] * 0x1p109f, slope[3] * 0x1p109f);
                ((float4 *)table)[2 * warp * WARP + lane] = steep;
                ((float4 *)table)[(2 * warp + 1) * WARP + lane] = make_float4(offset[0], offset[1], offset[2], offset[3]);
            } else {
                table[(t * shape.slice_tiles + warp) * WARP + memory.entry_of(t, lane)] =
                    make_uint4(pack_f16(slope[0], slope[1]), pack_f16(slope[2], slope[3]), pack_f16(offset[0], offset[1]),
                               pack_f16(offset[2], offset[3]));
            }
        }
    }
}

template <int TOKENS, int PARTS>
__device__ __forceinline__ void fill_table(const StreamShape &shape, const Segment &segment, const Inputs<Narrow, TOKENS> &in,
                                           const StreamMemory<Narrow, TOKENS, PARTS> &memory) {
    int warp = threadIdx.x / WARP;
    int lane = threadIdx.x % WARP;
    int column = (segment.slice * shape.slice_tiles + warp) * TILE_COLUMNS + 4 * lane;
    bool inside = warp < shape.tiles_in(segment.slice) && column < shape.columns;
    float candidate[TOKENS];
#pragma unroll
    for (int t = 0; t < TOKENS; t++) {
        candidate[t] = 0;
        if (inside) {
            candidate[t] =
                fmaxf(fmaxf(fabsf(in.x[t][0]), fabsf(in.x[t][1])), fmaxf(fabsf(in.x[t][2]), fabsf(in.x[t][3])));
        }
    }
    int exponent[TOKENS];
    take_out_exponents(memory, candidate, 8, exponent);
    if (warp < shape.slice_tiles) {
#pragma unroll
        for (int t = 0; t < TOKENS; t++) {
            uint2 entry = make_uint2(0, 0);
            if (inside) {
                float unit = power_of_two(exponent[t]);
                entry = make_uint2(pack_f16(in.x[t][0] * unit, in.x[t][1] * unit), pack_f16(in.x[t][2] * unit, in.x[t][3] * unit));
            }
            ((uint2 *)memory.table)[(t * shape.slice_tiles + warp) * WARP + memory.entry_of(t, lane)] = entry;
        }
    }
}

/* From as many tokens on and with such work, zeros are finished before they are multiplied. */
template <class Format, int TOKENS, class Work>
constexpr bool BY_ENTRY = TOKENS >= GATHER_TOKENS && Format::TABLE_BYTES != Wide::TABLE_BYTES && Work::HAS_ENTRIES;

/*
 * What a warp adds up for one unit. codes[p] carries the factor 4^p * 2^-24 of the codes at bits 2p. zeros[t] is a
 * lane's share of the second sum: lanes 4g + g/2 hold the diagonal. Gathered, zeros[0] lies as the codes do: two tokens'
 * sums of zero codes, and of values; by entry, of zeros, and of what rounding took off them.
 */
template <int TOKENS>
struct Sums {
    static constexpr int ZEROS = TOKENS >= GATHER_TOKENS ? 1 : TOKENS;
    float codes[ACCUMULATORS][4];
    float zeros[ZEROS][4];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int i = 0; i < 4; i++) {
#pragma unroll
            for (int p = 0; p < ACCUMULATORS; p++) {
                codes[p][i] = 0;
            }
#pragma unroll
            for (int t = 0; t < ZEROS; t++) {
                zeros[t][i] = 0;
            }
        }
    }
};

constexpr uint32_t ONES = 0x3c003c00u; /* fp16 1, 1 */

/* Scale and zero codes of a lane's four columns as fp16 pairs: subnormals code * 2^-24, or finished narrow scales. */
struct Decoded {
    uint32_t s01, s23, z01, z23;
};

__device__ __forceinline__ Decoded decode(const Wide::Tile &tile) {
    return {__byte_perm(tile.scales, 0, 0x4140), __byte_perm(tile.scales, 0, 0x4342), __byte_perm(tile.zeros, 0, 0x4140),
            __byte_perm(tile.zeros, 0, 0x4342)};
}

__device__ __forceinline__ Decoded decode(const Narrow::Tile &tile) {
    constexpr uint32_t MAGIC = 0x64006400u; /* fp16 1024: its last bits count units */
    constexpr uint32_t MINUS_MAGIC = 0xe400e400u;
    uint32_t b01 = __byte_perm(tile.bytes, 0, 0x4140);
    uint32_t b23 = __byte_perm(tile.bytes, 0, 0x4342);
    float2 first = unpack_f16(tile.second.x);
    uint32_t slope = __byte_perm(tile.second.x, 0, 0x1010);
    float shift = -first.x * first.y;
    uint32_t offset = pack_f16(shift, shift);
    return {fma_f16(add_f16((b01 & 0x000f000fu) | MAGIC, MINUS_MAGIC), slope, offset),
            fma_f16(add_f16((b23 & 0x000f000fu) | MAGIC, MINUS_MAGIC), slope, offset), b01 & 0x00f000f0u, b23 & 0x00f000f0u};
}

/* The zeros of a lane's four columns. */
__device__ __forceinline__ float4 finished_zeros(const Narrow::Tile &tile) {
    constexpr uint32_t MAGIC = 0x4b000000u; /* fp32 2^23: its last bits count units */
    uint32_t codes = tile.bytes >> 4 & 0x0f0f0f0fu;
    float2 second = unpack_f16(tile.second.y);
    float offset = -second.x * second.y;
    return make_float4(fmaf(__uint_as_float(__byte_perm(codes, MAGIC, 0x7540)) - 0x1p23f, second.x, offset),
                       fmaf(__uint_as_float(__byte_perm(codes, MAGIC, 0x7541)) - 0x1p23f, second.x, offset),
                       fmaf(__uint_as_float(__byte_perm(codes, MAGIC, 0x7542)) - 0x1p23f, second.x, offset),
                       fmaf(__uint_as_float(__byte_perm(codes, MAGIC, 0x7543)) - 0x1p23f, second.x, offset));
}

/* v of four columns and one token. */
template <int TOKENS, int PARTS>
__device__ __forceinline__ uint2 value_of(const StreamMemory<Wide, TOKENS, PARTS> &memory, int entry, uint32_t s01, uint32_t s23) {
    uint4 x = ((const uint4 *)memory.table)[entry];
    return make_uint2(fma_f16(s01, x.x, x.z), fma_f16(s23, x.y, x.w));
}

template <int TOKENS, int PARTS>
__device__ __forceinline__ uint2 value_of(const StreamMemory<Narrow, TOKENS, PARTS> &memory, int entry, uint32_t s01, uint32_t s23) {
    uint2 x = ((const uint2 *)memory.table)[entry];
    return make_uint2(multiply_f16(s01, x.x), multiply_f16(s23, x.y));
}

/* The products of a tile's zero codes, and of ones, with a token's values. */
__device__ __forceinline__ void add_zeros(const Wide::Tile &, const Decoded &d, uint2 v, int, float (&sums)[4]) {
    multiply_tile(sums, d.z01, ONES, d.z23, ONES, v.x, v.y);
}

/* The narrow zeros change from tile to tile, or each 16 columns: sums[0] holds the finished second sum. */
__device__ __forceinline__ void add_zeros(const Narrow::Tile &tile, const Decoded &d, uint2 v, int lane, float (&sums)[4]) {
    float product[4] = {0, 0, 0, 0};
    multiply_tile(product, d.z01, ONES, d.z23, ONES, v.x, v.y);
    bool odd = lane / 4 & 1;
    float zeros = odd ? product[1] : product[0];
    float ones = odd ? product[3] : product[2];
    float2 second = unpack_f16(tile.second.y);
    sums[0] += second.x * (0x1p20f * zeros - second.y * ones);
}

/* v of four columns of tile `i` in fp32. */
template <int TOKENS, int PARTS>
__device__ __forceinline__ float4 exact_value(const StreamMemory<Wide, TOKENS, PARTS> &memory, const Wide::Tile &tile, int i, int lane) {
    float4 slope = ((const float4 *)memory.table)[2 * i * WARP + lane];
    float4 offset = ((const float4 *)memory.table)[(2 * i + 1) * WARP + lane];
    return make_float4(fmaf(__uint_as_float(__byte_perm(tile.scales, 0, 0x4044)), slope.x, offset.x),
                       fmaf(__uint_as_float(__byte_perm(tile.scales, 0, 0x4144)), slope.y, offset.y),
                       fmaf(__uint_as_float(__byte_perm(tile.scales, 0, 0x4244)), slope.z, offset.z),
                       fmaf(__uint_as_float(__byte_perm(tile.scales, 0, 0x4344)), slope.w, offset.w));
}

/* v of this lane's four columns and each token, into the exchange; and the second sum. */
template <class Format, int TOKENS, int PARTS>
__device__ __forceinline__ void scale_inputs(const typename Format::Tile &tile, const StreamMemory<Format, TOKENS, PARTS> &memory,
                                             int slice_tiles, int i, int lane, uint2 *out, Sums<TOKENS> &sums) {
    Decoded d = decode(tile);
    if constexpr (PARTS == 2) {
        float4 left = exact_value(memory, tile, i, lane);
#pragma unroll
        for (int part = 0; part < 2; part++) {
            uint2 v = take_f16(left);
            out[8 * part] = v;
            add_zeros(tile, d, v, lane, sums.zeros[0]);
        }
    } else {
#pragma unroll
        for (int t = 0; t < TOKENS; t++) {
            uint2 v = value_of(memory, (t * slice_tiles + i) * WARP + lane, d.s01, d.s23);
            out[8 * t] = v;
            add_zeros(tile, d, v, lane, sums.zeros[t]);
        }
    }
}

/* Adds one tile to the sums, from the values of its columns in `in`. */
template <int COLUMNS, int TOKENS>
__device__ __forceinline__ void add_codes(uint4 w, const uint4 *in, Sums<TOKENS> &sums) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
        uint4 v = in[j * COLUMNS * 4];
        if (j == 2) {
            w = make_uint4(w.x >> 8, w.y >> 8, w.z >> 8, w.w >> 8);
        }
        int p = 2 * (j & 1);
        uint32_t low = 0x00030003u << 2 * p;
        uint32_t high = low << 2;
        multiply_tile(sums.codes[p], w.x & low, w.y & low, w.z & low, w.w & low, v.x, v.y);
        multiply_tile(sums.codes[p + 1], w.x & high, w.y & high, w.z & high, w.w & high, v.z, v.w);
    }
}

/* Gathered: the tile's own products of zeros, in the places of the codes' sums. */
__device__ __forceinline__ void join_zeros(const Wide::Tile &, const float (&product)[4], float (&sums)[4]) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        sums[i] = product[i];
    }
}

__device__ __forceinline__ void join_zeros(const Narrow::Tile &tile, const float (&product)[4], float (&sums)[4]) {
    float2 second = unpack_f16(tile.second.y);
#pragma unroll
    for (int i = 0; i < 2; i++) {
        sums[i] += second.x * (0x1p20f * product[i] - second.y * product[2 + i]);
    }
}

/* Gathered: lane = 4 * token + c takes scales and zeros of the columns of its products from the exchange, and makes v itself. */
template <class Format, int TOKENS, int PARTS, bool ENTRIES>
__device__ __forceinline__ void add_gathered(const typename Format::Tile &tile, const StreamMemory<Format, TOKENS, PARTS> &memory,
                                             int slice_tiles, int i, const uint4 *exchange, int lane, Sums<TOKENS> &sums) {
    int token = min(lane / 4, TOKENS - 1);
    int c = lane % 4;
    int base = (token * slice_tiles + i) * WARP;
    uint4 w = tile.codes;
    float zeros[4];
#pragma unroll
    for (int k = 0; k < 4; k++) {
        zeros[k] = Format::TABLE_BYTES == Wide::TABLE_BYTES ? sums.zeros[0][k] : 0;
    }
#pragma unroll
    for (int p = 0; p < 8; p++) {
        if (p == 4) {
            w = make_uint4(w.x >> 8, w.y >> 8, w.z >> 8, w.w >> 8);
        }
        uint4 d = exchange[4 * p + c];
        uint2 v = value_of(memory, base + memory.entry_of(token, 4 * p + c), d.x, d.y);
        uint32_t mask = 0x00030003u << 2 * (p & 3);
        multiply_tile(sums.codes[p & 3], w.x & mask, w.y & mask, w.z & mask, w.w & mask, v.x, v.y);
        if constexpr (ENTRIES) {
            uint2 rest = ((const uint2 *)(exchange + WARP))[4 * p + c];
            multiply_tile(sums.zeros[0], d.z, rest.x, d.w, rest.y, v.x, v.y);
        } else {
            multiply_tile(zeros, d.z, ONES, d.w, ONES, v.x, v.y);
        }
    }
    if constexpr (!ENTRIES) {
        join_zeros(tile, zeros, sums.zeros[0]);
    }
}

/*
 * Gathered: scales and zeros of the lane's columns, into the exchange. Of tiles with several entries zeros are finished, in two
 * parts, of which the second is what rounding takes off.
 */
template <bool ENTRIES, class Tile>
__device__ __forceinline__ void put_metas(const Tile &tile, uint4 *exchange, int lane) {
    Decoded d = decode(tile);
    if constexpr (ENTRIES) {
        float4 zeros = finished_zeros(tile);
        uint2 first = take_f16(zeros);
        exchange[lane] = make_uint4(d.s01, d.s23, first.x, first.y);
        ((uint2 *)(exchange + WARP))[lane] = take_f16(zeros);
    } else {
        exchange[lane] = make_uint4(d.s01, d.s23, d.z01, d.z23);
    }
}

/*
 * Adds BATCH tiles, the first of them tile `base` of the slice. Tiles beyond the slice's last meet zeros in the table:
 * whatever their registers hold (finite by construction) adds nothing.
 */
template <class Format, int TOKENS, int PARTS, bool ENTRIES>
__device__ __forceinline__ void add_tiles(const typename Format::Tile (&tiles)[BATCH],
                                          const StreamMemory<Format, TOKENS, PARTS> &memory, int slice_tiles, int base,
                                          uint4 *exchange, int lane, Sums<TOKENS> &sums) {
    using Memory = StreamMemory<Format, TOKENS, PARTS>;
    int g = lane / 4;
    int c = lane % 4;
    uint2 *out = (uint2 *)(exchange + (g / 2 * Memory::COLUMNS) * 4 + c) + (g & 1);
    const uint4 *in = exchange + min(g, Memory::COLUMNS - 1) * 4 + c;
#pragma unroll
    for (int first = 0; first < BATCH; first += Memory::TOGETHER) {
        __syncwarp();
#pragma unroll
        for (int i = 0; i < Memory::TOGETHER; i++) {
            if constexpr (Memory::GATHER) {
                put_metas<ENTRIES>(tiles[first + i], exchange + i * Memory::EXCHANGE, lane);
            } else {
                scale_inputs<Format, TOKENS, PARTS>(tiles[first + i], memory, slice_tiles, base + first + i, lane,
                                                    out + 2 * i * Memory::EXCHANGE, sums);
            }
        }
        __syncwarp();
#pragma unroll
        for (int i = 0; i < Memory::TOGETHER; i++) {
            if constexpr (Memory::GATHER) {
                add_gathered<Format, TOKENS, PARTS, ENTRIES>(tiles[first + i], memory, slice_tiles, base + first + i,
                                                             exchange + i * Memory::EXCHANGE, lane, sums);
            } else {
                add_codes<Memory::COLUMNS>(tiles[first + i].codes, in + i * Memory::EXCHANGE, sums);
            }
        }
    }
}

/* The second sum of one token, in every lane, still times 2^e. */
__device__ __forceinline__ float zero_sum(const float (&zeros)[4], const Wide::Zero &zero, int lane) {
    int g = lane / 4;
    bool odd = g & 1;
    float codes = odd ? zeros[1] : zeros[0];
    float ones = odd ? zeros[3] : zeros[2];
    float share = lane % 4 == g / 2 ? zero.scale * (0x1p24f * codes - zero.zero * ones) : 0;
    return warp_sum(share);
}

__device__ __forceinline__ float zero_sum(const float (&zeros)[4], const Narrow::Zero &, int lane) {
    return warp_sum(lane % 4 == lane / 8 ? zeros[0] : 0);
}

/* Gathered: of the lane's first or second token. */
__device__ __forceinline__ float gathered_sum(const float (&zeros)[4], const Wide::Zero &zero, int which) {
    return zero.scale * (0x1p24f * zeros[which] - zero.zero * zeros[2 + which]);
}

__device__ __forceinline__ float gathered_sum(const float (&zeros)[4], const Narrow::Zero &, int which) {
    return zeros[which];
}

__device__ __forceinline__ Wide::Zero zero_of(const unsigned char *matrix, const Wide &) {
    return {((const float *)matrix)[0], ((const float *)matrix)[1]};
}

__device__ __forceinline__ Narrow::Zero zero_of(const unsigned char *, const Narrow &) {
    return {};
}

/* Where a lane's sums of one segment go: those of tokens 2 * (lane % 4) and the one behind; null where there is none. */
template <int TOKENS>
struct Outputs {
    static constexpr int EACH = TOKENS < 2 ? 1 : 2;
    float *to[EACH];
    float factor[EACH];

    template <class Format, int PARTS, class Work>
    __device__ __forceinline__ Outputs(const StreamMemory<Format, TOKENS, PARTS> &memory, const Segment &segment, const Work &work, int lane) {
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            int token = 2 * (lane % 4) + i;
            to[i] = token < TOKENS ? work.target(segment.part, segment.slice, token) : nullptr;
            factor[i] = memory.factor[min(token, TOKENS - 1)];
        }
    }
};

/* Takes the powers of two out again and stores each row's sum. */
template <class Format, int TOKENS, int PARTS, class Work>
__device__ __forceinline__ void finish_unit(const Sums<TOKENS> &sums, const typename Format::Zero &zero,
                                            const Outputs<TOKENS> &outputs, int group, int lane, const Work &work) {
    constexpr bool GATHER = StreamMemory<Format, TOKENS, PARTS>::GATHER;
    float correction[Sums<TOKENS>::ZEROS];
#pragma unroll
    for (int t = 0; !GATHER && t < TOKENS; t++) {
        correction[t] = zero_sum(sums.zeros[t], zero, lane);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        constexpr int EACH = Outputs<TOKENS>::EACH;
        if (i % 2 >= EACH) {
            continue;
        }
        int token = 2 * (lane % 4) + i % 2;
        float subtract;
        if constexpr (GATHER) {
            subtract = BY_ENTRY<Format, TOKENS, Work> ? sums.zeros[0][i % 2] + sums.zeros[0][2 + i % 2]
                                                      : gathered_sum(sums.zeros[0], zero, i % 2);
        } else {
            subtract = correction[0];
#pragma unroll
            for (int t = 1; t < TOKENS; t++) {
                subtract = t == token ? correction[t] : subtract;
            }
        }
        float sum = 0;
#pragma unroll
        for (int part = PARTS - 1; part >= 0; part--) {
            const float(&codes)[ACCUMULATORS][4] = sums.codes;
            int at = i + part;
            sum += codes[0][at] + 0x1p-2f * codes[1][at] + 0x1p-4f * codes[2][at] + 0x1p-6f * codes[3][at];
        }
        if (outputs.to[i % 2 % EACH] != nullptr) {
            outputs.to[i % 2 % EACH][work.place(group, lane / 4 + 8 * (i / 2))] =
                outputs.factor[i % 2 % EACH] * (0x1p24f * sum - subtract);
        }
    }
}

/*
 * Streams all units of `parts` matrices through the grid. `work` offers
 *   const unsigned char *matrix(part)                                  the matrix
 *   void inputs(part, token, column, float (&x)[4])                    x of 4 columns; zeros for a token that is not there
 *   float *target(part, slice, token)                                  where the sums of a slice go; null: nowhere
 *   int place(group row, row of the group)                             the place of a sum there
 *   KEEPS_REST                                                         whether one token's products of the published scheme keep
 *                                                                      what rounding v takes off
 *   HAS_ENTRIES                                                        whether narrow tiles may have several entries of the
 *                                                                      second level
 * `ready` runs once in every thread after the first weights were asked for; false ends it. Where WAITS, no input is read
 * before.
 */
template <class Format, int TOKENS, bool WAITS, class Work, class Ready>
__device__ __forceinline__ void stream(const StreamShape &shape, int parts, Work &work, unsigned char *shared, Ready ready) {
    constexpr int PARTS = PARTS_OF<Format, TOKENS, Work>;
    using Memory = StreamMemory<Format, TOKENS, PARTS>;
    Memory memory(shared, shape.slice_tiles);
    int warp = threadIdx.x / WARP;
    int lane = threadIdx.x % WARP;
    int period = Format::period(shape);
    Run run = run_of(parts * shape.slices() * period, rows_of_residue(shape, period));
    int from = run.begin;
    int to = run.end;
    uint4 *exchange = memory.exchange + warp * Memory::TOGETHER * Memory::EXCHANGE;

    auto group_of = [&](const Segment &s, int unit) {
        int group = s.residue + (s.first + unit - s.begin) * period;
        return group < shape.group_rows() ? group : group - period;
    };
    auto place = [&](const Segment &s, int unit) { /* from segment s on */
        if (unit < s.end) {
            return Format::place(shape, work.matrix(s.part), group_of(s, unit), s.slice);
        }
        Segment other = segment_at(shape, period, unit, to);
        return Format::place(shape, work.matrix(other.part), group_of(other, unit), other.slice);
    };
    typename Format::Steps steps(shape, lane);

    /* Inputs are asked for first, since behind the weights they come last; not those of more tokens than registers hold. */
    constexpr bool EARLY = !WAITS && TOKENS == 1;
    Segment segment = {};
    Inputs<Format, TOKENS> in;
    typename Format::Tile ahead[BATCH] = {};
    UnitPlace here = {nullptr, nullptr, 0};
    int unit = from + warp;
    if (from < to) {
        segment = segment_at(shape, period, from, to);
        load_second(shape, segment, work.matrix(segment.part), in.second);
        if (EARLY) {
            in.load(shape, segment, work);
        }
    }
    if (unit < to) {
        here = place(segment, unit);
        Format::fetch(ahead, here.tiles, here.second, steps, here.count, lane);
    }
    if (!ready()) {
        return;
    }
    for (int begin = from; begin < to;) {
        if (begin != from) {
            segment = segment_at(shape, period, begin, to);
            load_second(shape, segment, work.matrix(segment.part), in.second);
        }
        if (begin != from || !EARLY) {
            in.load(shape, segment, work);
        }
        __syncthreads();
        fill_table(shape, segment, in, memory);
        __syncthreads();
        typename Format::Zero zero = zero_of(work.matrix(segment.part), Format());
        Outputs<TOKENS> outputs(memory, segment, work, lane);
        while (unit < segment.end) {
            int next_unit = unit + STREAM_WARPS;
            UnitPlace next = {nullptr, nullptr, 0};
            if (next_unit < to) {
                next = place(segment, next_unit);
            }
            Sums<TOKENS> sums;
            sums.clear();
            for (int base = 0; base < here.count; base += BATCH) {
                /* One copy, then one batch of loads: what is asked for together is waited for together. */
                typename Format::Tile tiles[BATCH];
#pragma unroll
                for (int i = 0; i < BATCH; i++) {
                    tiles[i] = ahead[i];
                }
                int first = base + BATCH;
                bool more = first < here.count;
                Format::fetch(ahead, more ? here.tiles + first * Format::TILE : next.tiles,
                              more ? here.second + first / 2 * steps.two : next.second, steps,
                              more ? here.count - first : next.count, lane);
                add_tiles<Format, TOKENS, PARTS, BY_ENTRY<Format, TOKENS, Work>>(tiles, memory, shape.slice_tiles, base,
                                                                                 exchange, lane, sums);
            }
            finish_unit<Format, TOKENS, PARTS>(sums, zero, outputs, group_of(segment, unit), lane, work);
            unit = next_unit;
            here = next;
        }
        begin = segment.end;
    }
}

/*
 * Calls `each(group row, row, token)` in one thread for every row and token of every group row whose units are now all
 * stored, once for each in the grid: the block that stored the last of them does it. Counters are zero before and after a
 * launch. The period divides the group rows.
 */
template <class Format, class Each>
__device__ __forceinline__ void last_arrivals(const StreamShape &shape, int parts, int tokens, int *counters, Each each) {
    __shared__ int done[STREAM_THREADS];
    __shared__ int count;
    int period = Format::period(shape);
    int arrivals = parts * shape.slices();
    Run run = run_of(arrivals * period, shape.group_rows() / period);
    __threadfence();
    for (int first = run.begin; first < run.end; first += STREAM_THREADS) {
        if (threadIdx.x == 0) {
            count = 0;
        }
        __syncthreads();
        int unit = first + threadIdx.x;
        if (unit < run.end) {
            Segment s = segment_at(shape, period, unit, run.end);
            int group = s.residue + s.first * period;
            if (atomicAdd(&counters[group], 1) == arrivals - 1) {
                done[atomicAdd(&count, 1)] = group;
                counters[group] = 0;
            }
        }
        __threadfence();
        __syncthreads();
        for (int i = threadIdx.x; i < count * tokens * Q2_ROWS; i += STREAM_THREADS) {
            each(done[i / Q2_ROWS / tokens], i % Q2_ROWS, i / Q2_ROWS % tokens);
        }
        __syncthreads();
    }
}
