/*
 * any.cu   y[i] = W x[row of i] with W in any format that a checkpoint may have, as it lies in the file; for one matrix, or
 *          for all chosen experts of a layer
 *
 * formats  0 fp32, 1 fp16, 2 bf16: W[rows][columns]
 *          16 + bits, bits = 2, 3, 4, 8: HQQ along the rows (axis 0), untiled. With G = rows / group_size and M = pairs,
 *          group s = g * columns + k holds rows g + G*i (i = 0..group_size-1) at column k:
 *            W = (code - zero[s]) * scale[s]
 *            scale[s] = (scale_codes[s] - scale_zeros[s mod M]) * scale_scales[s mod M]      bytes; fp16; fp16
 *            zero[s]  = (zero_codes[s] - zero_zero) * zero_scale                             bytes; fp32; fp32
 *          pairs = 0: scales and zeros of 4 bits, with T = ceil(columns / 128) entries of the second level for a group row:
 *          scale_scales is fp16 [G][T][4], and of {a, b, c, d} at [g][k / 128]
 *            scale[s] = ((scale_codes[s] & 15) - b) * a      zero[s] = ((zero_codes[s] >> 4) - d) * c
 *          where zero_codes is scale_codes again; scale_zeros, zero_scale and zero_zero are not read
 *          Codes lie in units: a byte of 8 / bits fields (2, 4, 8 bits), for 3 bits a little-endian 32-bit word of ten
 *          fields. With steps = ceil(group_size / fields), unit (j*G + g) * columns + k (j < steps) has in its field f,
 *          counted from the most significant (for 3 bits: bits 29 to 27), row g + G*(j + f*steps); fields of members
 *          beyond the group are not read. So 3-bit codes are int32 [ceil(group_size / 10)][S], the original HQQ library's
 *          order; words that were packed anew along the rows (ceil(rows / 10) rows of words) have to be sorted back first
 *
 * matrix   struct AnyMatrix, 72 bytes, little-endian, 8-byte aligned:
 *            0 u64 codes (or values)     8 u64 scale_codes     16 u64 zero_codes     24 u64 scale_scales
 *           32 u64 scale_zeros          40 i32 format          44 i32 rows           48 i32 columns
 *           52 i32 group_size           56 i32 pairs (M)       60 f32 zero_scale     64 f32 zero_zero     68 i32 0
 *          codes = 0: the matrix is absent. Unquantized: bytes 8 to 39 and 52 to 67 are not read
 *
 * launch   every entry point takes one struct AnyProduct by value, 160 bytes, 8-byte aligned:
 *            0 u64 table      AnyMatrix [experts][3] in device memory, w1, w3, w2 of each expert; 0: `matrix` is used
 *            8 u64 blocks     void *[experts]; 0: the five addresses of a matrix of the table are device addresses;
 *                             otherwise they are offsets from blocks[expert], and blocks[expert] = 0 makes it absent
 *           16 u64 offsets    int [experts + 1] of gatun_group_tokens; 0: one segment, items 0 to items - 1
 *           24 u64 order      int [items], choices (token * top_k + rank) by expert; read where top_k > 0
 *           32 u64 x          fp32 [..][columns]
 *           40 u64 y          fp32 [items][rows]
 *           48 u64 error      the error word
 *           56 i32 items      tokens, or choices
 *           60 i32 experts    1 to 128; 1 where table = 0
 *           64 i32 which      of the table: 0 w1, 1 w3, 2 w2
 *           68 i32 top_k      item i reads row order[i] / top_k of x; 0: row i
 *           72 i32 mode       0 y = Wx     1 y += Wx     2 y = silu(y) * Wx
 *           76 i32 rows       80 i32 columns      (of every matrix of the launch)      84 i32 0
 *           88 AnyMatrix matrix
 *          block 256, no dynamic shared memory, any grid is right; grid (x, y) with x = tiles of items is best:
 *            gatun_any_matvec_t1    tiles of 1     y = ceil(rows / 8), at most 16 blocks a multiprocessor in all
 *            gatun_any_matvec_t4    tiles of 4     likewise
 *            gatun_any_tiles_n32    tiles of 32    y = min(ceil(rows / 64), 65535)
 *            gatun_any_tiles_n128   tiles of 128   y = min(ceil(rows / 128), 65535)
 *          tiles of w: ceil(items / w) for one matrix; (items + min(items, experts) * (w - 1)) / w for experts.
 *          For speed alone: _t1 for one token, and for experts while few have two choices; _t4 to about 24 tokens, to 48 where
 *          rows are 4096 or fewer; _n32 to about 128 (32 items an expert), then _n128.
 *          A layer's experts, h fp32 [choices][ffn], out fp32 [choices][hidden]:
 *            which 0, top_k, mode 0: h = w1 x      which 1, top_k, mode 2: h = silu(h) * w3 x
 *            which 2, top_k 0, mode 0: out = w2 h      then the weighted sum of each token's choices
 *
 * bytes    the matrix once for each tile of a wave (L2 holds it between them); groups' scales and zeros again for every
 *          16 rows or so (L2)      bound: device memory reads (_t1), fp32 FMA (_n128)
 *
 * checked in Java   rows, columns > 0; group_size a multiple of the fields of a byte (2, 4, 8 bits) that divides rows;
 *          pairs is 0 or divides G * columns; values, units, scale_scales and scale_zeros at multiples of their own size. Where
 *          addresses are multiples of 16, columns and pairs of 8, loads are wide; all else takes a slower path. Choices
 *          outside 0..items-1 set ERROR_ID and read row 0; offsets are clipped to 0..items; rows of y that belong to no
 *          segment are not written. An absent expert sets ERROR_ABSENT and its rows of y are zero (mode 1: unchanged)
 * checked by   AnyTest
 *
 * Sums are fp32. Matvec: the lanes and warps of a block share the columns and add by a fixed tree; tiles: columns in
 * rising order. The order depends on the entry point and the columns alone, not on the other items.
 */
#include "common.cuh"

constexpr int FORMAT_Q2 = 18;
constexpr int FORMAT_Q3 = 19;
constexpr int FORMAT_Q4 = 20;
constexpr int FORMAT_Q8 = 24;

constexpr int MODE_ADD = 1;
constexpr int MODE_SILU = 2;

constexpr int ANY_THREADS = 256;
constexpr int ANY_WARPS = ANY_THREADS / WARP;
constexpr int MAX_EXPERTS = 128;
constexpr int EXPERT_PARTS = 3;

typedef unsigned char byte;

struct AnyMatrix {
    const byte *codes;
    const byte *scale_codes;
    const byte *zero_codes;
    const __half *scale_scales;
    const __half *scale_zeros;
    int format;
    int rows;
    int columns;
    int group_size;
    int pairs;
    float zero_scale;
    float zero_zero;
    int reserved;
};

struct AnyProduct {
    const AnyMatrix *table;
    const byte *const *blocks;
    const int *offsets;
    const int *order;
    const float *x;
    float *y;
    int *error;
    int items;
    int experts;
    int which;
    int top_k;
    int mode;
    int rows;
    int columns;
    int reserved;
    AnyMatrix matrix;
};

static_assert(sizeof(AnyMatrix) == 72 && sizeof(AnyProduct) == 160, "Java fills these by offset");

/* What a block works on: some items of one expert. */
struct Part {
    int expert;
    int first;
    int count;
};

/*
 * The tile-th tile of `width` items, counted through all segments; false beyond the last. Every warp finds it by itself:
 * a lane counts the tiles of four experts.
 */
__device__ __forceinline__ bool find_part(const AnyProduct &in, int tile, int width, Part &part) {
    if (in.offsets == nullptr) {
        int64_t first = (int64_t)tile * width;
        part = {0, (int)first, (int)min((int64_t)width, in.items - first)};
        return first < in.items;
    }
    constexpr int EACH = MAX_EXPERTS / WARP;
    int lane = threadIdx.x % WARP;
    int begin[EACH];
    int count[EACH];
    int tiles = 0;
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        int e = EACH * lane + i;
        begin[i] = e < in.experts ? min(max(in.offsets[e], 0), in.items) : 0;
        count[i] = e < in.experts ? max(min(in.offsets[e + 1], in.items), begin[i]) - begin[i] : 0;
        tiles += (count[i] + width - 1) / width;
    }
    int through = tiles;
#pragma unroll
    for (int step = 1; step < WARP; step *= 2) {
        int before = __shfl_up_sync(ALL_LANES, through, step);
        through += lane >= step ? before : 0;
    }
    int rest = tile - (through - tiles);
    bool mine = rest >= 0 && rest < tiles;
    unsigned owner = __ballot_sync(ALL_LANES, mine);
    if (owner == 0) {
        return false;
    }
    part = {-1, 0, 0};
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        int here = (count[i] + width - 1) / width;
        if (mine && rest >= 0 && rest < here) {
            part = {EACH * lane + i, begin[i] + rest * width, min(width, count[i] - rest * width)};
        }
        rest -= here;
    }
    int from = __ffs(owner) - 1;
    part.expert = __shfl_sync(ALL_LANES, part.expert, from);
    part.first = __shfl_sync(ALL_LANES, part.first, from);
    part.count = __shfl_sync(ALL_LANES, part.count, from);
    return true;
}

template <class T>
__device__ __forceinline__ void move_to(const T *&address, const byte *block) {
    address = (const T *)(block + (uint64_t)address);
}

/* The part's matrix, with device addresses; false where it is absent. */
__device__ __forceinline__ bool find_matrix(const AnyProduct &in, const Part &part, AnyMatrix &m) {
    if (in.table == nullptr) {
        m = in.matrix;
        return m.codes != nullptr;
    }
    m = in.table[EXPERT_PARTS * part.expert + in.which];
    if (in.blocks == nullptr) {
        return m.codes != nullptr;
    }
    const byte *block = in.blocks[part.expert];
    move_to(m.codes, block);
    move_to(m.scale_codes, block);
    move_to(m.zero_codes, block);
    move_to(m.scale_scales, block);
    move_to(m.scale_zeros, block);
    return block != nullptr;
}

/* Called by whole blocks; those of one tile share its rows. */
__device__ __forceinline__ void leave_absent(const AnyProduct &in, const Part &part) {
    if (blockIdx.y == 0 && threadIdx.x == 0) {
        atomicOr(in.error, ERROR_ABSENT);
    }
    for (int i = 0; in.mode != MODE_ADD && i < part.count; i++) {
        for (int64_t n = (int64_t)blockIdx.y * ANY_THREADS + threadIdx.x; n < in.rows; n += (int64_t)gridDim.y * ANY_THREADS) {
            in.y[(int64_t)(part.first + i) * in.rows + n] = 0;
        }
    }
}

/* The input of an item. */
__device__ __forceinline__ const float *input_of(const AnyProduct &in, int item) {
    int64_t row = item;
    if (in.top_k > 0) {
        int choice = in.order[item];
        if ((unsigned)choice >= (unsigned)in.items) {
            atomicOr(in.error, ERROR_ID);
            choice = 0;
        }
        row = choice / in.top_k;
    }
    return in.x + row * in.columns;
}

__device__ __forceinline__ float silu(float v) {
    return v / (1 + expf(-v));
}

__device__ __forceinline__ void store(const AnyProduct &in, int item, int row, float sum) {
    float *at = in.y + (int64_t)item * in.rows + row;
    *at = in.mode == MODE_ADD ? *at + sum : in.mode == MODE_SILU ? silu(*at) * sum : sum;
}

__device__ __forceinline__ bool aligned_to(const void *address, int bytes) {
    return (uint64_t)address % bytes == 0;
}

__device__ __forceinline__ constexpr bool is_quantized(int format) {
    return format >= 16;
}

/* Whether a multiple of eight columns can be loaded in wide words. */
__device__ __forceinline__ bool loads_wide(const AnyProduct &in, const AnyMatrix &m) {
    bool wide = in.columns % 8 == 0 && aligned_to(m.codes, 16) && aligned_to(in.x, 16);
    return wide && (!is_quantized(m.format) ||
                    (m.pairs % 8 == 0 && aligned_to(m.scale_codes, 8) && aligned_to(m.zero_codes, 8) &&
                     aligned_to(m.scale_scales, 16) && aligned_to(m.scale_zeros, 16)));
}

/* Whether scales and zeros have 4 bits. */
__device__ __forceinline__ bool is_narrow(const AnyMatrix &m) {
    return m.pairs == 0;
}

constexpr int NARROW_COLUMNS = 128; /* that share an entry of the second level */

/* An entry of the second level of 4-bit scales: scale = (code - scale_zero) * scale_step, and so for zeros. */
struct NarrowEntry {
    float scale_step;
    float scale_zero;
    float zero_step;
    float zero_zero;
};

/* The first of a group row's entries. */
__device__ __forceinline__ int64_t first_entry(int64_t group_row, int columns) {
    return group_row * ((columns + NARROW_COLUMNS - 1) / NARROW_COLUMNS);
}

__device__ __forceinline__ NarrowEntry narrow_entry(const AnyMatrix &m, int64_t entry) {
    const __half *at = m.scale_scales + 4 * entry;
    return {__half2float(at[0]), __half2float(at[1]), __half2float(at[2]), __half2float(at[3])};
}

__device__ __forceinline__ int fields_of(int format) {
    return format == FORMAT_Q3 ? 10 : format == FORMAT_Q2 ? 4 : format == FORMAT_Q4 ? 2 : 1;
}

/* ---- matvec: a block takes all columns of a few rows that share their groups -------------------------------------- */

/*
 * How one format's codes become numbers. A step of the loop over columns is four columns of `steps_of` units; a field of a
 * unit comes out of a mask as q * 2^exponent(f), in the byte formats times 2^8 in every second column.
 */
template <int FORMAT>
struct Packing;

template <>
struct Packing<FORMAT_Q2> {
    static constexpr int FIELDS = 4, STEPS = 4, WORDS = 1;
};
template <>
struct Packing<FORMAT_Q4> {
    static constexpr int FIELDS = 2, STEPS = 8, WORDS = 1;
};
template <>
struct Packing<FORMAT_Q8> {
    static constexpr int FIELDS = 1, STEPS = 8, WORDS = 1;
};
template <>
struct Packing<FORMAT_Q3> {
    static constexpr int FIELDS = 10, STEPS = 1, WORDS = 4;
};
template <>
struct Packing<TYPE_F16> {
    static constexpr int FIELDS = 1, STEPS = 8, WORDS = 2;
};
template <>
struct Packing<TYPE_BF16> {
    static constexpr int FIELDS = 1, STEPS = 8, WORDS = 2;
};
template <>
struct Packing<TYPE_F32> {
    static constexpr int FIELDS = 1, STEPS = 4, WORDS = 4;
};

/* Fewer where each has a sum for several tokens. */
template <int FORMAT, int TOKENS>
__device__ __forceinline__ constexpr int steps_of() {
    return TOKENS == 1 || Packing<FORMAT>::STEPS == 1 ? Packing<FORMAT>::STEPS : Packing<FORMAT>::STEPS / 2;
}

template <int FORMAT>
__device__ __forceinline__ constexpr bool in_bytes() {
    return FORMAT == FORMAT_Q2 || FORMAT == FORMAT_Q4 || FORMAT == FORMAT_Q8;
}

template <int FORMAT>
__device__ __forceinline__ constexpr int exponent_of(int field) {
    return in_bytes<FORMAT>()   ? 8 - (FORMAT - 16) * (field + 1)
           : FORMAT != FORMAT_Q3 ? 0
           : field < 3           ? 18 - 3 * field /* of the word shifted right by 9: a float holds 23 bits exactly */
                                 : 27 - 3 * field;
}

/* (word & mask) as a float; the mask has bits below 2^23 only. */
__device__ __forceinline__ float masked(uint32_t word, uint32_t mask) {
    constexpr uint32_t TWO_TO_23 = 0x4b000000u;
    return __uint_as_float((word & mask) | TWO_TO_23) - 8388608.0f;
}

template <int UNIT>
__device__ __forceinline__ uint32_t unit_at(const byte *units, int i) {
    return UNIT == 1 ? units[i] : UNIT == 2 ? ((const uint16_t *)units)[i] : ((const uint32_t *)units)[i];
}

/* As many units as fit into the words; of those only the first `left` are read, the others are zero. */
template <int UNIT, int WORDS>
__device__ __forceinline__ void load_singly(const byte *units, int left, uint32_t (&words)[WORDS]) {
    constexpr int EACH = 4 / UNIT;
#pragma unroll
    for (int w = 0; w < WORDS; w++) {
        words[w] = 0;
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            words[w] |= w * EACH + i < left ? unit_at<UNIT>(units, w * EACH + i) << 8 * UNIT * i : 0;
        }
    }
}

template <int FORMAT>
struct Four {
    uint32_t words[Packing<FORMAT>::WORDS];

    /* Units k to k + 3 of a row of units; `left` of them are inside it. */
    template <bool WIDE>
    __device__ __forceinline__ void load(const byte *codes, int64_t row, int columns, int k) {
        constexpr int UNIT = in_bytes<FORMAT>() ? 1 : FORMAT == FORMAT_Q3 || FORMAT == TYPE_F32 ? 4 : 2;
        const byte *at = codes + (row * columns + k) * UNIT;
        if constexpr (WIDE && UNIT == 1) {
            words[0] = load_once((const uint32_t *)at);
        } else if constexpr (WIDE && UNIT == 2) {
            uint2 v = load_once((const uint2 *)at);
            words[0] = v.x, words[1] = v.y;
        } else if constexpr (WIDE) {
            uint4 v = load_once((const uint4 *)at);
            words[0] = v.x, words[1] = v.y, words[2] = v.z, words[3] = v.w;
        } else {
            load_singly<UNIT>(at, columns - k, words);
        }
    }

    __device__ __forceinline__ float4 field(int f) const {
        if constexpr (in_bytes<FORMAT>()) {
            uint32_t mask = ((1u << (FORMAT - 16)) - 1) << exponent_of<FORMAT>(f);
            uint32_t high = words[0] >> 16;
            return make_float4(masked(words[0], mask), masked(words[0], mask << 8), masked(high, mask),
                               masked(high, mask << 8));
        } else if constexpr (FORMAT == FORMAT_Q3) {
            uint32_t mask = 7u << exponent_of<FORMAT>(f);
            int down = f < 3 ? 9 : 0;
            return make_float4(masked(words[0] >> down, mask), masked(words[1] >> down, mask), masked(words[2] >> down, mask),
                               masked(words[3] >> down, mask));
        } else if constexpr (FORMAT == TYPE_F32) {
            return make_float4(__uint_as_float(words[0]), __uint_as_float(words[1]), __uint_as_float(words[2]),
                               __uint_as_float(words[3]));
        } else {
            float2 low = FORMAT == TYPE_F16 ? unpack_f16(words[0]) : unpack_bf16(words[0]);
            float2 high = FORMAT == TYPE_F16 ? unpack_f16(words[1]) : unpack_bf16(words[1]);
            return make_float4(low.x, low.y, high.x, high.y);
        }
    }
};

/* Byte i of the word as a float. */
__device__ __forceinline__ float byte_float(uint32_t word, int i) {
    constexpr uint32_t TWO_TO_23 = 0x4b000000u;
    return __uint_as_float(__byte_perm(word, TWO_TO_23, 0x7440 + i)) - 8388608.0f;
}

__device__ __forceinline__ float4 byte_floats(uint32_t word) {
    return make_float4(byte_float(word, 0), byte_float(word, 1), byte_float(word, 2), byte_float(word, 3));
}

/* Scales and zeros of four columns of a group row. */
struct FourGroups {
    float4 scale;
    float4 zero;
};

/* With scales of 4 bits: from a multiple of four on, four columns share an entry. */
template <bool WIDE>
__device__ __forceinline__ FourGroups four_narrow_groups(const AnyMatrix &m, int64_t row, int columns, int k) {
    uint32_t metas[1];
    const byte *at = m.scale_codes + row * columns + k;
    if constexpr (WIDE) {
        metas[0] = *(const uint32_t *)at;
    } else {
        load_singly<1>(at, columns - k, metas);
    }
    NarrowEntry e = narrow_entry(m, first_entry(row, columns) + k / NARROW_COLUMNS);
    float4 s = byte_floats(metas[0] & 0x0f0f0f0fu);
    float4 z = byte_floats(metas[0] >> 4 & 0x0f0f0f0fu);
    return {make_float4((s.x - e.scale_zero) * e.scale_step, (s.y - e.scale_zero) * e.scale_step,
                        (s.z - e.scale_zero) * e.scale_step, (s.w - e.scale_zero) * e.scale_step),
            make_float4((z.x - e.zero_zero) * e.zero_step, (z.y - e.zero_zero) * e.zero_step,
                        (z.z - e.zero_zero) * e.zero_step, (z.w - e.zero_zero) * e.zero_step)};
}

template <bool WIDE>
__device__ __forceinline__ FourGroups four_groups(const AnyMatrix &m, int64_t row, unsigned pair, int columns, int k) {
    if (is_narrow(m)) {
        return four_narrow_groups<WIDE>(m, row, columns, k);
    }
    uint32_t scales = 0;
    uint32_t zeros = 0;
    float pair_scale[4];
    float pair_zero[4];
    const byte *scale_codes = m.scale_codes + row * columns + k;
    const byte *zero_codes = m.zero_codes + row * columns + k;
    if constexpr (WIDE) {
        scales = *(const uint32_t *)scale_codes;
        zeros = *(const uint32_t *)zero_codes;
        uint2 s = *(const uint2 *)(m.scale_scales + pair);
        uint2 z = *(const uint2 *)(m.scale_zeros + pair);
        float2 s0 = unpack_f16(s.x), s1 = unpack_f16(s.y), z0 = unpack_f16(z.x), z1 = unpack_f16(z.y);
        pair_scale[0] = s0.x, pair_scale[1] = s0.y, pair_scale[2] = s1.x, pair_scale[3] = s1.y;
        pair_zero[0] = z0.x, pair_zero[1] = z0.y, pair_zero[2] = z1.x, pair_zero[3] = z1.y;
    } else {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            bool inside = k + i < columns;
            scales |= inside ? (uint32_t)scale_codes[i] << 8 * i : 0;
            zeros |= inside ? (uint32_t)zero_codes[i] << 8 * i : 0;
            pair_scale[i] = inside ? __half2float(m.scale_scales[pair]) : 0;
            pair_zero[i] = inside ? __half2float(m.scale_zeros[pair]) : 0;
            pair = pair + 1 == (unsigned)m.pairs ? 0 : pair + 1;
        }
    }
    float4 s = byte_floats(scales);
    float4 z = byte_floats(zeros);
    return {make_float4((s.x - pair_zero[0]) * pair_scale[0], (s.y - pair_zero[1]) * pair_scale[1],
                        (s.z - pair_zero[2]) * pair_scale[2], (s.w - pair_zero[3]) * pair_scale[3]),
            make_float4((z.x - m.zero_zero) * m.zero_scale, (z.y - m.zero_zero) * m.zero_scale,
                        (z.z - m.zero_zero) * m.zero_scale, (z.w - m.zero_zero) * m.zero_scale)};
}

template <bool WIDE>
__device__ __forceinline__ float4 four_inputs(const float *x, int columns, int k) {
    if constexpr (WIDE) {
        return *(const float4 *)(x + k);
    } else {
        return make_float4(x[k], k + 1 < columns ? x[k + 1] : 0, k + 2 < columns ? x[k + 2] : 0,
                           k + 3 < columns ? x[k + 3] : 0);
    }
}

__device__ __forceinline__ float dot(float4 a, float4 b, float sum) {
    return fmaf(a.w, b.w, fmaf(a.z, b.z, fmaf(a.y, b.y, fmaf(a.x, b.x, sum))));
}

/*
 * Sums over the warp of COUNT values a lane, COUNT a power of two. In each step a lane gives half of its values away;
 * it ends with the sums of the max(1, COUNT / 32) values from the returned index on.
 */
template <int COUNT, int STEP = WARP / 2>
__device__ __forceinline__ int spread_sums(float *v, int lane) {
    if constexpr (STEP == 0) {
        return 0;
    } else if constexpr (COUNT == 1) {
        v[0] += __shfl_xor_sync(ALL_LANES, v[0], STEP);
        return spread_sums<1, STEP / 2>(v, lane);
    } else {
        constexpr int HALF = COUNT / 2;
        bool upper = lane & STEP;
#pragma unroll
        for (int i = 0; i < HALF; i++) {
            float kept = upper ? v[i + HALF] : v[i];
            float given = upper ? v[i] : v[i + HALF];
            v[i] = kept + __shfl_xor_sync(ALL_LANES, given, STEP);
        }
        return (upper ? HALF : 0) + spread_sums<HALF, STEP / 2>(v, lane);
    }
}

__device__ __forceinline__ constexpr int power_at_least(int n) {
    int power = 1;
    while (power < n) {
        power *= 2;
    }
    return power;
}

/* A 64-bit remainder takes long. */
__device__ __forceinline__ unsigned remainder_of(uint64_t value, unsigned divisor) {
    return value >> 32 == 0 ? (unsigned)value % divisor : (unsigned)(value % divisor);
}

/* Units of work: STEPS rows of units below each other, of one group row; unquantized: STEPS rows. */
struct Unit {
    int group_rows; /* G; 1 if unquantized */
    int steps;
    int group;
    int first_step;
};

template <int FORMAT, int TOKENS, bool WIDE>
__device__ __forceinline__ void add_unit(const AnyMatrix &m, const Unit &unit, const float *const (&x)[TOKENS], int tokens,
                                         float *sums) {
    typedef Packing<FORMAT> P;
    constexpr int STEPS = steps_of<FORMAT, TOKENS>();
    float zeros[TOKENS] = {};
    int columns = m.columns;
    unsigned pair = 0;
    unsigned pair_step = 0;
    if (is_quantized(FORMAT) && !is_narrow(m)) {
        pair = remainder_of((uint64_t)unit.group * columns + 4 * threadIdx.x, m.pairs);
        pair_step = 4 * ANY_THREADS % (unsigned)m.pairs;
    }
#pragma unroll(WIDE && TOKENS == 1 ? 2 : 1)
    for (int k = 4 * threadIdx.x; k < columns; k += 4 * ANY_THREADS) {
        Four<FORMAT> codes[STEPS];
#pragma unroll
        for (int j = 0; j < STEPS; j++) {
            int64_t step = min(unit.first_step + j, unit.steps - 1);
            codes[j].template load<WIDE>(m.codes, step * unit.group_rows + unit.group, columns, k);
        }
        float4 v[TOKENS];
#pragma unroll
        for (int t = 0; t < TOKENS; t++) {
            v[t] = t < tokens ? four_inputs<WIDE>(x[t], columns, k) : make_float4(0, 0, 0, 0);
        }
        if constexpr (is_quantized(FORMAT)) {
            constexpr float ODD = in_bytes<FORMAT>() ? 256.0f : 1.0f;
            FourGroups groups = four_groups<WIDE>(m, unit.group, pair, columns, k);
            pair += pair_step;
            pair -= pair >= (unsigned)m.pairs ? m.pairs : 0;
            groups.scale.y *= 1 / ODD, groups.scale.w *= 1 / ODD;
            groups.zero.y *= ODD, groups.zero.w *= ODD;
#pragma unroll
            for (int t = 0; t < TOKENS; t++) {
                v[t].x *= groups.scale.x, v[t].y *= groups.scale.y, v[t].z *= groups.scale.z, v[t].w *= groups.scale.w;
                zeros[t] = dot(groups.zero, v[t], zeros[t]);
            }
        }
#pragma unroll
        for (int j = 0; j < STEPS; j++) {
#pragma unroll
            for (int f = 0; f < P::FIELDS; f++) {
                float4 w = codes[j].field(f);
#pragma unroll
                for (int t = 0; t < TOKENS; t++) {
                    if (t < tokens) {
                        float &sum = sums[(j * P::FIELDS + f) * TOKENS + t];
                        sum = dot(w, v[t], sum);
                    }
                }
            }
        }
    }
#pragma unroll
    for (int i = 0; i < STEPS * P::FIELDS * TOKENS; i++) {
        constexpr int FIELDS = P::FIELDS;
        sums[i] = sums[i] * (1.0f / (1 << exponent_of<FORMAT>(i / TOKENS % FIELDS))) - zeros[i % TOKENS];
    }
}

template <int FORMAT, int TOKENS>
__device__ __forceinline__ void multiply_rows(const AnyProduct &in, const AnyMatrix &m, const Part &part, bool wide,
                                              float *partial) {
    typedef Packing<FORMAT> P;
    constexpr int STEPS = steps_of<FORMAT, TOKENS>();
    constexpr int VALUES = STEPS * P::FIELDS * TOKENS;
    constexpr int COUNT = power_at_least(VALUES);
    Unit unit;
    unit.group_rows = is_quantized(FORMAT) ? in.rows / m.group_size : 1;
    unit.steps = is_quantized(FORMAT) ? (m.group_size + P::FIELDS - 1) / P::FIELDS : in.rows;
    int batches = (unit.steps - 1) / STEPS + 1;
    const float *x[TOKENS];
#pragma unroll
    for (int t = 0; t < TOKENS; t++) {
        x[t] = t < part.count ? input_of(in, part.first + t) : in.x;
    }
    int lane = threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    /* No more units than rows. */
    for (unsigned u = blockIdx.y; u < (unsigned)unit.group_rows * batches; u += gridDim.y) {
        unit.group = (int)(u % unit.group_rows);
        unit.first_step = (int)(u / unit.group_rows) * STEPS;
        float sums[COUNT] = {};
        if (wide) {
            add_unit<FORMAT, TOKENS, true>(m, unit, x, part.count, sums);
        } else {
            add_unit<FORMAT, TOKENS, false>(m, unit, x, part.count, sums);
        }
        int index = spread_sums<COUNT>(sums, lane);
        constexpr int SAME = COUNT < WARP ? WARP / COUNT : 1; /* lanes with the same sum */
        if (lane % SAME == 0) {
#pragma unroll
            for (int i = 0; i < (COUNT + WARP - 1) / WARP; i++) {
                partial[warp * COUNT + index + i] = sums[i];
            }
        }
        __syncthreads();
        if (threadIdx.x < VALUES) {
            float sum = 0;
#pragma unroll
            for (int w = 0; w < ANY_WARPS; w++) {
                sum += partial[w * COUNT + threadIdx.x];
            }
            int t = threadIdx.x % TOKENS;
            int step = unit.first_step + threadIdx.x / TOKENS / P::FIELDS;
            int64_t member = step + (int64_t)(threadIdx.x / TOKENS % P::FIELDS) * unit.steps;
            int64_t row = unit.group + unit.group_rows * member;
            if (t < part.count && step < unit.steps && row < in.rows) {
                store(in, part.first + t, (int)row, sum);
            }
        }
        __syncthreads();
    }
}

template <int TOKENS>
__device__ __forceinline__ void matvec_any(const AnyProduct &in) {
    __shared__ float partial[ANY_WARPS * 16 * TOKENS];
    Part part;
    for (int tile = blockIdx.x; find_part(in, tile, TOKENS, part); tile += gridDim.x) {
        AnyMatrix m;
        if (!find_matrix(in, part, m)) {
            leave_absent(in, part);
            continue;
        }
        m.columns = in.columns;
        bool wide = loads_wide(in, m);
        switch (m.format) {
        case FORMAT_Q2:
            multiply_rows<FORMAT_Q2, TOKENS>(in, m, part, wide, partial);
            break;
        case FORMAT_Q3:
            multiply_rows<FORMAT_Q3, TOKENS>(in, m, part, wide, partial);
            break;
        case FORMAT_Q4:
            multiply_rows<FORMAT_Q4, TOKENS>(in, m, part, wide, partial);
            break;
        case FORMAT_Q8:
            multiply_rows<FORMAT_Q8, TOKENS>(in, m, part, wide, partial);
            break;
        case TYPE_F16:
            multiply_rows<TYPE_F16, TOKENS>(in, m, part, wide, partial);
            break;
        case TYPE_BF16:
            multiply_rows<TYPE_BF16, TOKENS>(in, m, part, wide, partial);
            break;
        default:
            multiply_rows<TYPE_F32, TOKENS>(in, m, part, wide, partial);
        }
    }
}

extern "C" __global__ void __launch_bounds__(ANY_THREADS, 2) gatun_any_matvec_t1(const AnyProduct in) {
    matvec_any<1>(in);
}

extern "C" __global__ void __launch_bounds__(ANY_THREADS, 2) gatun_any_matvec_t4(const AnyProduct in) {
    matvec_any<4>(in);
}

/* ---- tiles: a block takes some rows of some items, columns in slices through shared memory ------------------------ */

constexpr int OCTET = 8; /* columns that a thread loads of a row of W at a time */

/* What decides how rows are loaded; the formats of a kind share their code. */
template <int UNIT_, bool QUANTIZED_, bool WIDE_>
struct Kind {
    static constexpr int UNIT = UNIT_; /* bytes of a unit of codes */
    static constexpr bool QUANTIZED = QUANTIZED_, WIDE = WIDE_;
};

/* One row of W: where its codes, scales and zeros lie. */
struct WeightRow {
    const byte *codes;
    int64_t first_group; /* of its first column */
    unsigned first_pair; /* or entry of the second level, of 4-bit scales */
    int shift;
};

__device__ __forceinline__ int unit_bytes(int format) {
    return format == TYPE_F32 || format == FORMAT_Q3 ? 4 : format == TYPE_F16 || format == TYPE_BF16 ? 2 : 1;
}

__device__ __forceinline__ WeightRow find_row(const AnyMatrix &m, int rows, int columns, int n) {
    if (!is_quantized(m.format)) {
        return {m.codes + (int64_t)n * columns * unit_bytes(m.format), 0, 0, 0};
    }
    int bits = m.format - 16;
    int fields = fields_of(m.format);
    int group_rows = rows / m.group_size;
    int steps = (m.group_size + fields - 1) / fields;
    int group = n % group_rows;
    int member = n / group_rows;
    int64_t unit_row = (int64_t)(member % steps) * group_rows + group;
    WeightRow row;
    row.codes = m.codes + unit_row * columns * unit_bytes(m.format);
    row.first_group = (int64_t)group * columns;
    row.first_pair = is_narrow(m) ? (unsigned)first_entry(group, columns) : remainder_of(row.first_group, m.pairs);
    row.shift = (m.format == FORMAT_Q3 ? 30 : 8) - bits * (member / steps + 1);
    return row;
}

/* Eight columns of a row as they lie in memory; what is beyond the row is zero. */
template <class K>
struct RawWeights {
    uint32_t codes[2 * K::UNIT];
    uint32_t scales[2];
    uint32_t zeros[2];
};

template <int WORDS>
__device__ __forceinline__ void load_words(const byte *at, uint32_t (&words)[WORDS]) {
    if constexpr (WORDS == 2) {
        uint2 v = *(const uint2 *)at;
        words[0] = v.x, words[1] = v.y;
    } else {
#pragma unroll
        for (int w = 0; w < WORDS; w += 4) {
            uint4 v = *(const uint4 *)(at + 4 * w);
            words[w] = v.x, words[w + 1] = v.y, words[w + 2] = v.z, words[w + 3] = v.w;
        }
    }
}

template <int UNIT, bool WIDE>
__device__ __forceinline__ void load_octet(const byte *row, int k, int columns, uint32_t (&words)[2 * UNIT]) {
    const byte *at = row + (int64_t)k * UNIT;
    if constexpr (WIDE) {
#pragma unroll
        for (int w = 0; w < 2 * UNIT; w++) {
            words[w] = 0;
        }
        if (k < columns) {
            load_words(at, words);
        }
    } else {
        load_singly<UNIT>(at, columns - k, words);
    }
}

template <class K>
__device__ __forceinline__ void load_weights(const AnyMatrix &m, const WeightRow &row, int k, int columns,
                                             RawWeights<K> &raw) {
    load_octet<K::UNIT, K::WIDE>(row.codes, k, columns, raw.codes);
    if constexpr (K::QUANTIZED) {
        load_octet<1, K::WIDE>(m.scale_codes + row.first_group, k, columns, raw.scales);
        load_octet<1, K::WIDE>(m.zero_codes + row.first_group, k, columns, raw.zeros);
    }
}

__device__ __forceinline__ uint32_t byte_of(const uint32_t *words, int i) {
    return words[i / 4] >> 8 * (i % 4) & 255;
}

__device__ __forceinline__ float byte_float_of(const uint32_t *words, int i) {
    return byte_float(words[i / 4], i % 4);
}

/* Second-level scales and zeros of eight groups; beyond the row those of the next, finite where the inputs are zero. */
template <bool WIDE>
__device__ __forceinline__ void load_pairs(const AnyMatrix &m, unsigned pair, float (&scales)[OCTET],
                                           float (&zeros)[OCTET]) {
    if constexpr (WIDE) {
        uint32_t s[4];
        uint32_t z[4];
        load_words((const byte *)(m.scale_scales + pair), s);
        load_words((const byte *)(m.scale_zeros + pair), z);
#pragma unroll
        for (int i = 0; i < OCTET; i += 2) {
            float2 two = unpack_f16(s[i / 2]);
            scales[i] = two.x, scales[i + 1] = two.y;
            two = unpack_f16(z[i / 2]);
            zeros[i] = two.x, zeros[i + 1] = two.y;
        }
    } else {
#pragma unroll
        for (int i = 0; i < OCTET; i++) {
            scales[i] = __half2float(m.scale_scales[pair]);
            zeros[i] = __half2float(m.scale_zeros[pair]);
            pair = pair + 1 == (unsigned)m.pairs ? 0 : pair + 1;
        }
    }
}

/* With scales of 4 bits: from a multiple of eight on, eight columns share an entry. */
template <class K>
__device__ __forceinline__ void widen_narrow(const AnyMatrix &m, const WeightRow &row, int k, const RawWeights<K> &raw,
                                             float (&w)[OCTET]) {
    NarrowEntry e = narrow_entry(m, row.first_pair + (unsigned)k / NARROW_COLUMNS);
    uint32_t mask = (1u << (m.format - 16)) - 1;
#pragma unroll
    for (int i = 0; i < OCTET; i++) {
        uint32_t unit = K::UNIT == 4 ? raw.codes[i] : byte_of(raw.codes, i);
        float scale = (masked(byte_of(raw.scales, i), 15) - e.scale_zero) * e.scale_step;
        float zero = (masked(byte_of(raw.zeros, i) >> 4, 15) - e.zero_zero) * e.zero_step;
        w[i] = (masked(unit >> row.shift, mask) - zero) * scale;
    }
}

template <class K>
__device__ __forceinline__ void widen(const AnyMatrix &m, const WeightRow &row, int k, const RawWeights<K> &raw,
                                      float (&w)[OCTET]) {
    if constexpr (K::QUANTIZED) {
        if (is_narrow(m)) {
            widen_narrow(m, row, k, raw, w);
            return;
        }
        float pair_scales[OCTET];
        float pair_zeros[OCTET];
        load_pairs<K::WIDE>(m, (row.first_pair + k) % m.pairs, pair_scales, pair_zeros);
        uint32_t mask = (1u << (m.format - 16)) - 1;
#pragma unroll
        for (int i = 0; i < OCTET; i++) {
            uint32_t unit = K::UNIT == 4 ? raw.codes[i] : byte_of(raw.codes, i);
            float scale = (byte_float_of(raw.scales, i) - pair_zeros[i]) * pair_scales[i];
            float zero = (byte_float_of(raw.zeros, i) - m.zero_zero) * m.zero_scale;
            w[i] = (masked(unit >> row.shift, mask) - zero) * scale;
        }
    } else if constexpr (K::UNIT == 4) {
#pragma unroll
        for (int i = 0; i < OCTET; i++) {
            w[i] = __uint_as_float(raw.codes[i]);
        }
    } else {
        bool f16 = m.format == TYPE_F16;
#pragma unroll
        for (int i = 0; i < OCTET; i += 2) {
            float2 two = f16 ? unpack_f16(raw.codes[i / 2]) : unpack_bf16(raw.codes[i / 2]);
            w[i] = two.x, w[i + 1] = two.y;
        }
    }
}

/*
 * ROWS x ITEMS outputs, in slices of COLUMNS columns. A thread computes quads of four rows, ROWS / 64 of them 64 apart,
 * by runs of RUN items, one or two 64 apart. A warp is eight row quads by four item runs.
 */
template <int ROWS_, int ITEMS_, int COLUMNS_, int RUN_>
struct Shape {
    static constexpr int ROWS = ROWS_, ITEMS = ITEMS_, COLUMNS = COLUMNS_, RUN = RUN_;
    static constexpr int QUADS = ROWS / 64;
    static constexpr int RUNS = ITEMS / (16 * RUN);
    /* Of x, a thread loads four columns at a time, of items ITEMS_APART apart; neighbours load of the same item. */
    static constexpr int COLUMN_THREADS = COLUMNS / 4;
    static constexpr int ITEMS_APART = ANY_THREADS / COLUMN_THREADS;
    static constexpr int INPUTS = ITEMS / ITEMS_APART;
    static_assert(ROWS * COLUMNS == OCTET * ANY_THREADS, "a thread loads an octet of W in a slice");
    static_assert(RUN == 2 || RUN == 4, "runs are loaded at once");
};

template <class S>
struct Slice {
    float w[S::COLUMNS][S::ROWS + 4];
    float x[S::COLUMNS][S::ITEMS + S::RUN];
};

template <class S, bool WIDE>
__device__ __forceinline__ void load_inputs(const float *const (&rows)[S::INPUTS], int k, int columns,
                                            float4 (&x)[S::INPUTS]) {
#pragma unroll
    for (int i = 0; i < S::INPUTS; i++) {
        x[i] = k < columns ? four_inputs<WIDE>(rows[i], columns, k) : make_float4(0, 0, 0, 0);
    }
}

template <class S>
__device__ __forceinline__ void add_slice(const Slice<S> &slice, int row, int item,
                                          float (&sums)[S::QUADS * 4][S::RUNS * S::RUN]) {
#pragma unroll 8
    for (int k = 0; k < S::COLUMNS; k++) {
        float w[S::QUADS * 4];
        float x[S::RUNS * S::RUN];
#pragma unroll
        for (int q = 0; q < S::QUADS; q++) {
            float4 four = *(const float4 *)&slice.w[k][row + 64 * q];
            w[4 * q] = four.x, w[4 * q + 1] = four.y, w[4 * q + 2] = four.z, w[4 * q + 3] = four.w;
        }
#pragma unroll
        for (int r = 0; r < S::RUNS; r++) {
            const float *at = &slice.x[k][item + 64 * r];
            if constexpr (S::RUN == 4) {
                float4 four = *(const float4 *)at;
                x[4 * r] = four.x, x[4 * r + 1] = four.y, x[4 * r + 2] = four.z, x[4 * r + 3] = four.w;
            } else {
                float2 two = *(const float2 *)at;
                x[2 * r] = two.x, x[2 * r + 1] = two.y;
            }
        }
#pragma unroll
        for (int n = 0; n < S::QUADS * 4; n++) {
#pragma unroll
            for (int t = 0; t < S::RUNS * S::RUN; t++) {
                sums[n][t] = fmaf(w[n], x[t], sums[n][t]);
            }
        }
    }
}

template <class S>
__device__ __forceinline__ void store_tile(const AnyProduct &in, const Part &part, int first_row, int item,
                                           const float (&sums)[S::QUADS * 4][S::RUNS * S::RUN]) {
#pragma unroll
    for (int t = 0; t < S::RUNS * S::RUN; t++) {
        int at = item + 64 * (t / S::RUN) + t % S::RUN;
#pragma unroll
        for (int n = 0; n < S::QUADS * 4; n++) {
            int64_t row = (int64_t)first_row + 64 * (n / 4) + n % 4;
            if (at < part.count && row < in.rows) {
                store(in, part.first + at, (int)row, sums[n][t]);
            }
        }
    }
}

/* Where a thread's outputs begin in its block's tile. */
template <class S>
struct Place {
    int row;
    int item;
};

template <class S>
__device__ __forceinline__ Place<S> place_of_thread() {
    int lane = threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    return {4 * (lane % 8 + 8 * (warp % 2)), S::RUN * (lane / 8 + 4 * (warp / 2))};
}

template <class S, class K>
__device__ __forceinline__ void add_tile(const AnyProduct &in, const AnyMatrix &m, const Part &part, int first_row,
                                         Slice<S> (&slices)[2], float (&sums)[S::QUADS * 4][S::RUNS * S::RUN]) {
    Place<S> place = place_of_thread<S>();
    /* What this thread loads: of one row of W, and of x. */
    int w_row = threadIdx.x % S::ROWS;
    int w_column = OCTET * (threadIdx.x / S::ROWS);
    int x_item = threadIdx.x / S::COLUMN_THREADS;
    int x_column = 4 * (threadIdx.x % S::COLUMN_THREADS);
    WeightRow weights = find_row(m, in.rows, in.columns, (int)min((int64_t)first_row + w_row, (int64_t)in.rows - 1));
    const float *inputs[S::INPUTS];
#pragma unroll
    for (int i = 0; i < S::INPUTS; i++) {
        inputs[i] = input_of(in, part.first + min(x_item + i * S::ITEMS_APART, part.count - 1));
    }

    RawWeights<K> raw;
    float4 x[S::INPUTS];
    load_weights(m, weights, w_column, in.columns, raw);
    load_inputs<S, K::WIDE>(inputs, x_column, in.columns, x);
    for (int k = 0, now = 0; k < in.columns; k += S::COLUMNS, now ^= 1) {
        Slice<S> &slice = slices[now];
        float w[OCTET];
        widen(m, weights, k + w_column, raw, w);
#pragma unroll
        for (int i = 0; i < OCTET; i++) {
            slice.w[w_column + i][w_row] = w[i];
        }
#pragma unroll
        for (int i = 0; i < S::INPUTS; i++) {
            int at = x_item + i * S::ITEMS_APART;
            slice.x[x_column][at] = x[i].x, slice.x[x_column + 1][at] = x[i].y;
            slice.x[x_column + 2][at] = x[i].z, slice.x[x_column + 3][at] = x[i].w;
        }
        /* One barrier a slice: nobody stores into this one again before all have passed the next. */
        __syncthreads();
        load_weights(m, weights, k + S::COLUMNS + w_column, in.columns, raw);
        load_inputs<S, K::WIDE>(inputs, k + S::COLUMNS + x_column, in.columns, x);
        add_slice<S>(slice, place.row, place.item, sums);
    }
    __syncthreads();
}

template <class S, bool WIDE>
__device__ __forceinline__ void add_tile_of_kind(const AnyProduct &in, const AnyMatrix &m, const Part &part, int first_row,
                                                 Slice<S> (&slices)[2],
                                                 float (&sums)[S::QUADS * 4][S::RUNS * S::RUN]) {
    int unit = unit_bytes(m.format);
    if (!is_quantized(m.format) && unit == 4) {
        add_tile<S, Kind<4, false, WIDE>>(in, m, part, first_row, slices, sums);
    } else if (!is_quantized(m.format)) {
        add_tile<S, Kind<2, false, WIDE>>(in, m, part, first_row, slices, sums);
    } else if (unit == 4) {
        add_tile<S, Kind<4, true, WIDE>>(in, m, part, first_row, slices, sums);
    } else {
        add_tile<S, Kind<1, true, WIDE>>(in, m, part, first_row, slices, sums);
    }
}

template <class S>
__device__ __forceinline__ void tiles_any(const AnyProduct &in) {
    __shared__ alignas(16) Slice<S> slices[2];
    __shared__ AnyMatrix m; /* registers are scarce here */
    Part part;
    for (int tile = blockIdx.x; find_part(in, tile, S::ITEMS, part); tile += gridDim.x) {
        AnyMatrix found;
        if (!find_matrix(in, part, found)) {
            leave_absent(in, part);
            continue;
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            m = found;
        }
        __syncthreads();
        bool wide = loads_wide(in, m);
        Place<S> place = place_of_thread<S>();
        for (int64_t row = (int64_t)blockIdx.y * S::ROWS; row < in.rows; row += (int64_t)gridDim.y * S::ROWS) {
            float sums[S::QUADS * 4][S::RUNS * S::RUN] = {};
            if (wide) {
                add_tile_of_kind<S, true>(in, m, part, (int)row, slices, sums);
            } else {
                add_tile_of_kind<S, false>(in, m, part, (int)row, slices, sums);
            }
            store_tile<S>(in, part, (int)row + place.row, place.item, sums);
        }
    }
}

extern "C" __global__ void __launch_bounds__(ANY_THREADS) gatun_any_tiles_n32(const AnyProduct in) {
    tiles_any<Shape<64, 32, 32, 2>>(in);
}

extern "C" __global__ void __launch_bounds__(ANY_THREADS, 2) gatun_any_tiles_n128(const AnyProduct in) {
    tiles_any<Shape<128, 128, 16, 4>>(in);
}
