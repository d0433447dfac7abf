/*
 * quantize_fit.cu   what a solver finds for each group by itself: w = (code - zero) * scale
 *
 *   fit          the least squares of LeastSquaresFit.java: 20 starts of 8 rounds each
 *   hqq_begin    the scale and zero of a group's range, as in HqqRounds.java, whose results are binary16
 *   hqq_improve  one round of HQQ, in binary16: moves zeros; errors[group] = the sum of |error| with those before
 *   hqq_sum      sums[g] = the errors of a row of groups, 128 of them at a time, in their order
 *
 * layout   weights[rows][columns] in a type of common.cuh; scales, zeros, errors [groups] fp32; sums[group_rows] fp64
 * bytes    fit, hqq_begin, hqq_improve: 2 (or 4) a weight in, 8 to 12 a group in and out. Entries ending in _any read the
 *          weights again for every round, mostly from the caches
 * bound    fit: 160 rounds x 12 operations a weight, some 2000 in all: an H100 (114 x 128 lanes, 1.7 GHz) does 1e10 weights a
 *          second. hqq_improve: device memory, but for groups whose errors are so large that powers are needed (fp64)
 * launch   one thread a group, block 128. hqq_sum: grid group_rows, block 128. No dynamic shared memory
 * checked in Java   rows % size == 0, groups < 2^31, size as in the entry's name, sizes of all buffers
 * checked by   CudaSolverTest
 *
 * ERROR_NAN is set in the error word for a weight that is a NaN or above LARGEST_WEIGHT in magnitude; results are not to be
 * used then.
 */
#include "quantize.cuh"

constexpr int ROUNDS = 8;
constexpr int PART_COUNT = 4;
constexpr int SHIFT_COUNT = 5;
__constant__ const float PARTS[PART_COUNT] = {1, 0.9f, 0.8f, 0.7f};
__constant__ const float SHIFTS[SHIFT_COUNT] = {0, 0.05f, -0.05f, 0.12f, -0.12f};
constexpr float SMALLEST_SCALE = 1e-3f;

/* What is known of a group before it is fitted. */
struct Shape {
    Real mean, low, high, squares, smallest;
};

/* What a round sums over the rows. */
struct Sums {
    Real codes, code_squares, products;
};

struct Fit {
    Real scale, inverse, offset;
};

/* Subtracts the mean from the group. */
template <int SIZE> __device__ __forceinline__ Shape center(Group<SIZE> &group, Real top) {
    Shape shape = {0, 0, 0, 0, 0};
    Real size = group.size();
    group.each([&](Real weight) { shape.mean = shape.mean + weight / size; });
    group.subtract(shape.mean);
    group.each([&](Real value) {
        shape.squares = shape.squares + value * value;
        shape.low = smaller(shape.low, value);
        shape.high = larger(shape.high, value);
    });
    Real step = larger((shape.high - shape.low) / top, magnitude(shape.mean) / 16);
    shape.smallest = larger(step * SMALLEST_SCALE, MIN_NORMAL);
    return shape;
}

__device__ __forceinline__ Fit begin(const Shape &shape, Real part, Real shift, Real top) {
    Real range = shape.high - shape.low;
    Real middle = (shape.high + shape.low) / 2 + shift * range;
    Fit fit;
    fit.scale = larger(part * range / top, shape.smallest);
    fit.inverse = 1 / fit.scale;
    fit.offset = (part * range / 2 - middle) * fit.inverse;
    return fit;
}

template <int SIZE> __device__ __forceinline__ Sums sum(const Group<SIZE> &group, const Fit &fit, Real top) {
    Sums sums = {0, 0, 0};
    group.each([&](Real value) {
        Real code = code_of(value * fit.inverse + fit.offset, top);
        sums.codes = sums.codes + code;
        sums.code_squares = sums.code_squares + code * code;
        sums.products = sums.products + code * value;
    });
    return sums;
}

__device__ __forceinline__ Fit solve(const Sums &sums, Real size, Real smallest) {
    Real spread = larger(size * sums.code_squares - sums.codes * sums.codes, 0.5f);
    Fit fit;
    fit.scale = larger(size * sums.products / spread, smallest);
    fit.inverse = 1 / fit.scale;
    fit.offset = sums.codes / size;
    return fit;
}

template <int SIZE>
__device__ __forceinline__ void fit_group(const Weights &weights, int bits, float *scales, float *zeros, int *error) {
    int number = own_group();
    if (number >= weights.groups()) {
        return;
    }
    Real top = (1 << bits) - 1;
    Group<SIZE> group(weights, number);
    require_quantizable(group, error);
    Shape shape = center(group, top);
    Real size = group.size();
    Real least = INFINITY;
    Real scale = 0;
    Real zero = 0;
#pragma unroll 1
    for (int start = 0; start < PART_COUNT * SHIFT_COUNT; start++) {
        Fit fit = begin(shape, PARTS[start / SHIFT_COUNT], SHIFTS[start % SHIFT_COUNT], top);
        Sums sums;
#pragma unroll 1
        for (int round = 0; round < ROUNDS; round++) {
            sums = sum(group, fit, top);
            fit = solve(sums, size, shape.smallest);
        }
        Real spread = sums.code_squares - sums.codes * sums.codes / size;
        Real left = shape.squares - fit.scale * (2 * sums.products - fit.scale * spread);
        if (left < least) {
            least = left;
            scale = fit.scale;
            zero = fit.offset - shape.mean * fit.inverse;
        }
    }
    /* Zeros stay within reach of a second level. */
    Real limited = smaller(larger(zero, -top), 2 * top);
    if (limited != zero) {
        Real largest = larger(magnitude(shape.mean + shape.low), magnitude(shape.mean + shape.high));
        scale = larger(largest / (2 * top), MIN_NORMAL);
        zero = limited;
    }
    scales[number] = scale.v;
    zeros[number] = zero.v;
}

#define FIT(SIZE, NAME)                                                                                                \
    extern "C" __global__ void __launch_bounds__(QUANTIZE_THREADS)                                                     \
        gatun_fit_##NAME(const void *values, int type, int group_rows, int columns, int size, int bits, float *scales,  \
                         float *zeros, int *error) {                                                                   \
        fit_group<SIZE>({values, type, group_rows, columns, size}, bits, scales, zeros, error);                        \
    }

FIT(16, 16)
FIT(64, 64)
FIT(0, any)

extern "C" __global__ void __launch_bounds__(QUANTIZE_THREADS)
    gatun_hqq_begin(const void *values, int type, int group_rows, int columns, int size, int bits, float *scales,
                    float *zeros, int *error) {
    Weights weights = {values, type, group_rows, columns, size};
    int number = own_group();
    if (number >= weights.groups()) {
        return;
    }
    int top = (1 << bits) - 1;
    Group<0> group(weights, number);
    require_quantizable(group, error);
    HqqRange range(group);
    Real inverse = range.inverse(top);
    Real zero = -range.low * inverse;
    scales[number] = half_of(1 / half_of(inverse)).v;
    zeros[number] = half_of(top == 15 ? rintf(zero.v) : zero).v;
}

/* What an error is without the part that the norm, p = 0.7, leaves to outliers. */
__device__ __forceinline__ Real shrunk(Real error, double beta) {
    Real size = magnitude(error);
    Real power = half_of((float)pow((double)size.v, 0.7 - 1));
    Real cost = half_of(power * (float)(1 / beta));
    return copysignf(larger(half_of(size - cost), 0).v, error.v);
}

/* One group's place and code of a weight, and the error of that. */
struct HqqGroup {
    Real inverse, zero, top;

    __device__ __forceinline__ Real place(Real weight) const { return half_of(weight * inverse); }

    __device__ __forceinline__ Real code(Real place) const { return code_of(half_of(place + zero), top); }

    __device__ __forceinline__ Real error(Real weight, Real code) const {
        return half_of(weight - half_of(half_of(code - zero) / inverse));
    }
};

template <int SIZE>
__device__ __forceinline__ void improve_group(const Weights &weights, int bits, double beta, float shrinks_to_zero,
                                              float *zeros, float *errors) {
    int number = own_group();
    if (number >= weights.groups()) {
        return;
    }
    Real top = (1 << bits) - 1;
    Group<SIZE> group(weights, number);
    HqqGroup hqq = {half_of(HqqRange(group).inverse(top)), zeros[number], top};
    Real sum = 0;
    Real largest = 0;
    Real distances = 0;
    group.each([&](Real exact) {
        Real weight = hqq_weight(exact);
        Real place = hqq.place(weight);
        Real code = hqq.code(place);
        Real error = magnitude(hqq.error(weight, code));
        sum = sum + error;
        largest = larger(largest, error);
        distances = distances + half_of(code - place);
    });
    if (largest > shrinks_to_zero) {
        distances = 0;
        group.each([&](Real exact) {
            Real weight = hqq_weight(exact);
            Real code = hqq.code(hqq.place(weight));
            Real left = half_of(weight - shrunk(hqq.error(weight, code), beta));
            distances = distances + half_of(code - half_of(left * hqq.inverse));
        });
    }
    zeros[number] = half_of(distances / group.size()).v;
    errors[number] = sum.v;
}

#define IMPROVE(SIZE, NAME)                                                                                            \
    extern "C" __global__ void __launch_bounds__(QUANTIZE_THREADS)                                                     \
        gatun_hqq_improve_##NAME(const void *values, int type, int group_rows, int columns, int size, int bits,         \
                                 double beta, float shrinks_to_zero, float *zeros, float *errors) {                    \
        improve_group<SIZE>({values, type, group_rows, columns, size}, bits, beta, shrinks_to_zero, zeros, errors);    \
    }

IMPROVE(16, 16)
IMPROVE(64, 64)
IMPROVE(0, any)

extern "C" __global__ void __launch_bounds__(QUANTIZE_THREADS)
    gatun_hqq_sum(const float *errors, int columns, double *sums) {
    constexpr int LANES = 128;
    __shared__ double blocks[QUANTIZE_THREADS];
    errors += (int64_t)blockIdx.x * columns;
    double all = 0;
    for (int first = 0; first < columns; first += QUANTIZE_THREADS * LANES) {
        int from = min(first + (int)threadIdx.x * LANES, columns);
        int to = min(from + LANES, columns);
        double own = 0;
        for (int i = from; i < to; i++) {
            own += errors[i];
        }
        blocks[threadIdx.x] = own;
        __syncthreads();
        for (int i = 0; i < QUANTIZE_THREADS && first + i * LANES < columns; i++) {
            all += blocks[i];
        }
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        sums[blockIdx.x] = all;
    }
}
