/*
 * quantize_choose.cu   from the scales and zeros that a solver found to a quantized matrix
 *
 *   level_narrow       the second level of 4-bit scales and zeros, of 128 groups of a row at a time: the best of 36 ranges,
 *                      as in NarrowParts.java
 *   level_hqq_scales   that of 8-bit scales: entry p is the range of the groups p, p + pairs, p + 2 pairs, ...
 *   level_hqq_zeros    that of 8-bit zeros: the range of all
 *   level_original_scales, level_original_zeros   the same as HQQ makes them, in HqqSecondLevel.java
 *   choose_original   all codes as HQQ rounds them
 *   choose_narrow, choose_hqq   scale code, zero code and codes of each group, as in CodeChoice.java
 *
 * layout   weights, scales and zeros as in quantize_fit.cu. narrow: levels[group_rows][ceil(columns / 128)][4] fp16 (step and
 *          zero of scales, of zeros), metas[groups] (scale code, zero code << 4). hqq: steps[pairs], offsets[pairs] fp16,
 *          zero_level[2] fp16, scale_codes[groups], zero_codes[groups]; lines[pairs], zero_line[1]: float2 (inverse, zero).
 *          codes[rows * bits / 8][columns]: a byte of row r has the rows r, r + N, r + 2 N, ... with N = rows * bits / 8, the
 *          first in its highest bits; codes of 3 bits are two such planes, of their lower two bits and of the highest one
 * bytes    level: 8 a group in. choose: 2 (or 4) a weight in, twice (codes of 3 bits: three times), 8 a group in; bits / 8 a
 *          weight and 1 or 2 a group out
 * bound    level_narrow: 72 candidates x 128 values a block, 4.5 x 20 operations a weight, one of them in fp64. choose:
 *          5 scale codes x 3 zero codes, 200 operations a weight. Both far below the fit's
 * launch   level_narrow: grid group_rows * ceil(columns / 128), block 128. level_hqq_scales: one thread an entry, block 128.
 *          level_hqq_zeros: one block of 1024. choose: one thread a group, block 128. No dynamic shared memory
 * checked in Java   as in quantize_fit.cu; pairs divides groups, 8 / bits (8 for codes of 3 bits) divides size
 * checked by   CudaSolverTest
 */
#include "quantize.cuh"

constexpr int LANES = 128;
constexpr int CUTS = 6;
constexpr float CUT = 0.08f;
constexpr int NARROW_TOP = 15;
constexpr int HQQ_TOP = 255;
constexpr int RANGE_THREADS = 1024;

/* The least and the greatest of some values. */
struct Range {
    Real low = INFINITY;
    Real high = -INFINITY;

    __device__ __forceinline__ void add(Real value) {
        low = smaller(low, value);
        high = larger(high, value);
    }

    __device__ __forceinline__ Range without(Real below, Real above) const {
        Real length = high - low;
        Range cut;
        cut.low = low + below * length;
        cut.high = high - above * length;
        return cut;
    }

    __device__ __forceinline__ Affine affine(int top) const { return Affine::over(low, high, top); }
};

/* The squared error that an entry makes, each value's times a weight. */
__device__ __forceinline__ double error_of(const Affine &affine, const float *values, const float *weights, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
        Real difference = values[i] - affine.value(affine.code(values[i], NARROW_TOP));
        sum += (weights[i] * difference * difference).v;
    }
    return sum;
}

/* Threads 0 to 35 try the ranges of scales, 64 to 99 those of zeros; the first with the least error is kept. */
extern "C" __global__ void __launch_bounds__(LANES)
    gatun_level_narrow(const float *scales, const float *zeros, int columns, __half *levels) {
    constexpr int CANDIDATES = CUTS * CUTS;
    constexpr int HALF = LANES / 2;
    __shared__ float values[2][LANES];
    __shared__ float weights[2][LANES];
    __shared__ double errors[2][CANDIDATES];
    int blocks = (columns - 1) / LANES + 1;
    int first = blockIdx.x % blocks * LANES;
    int count = min(LANES, columns - first);
    int64_t group = (int64_t)(blockIdx.x / blocks) * columns + first + threadIdx.x;
    if ((int)threadIdx.x < count) {
        Real scale = scales[group];
        values[0][threadIdx.x] = scale.v;
        values[1][threadIdx.x] = zeros[group];
        weights[0][threadIdx.x] = 1;
        /* A zero that is off by something moves weights by that many scales. */
        weights[1][threadIdx.x] = (scale * scale).v;
    }
    __syncthreads();
    int kind = threadIdx.x / HALF;
    int cut = threadIdx.x % HALF;
    Affine affine = {};
    if (cut < CANDIDATES) {
        Range range;
        for (int i = 0; i < count; i++) {
            range.add(values[kind][i]);
        }
        affine = range.without(cut / CUTS * Real(CUT), cut % CUTS * Real(CUT)).affine(NARROW_TOP);
        errors[kind][cut] = error_of(affine, values[kind], weights[kind], count);
    }
    __syncthreads();
    int best = 0;
    for (int i = 1; i < CANDIDATES; i++) {
        best = errors[kind][i] < errors[kind][best] ? i : best;
    }
    if (cut == best) {
        levels[4 * (int64_t)blockIdx.x + 2 * kind] = affine.step_bits;
        levels[4 * (int64_t)blockIdx.x + 2 * kind + 1] = affine.zero_bits;
    }
}

extern "C" __global__ void __launch_bounds__(LANES)
    gatun_level_hqq_scales(const float *scales, int groups, int pairs, __half *steps, __half *offsets) {
    int pair = blockIdx.x * LANES + threadIdx.x;
    if (pair >= pairs) {
        return;
    }
    Range range;
    for (int64_t group = pair; group < groups; group += pairs) {
        range.add(scales[group]);
    }
    Affine affine = range.affine(HQQ_TOP);
    steps[pair] = affine.step_bits;
    offsets[pair] = affine.zero_bits;
}

/* A second level as HQQ rounds with it: code = value * inverse + zero; and as it is stored, in binary16. */
struct Line {
    Real inverse, zero;
    Affine stored;

    static __device__ __forceinline__ Line over(Real low, Real high) {
        Line line;
        line.inverse = 1 / (high - low) * HQQ_TOP;
        line.zero = -low * line.inverse;
        if (line.inverse > LARGEST_INVERSE || magnitude(line.zero) > LARGEST_HALF) {
            line.stored = Affine::over(low, high, HQQ_TOP);
            line.inverse = 1 / line.stored.step();
            line.zero = line.stored.zero();
        } else {
            line.stored.step_bits = __float2half_rn((1 / line.inverse).v);
            line.stored.zero_bits = __float2half_rn(line.zero.v);
        }
        return line;
    }
};

extern "C" __global__ void __launch_bounds__(LANES)
    gatun_level_original_scales(const float *scales, int groups, int pairs, __half *steps, __half *offsets,
                                float2 *lines) {
    int pair = blockIdx.x * LANES + threadIdx.x;
    if (pair >= pairs) {
        return;
    }
    Range range;
    for (int64_t group = pair; group < groups; group += pairs) {
        range.add(scales[group]);
    }
    Line line = Line::over(range.low, range.high);
    steps[pair] = line.stored.step_bits;
    offsets[pair] = line.stored.zero_bits;
    lines[pair] = make_float2(line.inverse.v, line.zero.v);
}

/* The range of all zeros, by one block. */
__device__ __forceinline__ Range range_of_all(const float *zeros, int groups) {
    __shared__ float scratch[RANGE_THREADS / WARP];
    Range range;
#pragma unroll 4
    for (int64_t group = threadIdx.x; group < groups; group += RANGE_THREADS) {
        range.add(zeros[group]);
    }
    Range all;
    all.low = -block_max(-range.low.v, scratch);
    all.high = block_max(range.high.v, scratch);
    return all;
}

extern "C" __global__ void __launch_bounds__(RANGE_THREADS)
    gatun_level_original_zeros(const float *zeros, int groups, __half *level, float2 *line) {
    Range range = range_of_all(zeros, groups);
    if (threadIdx.x == 0) {
        Line own = Line::over(range.low, range.high);
        level[0] = own.stored.step_bits;
        level[1] = own.stored.zero_bits;
        *line = make_float2(own.inverse.v, own.zero.v);
    }
}

extern "C" __global__ void __launch_bounds__(RANGE_THREADS)
    gatun_level_hqq_zeros(const float *zeros, int groups, __half *level) {
    Range range = range_of_all(zeros, groups);
    if (threadIdx.x == 0) {
        Affine affine = range.affine(HQQ_TOP);
        level[0] = affine.step_bits;
        level[1] = affine.zero_bits;
    }
}

/* Where a group's second level lies, and where its codes go. */
struct NarrowLevel {
    static constexpr int TOP = NARROW_TOP;
    const __half *levels;
    uint8_t *metas;

    __device__ __forceinline__ const __half *entry(const Weights &weights, int group) const {
        int blocks = (weights.columns - 1) / LANES + 1;
        int64_t block = (int64_t)(group / weights.columns) * blocks + group % weights.columns / LANES;
        return levels + 4 * block;
    }

    __device__ __forceinline__ Affine scale(const Weights &weights, int group) const {
        return {entry(weights, group)[0], entry(weights, group)[1]};
    }

    __device__ __forceinline__ Affine zero(const Weights &weights, int group) const {
        return {entry(weights, group)[2], entry(weights, group)[3]};
    }

    __device__ __forceinline__ void store(int group, int scale_code, int zero_code) const {
        metas[group] = (uint8_t)(scale_code | zero_code << 4);
    }
};

struct HqqLevel {
    static constexpr int TOP = HQQ_TOP;
    const __half *steps;
    const __half *offsets;
    const __half *zero_level;
    int pairs;
    uint8_t *scale_codes;
    uint8_t *zero_codes;

    __device__ __forceinline__ Affine scale(const Weights &, int group) const {
        return {steps[group % pairs], offsets[group % pairs]};
    }

    __device__ __forceinline__ Affine zero(const Weights &, int) const { return {zero_level[0], zero_level[1]}; }

    __device__ __forceinline__ void store(int group, int scale_code, int zero_code) const {
        scale_codes[group] = (uint8_t)scale_code;
        zero_codes[group] = (uint8_t)zero_code;
    }
};

/* How far to look, as CodeSearch.java has it. */
struct Search {
    int scales, zeros, rounds;
};

struct Choice {
    Real scale_code, zero_code;
};

/* Of no scale, 0: then all weights look like 0, which is what they become. */
__device__ __forceinline__ Real inverse_of(Real scale) { return scale > MIN_NORMAL ? 1 / scale : Real(0); }

__device__ __forceinline__ Real moved(Real code, int step, int top) { return smaller(larger(code + step, 0), top); }

/* The zero that suits a scale, from one that nearly does. */
template <int SIZE>
__device__ __forceinline__ Real fitted(const Group<SIZE> &group, Real inverse, Real zero, Real top) {
    Real sum = 0;
    group.each([&](Real weight) {
        Real scaled = weight * inverse;
        sum = sum + (code_of(scaled + zero, top) - scaled);
    });
    return sum / group.size();
}

/* The squared error in units of the scale. */
template <int SIZE>
__device__ __forceinline__ Real error_left(const Group<SIZE> &group, Real inverse, Real zero, Real top) {
    Real sum = 0;
    group.each([&](Real weight) {
        Real place = weight * inverse + zero;
        Real difference = code_of(place, top) - place;
        sum = sum + difference * difference;
    });
    return sum;
}

template <int SIZE>
__device__ __forceinline__ Choice search(const Group<SIZE> &group, Real found_scale, Real found_zero, const Affine &scales,
                                         const Affine &zeros, int level_top, const Search &how, Real top) {
    Choice best = {0, 0};
    Real least = INFINITY;
    Real nearest_scale = scales.code(found_scale, level_top);
#pragma unroll 1
    for (int step = -how.scales; step <= how.scales; step++) {
        Real scale_code = moved(nearest_scale, step, level_top);
        Real scale = scales.value(scale_code);
        Real inverse = inverse_of(scale);
        Real zero = found_zero;
#pragma unroll 1
        for (int round = 0; round < how.rounds; round++) {
            zero = fitted(group, inverse, zero, top);
        }
        Real nearest_zero = zeros.code(zero, level_top);
#pragma unroll 1
        for (int zero_step = -how.zeros; zero_step <= how.zeros; zero_step++) {
            Real zero_code = moved(nearest_zero, zero_step, level_top);
            Real error = error_left(group, inverse, zeros.value(zero_code), top);
            /* Codes below the second level's zero make scales that no weight can use: only where there is no other. */
            Real squared = scale > MIN_NORMAL ? error * scale * scale : Real(3.40282347e38f);
            if (squared < least) {
                least = squared;
                best = {scale_code, zero_code};
            }
        }
    }
    return best;
}

/* Rounds a group's weights, read once more and taken as `as` makes them, and packs some bits of the codes. */
template <class As>
__device__ __forceinline__ void pack_plane(const Weights &weights, int group, Real inverse, Real zero, Real top,
                                           int field_bits, int shift, uint8_t *codes, As as) {
    int fields = 8 / field_bits;
    int mask = (1 << field_bits) - 1;
    int byte_rows = weights.size / fields;
    for (int row = 0; row < byte_rows; row++) {
        int value = 0;
        for (int field = 0; field < fields; field++) {
            Real weight = as(weights.at(group, field * byte_rows + row));
            int code = (int)code_of(weight * inverse + zero, top).v;
            value = value << field_bits | (code >> shift & mask);
        }
        codes[(int64_t)row * weights.groups() + group] = (uint8_t)value;
    }
}

/* All bits: those of codes of 3 in two planes, the lower two and behind them the highest one. */
template <class As>
__device__ __forceinline__ void pack(const Weights &weights, int group, Real inverse, Real zero, Real top, int field_bits,
                                     uint8_t *codes, As as) {
    if (field_bits != 3) {
        pack_plane(weights, group, inverse, zero, top, field_bits, 0, codes, as);
        return;
    }
    pack_plane(weights, group, inverse, zero, top, 2, 0, codes, as);
    pack_plane(weights, group, inverse, zero, top, 1, 2, codes + (int64_t)weights.groups() * weights.size / 4, as);
}

template <int SIZE, class Level>
__device__ __forceinline__ void choose(const Weights &weights, int bits, int field_bits, const Search &how,
                                       const float *scales, const float *zeros, const Level &level, uint8_t *codes) {
    int number = own_group();
    if (number >= weights.groups()) {
        return;
    }
    Real top = (1 << bits) - 1;
    Affine scale_level = level.scale(weights, number);
    Affine zero_level = level.zero(weights, number);
    Group<SIZE> group(weights, number);
    Choice best = search(group, scales[number], zeros[number], scale_level, zero_level, Level::TOP, how, top);
    level.store(number, (int)best.scale_code.v, (int)best.zero_code.v);
    Real scale = scale_level.value(best.scale_code);
    Real zero = zero_level.value(best.zero_code);
    pack(weights, number, inverse_of(scale), zero, top, field_bits, codes, [](Real weight) { return weight; });
}

#define CHOOSE(SIZE, NAME)                                                                                             \
    extern "C" __global__ void __launch_bounds__(QUANTIZE_THREADS) gatun_choose_narrow_##NAME(                         \
        const void *values, int type, int group_rows, int columns, int size, int bits, int field_bits, int near_scales, \
        int near_zeros, int rounds, const float *scales, const float *zeros, uint8_t *codes,                \
        const __half *levels, uint8_t *metas) {                                                                        \
        choose<SIZE>({values, type, group_rows, columns, size}, bits, field_bits,                                      \
                     {near_scales, near_zeros, rounds}, scales, zeros, NarrowLevel{levels, metas}, codes);      \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(QUANTIZE_THREADS) gatun_choose_hqq_##NAME(                            \
        const void *values, int type, int group_rows, int columns, int size, int bits, int field_bits, int near_scales, \
        int near_zeros, int rounds, const float *scales, const float *zeros, uint8_t *codes,                \
        const __half *steps, const __half *offsets, const __half *zero_level, int pairs, uint8_t *scale_codes,         \
        uint8_t *zero_codes) {                                                                                         \
        choose<SIZE>({values, type, group_rows, columns, size}, bits, field_bits,                                      \
                     {near_scales, near_zeros, rounds}, scales, zeros,                                          \
                     HqqLevel{steps, offsets, zero_level, pairs, scale_codes, zero_codes}, codes);                     \
    }

CHOOSE(16, 16)
CHOOSE(64, 64)
CHOOSE(0, any)

template <int SIZE>
__device__ __forceinline__ void choose_original(const Weights &weights, int bits, int field_bits, const float *scales,
                                                const float *zeros, uint8_t *codes, const float2 *lines,
                                                const float2 *zero_line, int pairs, uint8_t *scale_codes,
                                                uint8_t *zero_codes) {
    int number = own_group();
    if (number >= weights.groups()) {
        return;
    }
    Real top = (1 << bits) - 1;
    Real inverse = half_of(HqqRange(Group<SIZE>(weights, number)).inverse(top));
    float2 line = lines[number % pairs];
    Real zero = zeros[number];
    scale_codes[number] = (uint8_t)code_of(Real(scales[number]) * line.x + line.y, HQQ_TOP).v;
    zero_codes[number] = (uint8_t)code_of(zero * zero_line->x + zero_line->y, HQQ_TOP).v;
    pack(weights, number, inverse, zero, top, field_bits, codes, [](Real weight) { return hqq_weight(weight); });
}

#define CHOOSE_ORIGINAL(SIZE, NAME)                                                                                    \
    extern "C" __global__ void __launch_bounds__(QUANTIZE_THREADS) gatun_choose_original_##NAME(                       \
        const void *values, int type, int group_rows, int columns, int size, int bits, int field_bits,                 \
        const float *scales, const float *zeros, uint8_t *codes, const float2 *lines, const float2 *zero_line,         \
        int pairs, uint8_t *scale_codes, uint8_t *zero_codes) {                                                        \
        choose_original<SIZE>({values, type, group_rows, columns, size}, bits, field_bits, scales, zeros, codes,       \
                              lines, zero_line, pairs, scale_codes, zero_codes);                                       \
    }

CHOOSE_ORIGINAL(16, 16)
CHOOSE_ORIGINAL(64, 64)
CHOOSE_ORIGINAL(0, any)
