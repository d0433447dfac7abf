/*
 * softmax.cuh   what the kernels of attention share: powers, and a running softmax's base
 */
#pragma once

#include "common.cuh"

constexpr float LOG2_E = 1.44269504088896341f; /* scores are scaled by it, so that exponentials are powers of two */

/* 2^exponent; 0 below 2^-126. */
__device__ __forceinline__ float power(float exponent) {
    float v;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(v) : "f"(exponent));
    return v;
}

/* What is taken off scores whose largest is `top`: nothing where nothing was seen, so that no infinities meet. */
__device__ __forceinline__ float base_of(float top) {
    return top == -INFINITY ? 0 : top;
}
