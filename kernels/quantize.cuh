/*
 * quantize.cuh   what the kernels of `gatun quantize` share: arithmetic that rounds as Java's does, the weights of a group,
 *                entries of the second level
 *
 * The steps are those of dev.gatun.quant.solver, which are described there, and so are the results, to the last bit: every
 * operation rounds by itself, none are fused, and sums run over the rows in their order. HQQ's powers alone come from another
 * library than Java's.
 *
 * groups   a matrix [rows][columns] has G = rows / size rows of groups; group g * columns + k holds the weights at rows
 *          g + i * G, i < size, and column k. One thread has one group; neighbours have neighbouring columns, so that loads
 *          and stores coalesce.
 */
#pragma once

#include "common.cuh"

constexpr int QUANTIZE_THREADS = 128;

/* The largest binary16. */
constexpr float LARGEST_HALF = 65504;

/* HQQ limits the inverse of a scale. */
constexpr float LARGEST_INVERSE = 2e4f;

/* The largest weight that a solver takes: FiniteWeights.java says why. */
constexpr float LARGEST_WEIGHT = 8192;

/* Java's Float.MIN_NORMAL. */
constexpr float MIN_NORMAL = 1.17549435e-38f;

/* A float32 whose operations round one by one; the compiler fuses a plain float's. */
struct Real {
    float v;

    Real() = default;
    __device__ __forceinline__ Real(float value) : v(value) {}
};

__device__ __forceinline__ Real operator+(Real a, Real b) { return __fadd_rn(a.v, b.v); }
__device__ __forceinline__ Real operator-(Real a, Real b) { return __fsub_rn(a.v, b.v); }
__device__ __forceinline__ Real operator-(Real a) { return -a.v; }
__device__ __forceinline__ Real operator*(Real a, Real b) { return __fmul_rn(a.v, b.v); }
__device__ __forceinline__ Real operator/(Real a, Real b) { return __fdiv_rn(a.v, b.v); }
__device__ __forceinline__ bool operator<(Real a, Real b) { return a.v < b.v; }
__device__ __forceinline__ bool operator>(Real a, Real b) { return a.v > b.v; }
__device__ __forceinline__ bool operator!=(Real a, Real b) { return a.v != b.v; }
__device__ __forceinline__ Real larger(Real a, Real b) { return fmaxf(a.v, b.v); }
__device__ __forceinline__ Real smaller(Real a, Real b) { return fminf(a.v, b.v); }
__device__ __forceinline__ Real magnitude(Real a) { return fabsf(a.v); }

/* The nearest whole number in [0, top]; ties to even. */
__device__ __forceinline__ Real code_of(Real value, Real top) {
    return rintf(smaller(larger(value, 0), top).v);
}

/* The nearest binary16; ties to even. */
__device__ __forceinline__ Real half_of(Real value) { return __half2float(__float2half_rn(value.v)); }

/* A matrix as it is stored. */
struct Weights {
    const void *values;
    int type;
    int group_rows;
    int columns;
    int size;

    __device__ __forceinline__ int groups() const { return group_rows * columns; }

    /* Row i of a group. */
    __device__ __forceinline__ Real at(int group, int i) const {
        int64_t row = group / columns + i * group_rows;
        return value_at(values, type, row * columns + group % columns);
    }
};

/*
 * The weights of a group without a number that is subtracted from all of them: in registers where their count is known, read
 * again each time where it is not (SIZE 0).
 */
template <int SIZE> class Group {
  public:
    __device__ __forceinline__ Group(const Weights &weights, int group) {
#pragma unroll
        for (int i = 0; i < SIZE; i++) {
            values[i] = weights.at(group, i);
        }
    }

    __device__ __forceinline__ int size() const { return SIZE; }

    __device__ __forceinline__ void subtract(Real number) {
#pragma unroll
        for (int i = 0; i < SIZE; i++) {
            values[i] = values[i] - number;
        }
    }

    template <class Body> __device__ __forceinline__ void each(Body body) const {
#pragma unroll
        for (int i = 0; i < SIZE; i++) {
            body(values[i]);
        }
    }

  private:
    Real values[SIZE];
};

template <> class Group<0> {
  public:
    __device__ __forceinline__ Group(const Weights &from, int number) : weights(from), group(number), subtracted(0) {}

    __device__ __forceinline__ int size() const { return weights.size; }

    __device__ __forceinline__ void subtract(Real number) { subtracted = number; }

    template <class Body> __device__ __forceinline__ void each(Body body) const {
        for (int i = 0; i < weights.size; i++) {
            body(weights.at(group, i) - subtracted);
        }
    }

  private:
    const Weights &weights;
    int group;
    Real subtracted;
};

/* The group of this thread, or one behind the last; fewer than 2^31 groups take at most 2^24 blocks, so that it fits. */
__device__ __forceinline__ int own_group() { return blockIdx.x * QUANTIZE_THREADS + threadIdx.x; }

/* Sets a bit of the error word if a weight is a NaN or too large. */
template <int SIZE> __device__ __forceinline__ void require_quantizable(const Group<SIZE> &group, int *error) {
    bool quantizable = true;
    group.each([&](Real weight) { quantizable &= fabsf(weight.v) <= LARGEST_WEIGHT; });
    if (!quantizable) {
        atomicOr(error, ERROR_NAN);
    }
}

/* An entry of the second level, in binary16: value = (code - zero) * step. */
struct Affine {
    __half step_bits;
    __half zero_bits;

    /* Codes from 0 to `top` for values from `low` to `high`. */
    static __device__ __forceinline__ Affine over(Real low, Real high, int top) {
        constexpr float SMALLEST = 6.10351562e-5f; /* the smallest binary16 that is not subnormal */
        constexpr float LARGEST = LARGEST_HALF;
        constexpr float LARGEST_ZERO = 1024;
        Real far = larger(magnitude(low), magnitude(high));
        Affine affine;
        affine.step_bits = __float2half_rn(smaller(larger((high - low) / top, far / LARGEST_ZERO), LARGEST).v);
        if (!(affine.step() != 0)) {
            affine.step_bits = far != 0 ? __ushort_as_half(1) : __float2half_rn(SMALLEST);
        }
        affine.zero_bits = __float2half_rn(smaller(larger(-low / affine.step(), -LARGEST), LARGEST).v);
        return affine;
    }

    __device__ __forceinline__ Real step() const { return __half2float(step_bits); }

    __device__ __forceinline__ Real zero() const { return __half2float(zero_bits); }

    __device__ __forceinline__ Real code(Real value, int top) const { return code_of(value / step() + zero(), top); }

    __device__ __forceinline__ Real value(Real code) const { return (code - zero()) * step(); }
};

/* A weight as HQQ takes it, in binary16. */
__device__ __forceinline__ Real hqq_weight(Real weight) {
    return half_of(weight);
}

/* The range of a group as HQQ takes its weights, and the inverse of its scale before that is a binary16. */
struct HqqRange {
    Real low = INFINITY;
    Real high = -INFINITY;

    template <int SIZE> __device__ __forceinline__ explicit HqqRange(const Group<SIZE> &group) {
        group.each([&](Real weight) {
            low = smaller(low, hqq_weight(weight));
            high = larger(high, hqq_weight(weight));
        });
    }

    __device__ __forceinline__ Real inverse(Real top) const {
        constexpr float LARGEST_PLACE = 32768;
        Real far = larger(magnitude(low), magnitude(high));
        return smaller(smaller(1 / (high - low) * top, LARGEST_INVERSE), LARGEST_PLACE / far);
    }
};
