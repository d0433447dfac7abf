/*
 * probe.cu   ceilings to compare the other kernels with: a plain read of memory, and products of registers
 *
 *   read       sink ^= the exclusive or of all 32-bit words of data
 *   multiply   for each thread sink = the sum of what it holds of 8 products: d[j] = 4 values j + rounds * A B, with A
 *              [16][16] and B [16][8] of made-up numbers of magnitude 1/8 to 1/4; see operand()
 *
 * layout   data 16-byte aligned; sink one int32 for read, fp32 [blocks][threads] for multiply
 * bytes    16 * count for read, nothing for multiply        bound: memory; tensor cores (fp16 in, fp32 out)
 *          multiply does 2 * 16 * 8 * 16 * 8 * rounds operations a warp
 * launch   read: block 256, eight blocks a multiprocessor; multiply: block 256, one or two blocks a multiprocessor.
 *          No dynamic shared memory. Beginning and ending a launch costs some microseconds: measure with 1 GiB, or some
 *          thousand rounds, and take the best of many
 * checked in Java   data holds count vectors, sink is zero before a read whose result matters
 * test     ProbeTest
 * checked by   ProbeTest
 */
#include "common.cuh"

constexpr int READS = 4;
constexpr int PRODUCTS = 8;

extern "C" __global__ void __launch_bounds__(256) gatun_probe_read(const uint4 *data, int64_t count, uint32_t *sink) {
    __shared__ uint32_t words[256 / WARP];
    int64_t step = (int64_t)gridDim.x * blockDim.x;
    int64_t at = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    uint32_t word = 0;
    for (; at + (READS - 1) * step < count; at += READS * step) {
        uint4 v[READS];
#pragma unroll
        for (int i = 0; i < READS; i++) {
            v[i] = load_once(data + at + i * step);
        }
#pragma unroll
        for (int i = 0; i < READS; i++) {
            word ^= v[i].x ^ v[i].y ^ v[i].z ^ v[i].w;
        }
    }
    for (; at < count; at += step) {
        uint4 v = load_once(data + at);
        word ^= v.x ^ v.y ^ v.z ^ v.w;
    }
#pragma unroll
    for (int lane = WARP / 2; lane > 0; lane /= 2) {
        word ^= __shfl_xor_sync(ALL_LANES, word, lane);
    }
    if (threadIdx.x % WARP == 0) {
        words[threadIdx.x / WARP] = word;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int i = 1; i < 256 / WARP; i++) {
            word ^= words[i];
        }
        // The order does not matter for an exclusive or.
        atomicXor(sink, word);
    }
}

/* Two fp16 of magnitude 1/8 to 1/4, of either sign: operands that are all alike would draw less power than real ones. */
__device__ __forceinline__ uint32_t operand(int lane, int which) {
    uint32_t mixed = ((uint32_t)(lane * 8 + which) + 1) * 2654435761u;
    return ((mixed ^ mixed >> 15) & 0x83ff83ffu) | 0x30003000u;
}

extern "C" __global__ void __launch_bounds__(256) gatun_probe_multiply(int rounds, float *sink) {
    int lane = threadIdx.x % WARP;
    uint32_t a[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        a[i] = operand(lane, i);
    }
    uint32_t b[2] = {operand(lane, 4), operand(lane, 5)};
    float d[PRODUCTS][4];
#pragma unroll
    for (int j = 0; j < PRODUCTS; j++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            d[j][i] = (float)j;
        }
    }
    for (int round = 0; round < rounds; round++) {
#pragma unroll
        for (int j = 0; j < PRODUCTS; j++) {
            multiply_tile(d[j], a[0], a[1], a[2], a[3], b[0], b[1]);
        }
    }
    float sum = 0;
#pragma unroll
    for (int j = 0; j < PRODUCTS; j++) {
        sum += d[j][0] + d[j][1] + d[j][2] + d[j][3];
    }
    sink[(int64_t)blockIdx.x * blockDim.x + threadIdx.x] = sum;
}
