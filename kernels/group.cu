/*
 * group.cu   the choices of many tokens, sorted by expert, and the experts' results back onto the residual
 *
 *   group_tokens      order = the choices (token * top_k + rank), sorted by expert, within an expert by rising choice;
 *                     place[choice] = where it stands there; offsets[e] = the first of expert e, offsets[experts] = how many
 *   combine_experts   residual[t][k] += sum over t's choices, by rising expert, of weights[choice] * y[place[choice]][k]
 *
 * layout   ids[choices], weights[choices] from the router; y[sorted choice][columns], residual[tokens][columns] fp32
 * bytes    group_tokens: 4 bytes a choice twice in, 8 out. combine_experts: (4 * top_k + 8) * columns a token
 * bound    group_tokens: latency of one block. combine_experts: device memory
 * launch   group_tokens: grid 1, block 1024. combine_experts: grid tokens, block 256. No dynamic shared memory
 * checked in Java   1 <= choices, experts <= 128, top_k <= 8, columns % 4 == 0, 16-byte alignment of y and residual
 * checked by   GroupTest, BatchExpertsTest
 *
 * An id out of range sets ERROR_ID and its choice is left out: place -1, and entries of order from offsets[experts] on are
 * not written. A choice that was left out adds nothing.
 */
#include "common.cuh"

constexpr int GROUP_THREADS = 1024;
constexpr int GROUP_WARPS = GROUP_THREADS / WARP;
constexpr int GROUP_EXPERTS = 128;
constexpr int COMBINE_THREADS = 256;
constexpr int MAX_TOP_K = 8;

/* Lanes of the warp with the same id; a lane without a choice has id -1. */
__device__ __forceinline__ unsigned same_id(int id) {
    return __match_any_sync(ALL_LANES, id);
}

/* next[w][e] becomes the place of the first choice of expert e in warp w's run. */
__device__ __forceinline__ void place_runs(int (*next)[GROUP_EXPERTS], int *offsets, int experts) {
    __shared__ int totals[GROUP_EXPERTS / WARP];
    int expert = threadIdx.x;
    int lane = expert % WARP;
    int total = 0;
    int before = 0;
    if (expert < GROUP_EXPERTS) {
        for (int w = 0; w < GROUP_WARPS; w++) {
            int count = next[w][expert];
            next[w][expert] = total;
            total += count;
        }
        before = total;
#pragma unroll
        for (int step = 1; step < WARP; step *= 2) {
            int other = __shfl_up_sync(ALL_LANES, before, step);
            before += lane >= step ? other : 0;
        }
        if (lane == WARP - 1) {
            totals[expert / WARP] = before;
        }
    }
    __syncthreads();
    if (expert < GROUP_EXPERTS) {
        int first = before - total;
        for (int w = 0; w < expert / WARP; w++) {
            first += totals[w];
        }
        for (int w = 0; w < GROUP_WARPS; w++) {
            next[w][expert] += first;
        }
        if (expert < experts) {
            offsets[expert] = first;
        }
        if (expert == experts - 1) {
            offsets[experts] = first + total;
        }
    }
    __syncthreads();
}

extern "C" __global__ void __launch_bounds__(GROUP_THREADS)
    gatun_group_tokens(const int *ids, int choices, int experts, int *offsets, int *order, int *place, int *error) {
    __shared__ int next[GROUP_WARPS][GROUP_EXPERTS];
    int warp = threadIdx.x / WARP;
    int lane = threadIdx.x % WARP;
    for (int e = lane; e < GROUP_EXPERTS; e += WARP) {
        next[warp][e] = 0;
    }
    __syncwarp();
    int run = (choices + GROUP_THREADS - 1) / GROUP_THREADS * WARP; /* whole rounds of a warp */
    int begin = warp * run;
    int end = min(choices, begin + run);
    bool known = true;
    for (int first = begin; first < end; first += WARP) {
        int id = first + lane < end ? ids[first + lane] : -1;
        bool in_range = (unsigned)id < (unsigned)experts;
        known &= in_range || first + lane >= end;
        unsigned same = same_id(in_range ? id : -1);
        if (in_range && lane == __ffs(same) - 1) {
            next[warp][id] += __popc(same);
        }
        __syncwarp();
    }
    if (!known) {
        atomicOr(error, ERROR_ID);
    }
    __syncthreads();
    place_runs(next, offsets, experts);
    for (int first = begin; first < end; first += WARP) {
        int choice = first + lane;
        int id = choice < end ? ids[choice] : -1;
        bool in_range = (unsigned)id < (unsigned)experts;
        unsigned same = same_id(in_range ? id : -1);
        int at = in_range ? next[warp][id] + __popc(same & ((1u << lane) - 1)) : -1;
        __syncwarp();
        if (in_range) {
            order[at] = choice;
            if (lane == __ffs(same) - 1) {
                next[warp][id] += __popc(same);
            }
        }
        if (choice < end) {
            place[choice] = at;
        }
        __syncwarp();
    }
}

/* Places rise with the expert, so the order of places is the order of experts. */
extern "C" __global__ void __launch_bounds__(COMBINE_THREADS)
    gatun_combine_experts(const float *y, const int *place, const float *weights, int top_k, int columns, float *residual) {
    __shared__ int places[MAX_TOP_K];
    __shared__ float shares[MAX_TOP_K];
    __shared__ int count;
    if (threadIdx.x == 0) {
        int known = 0;
        for (int j = 0; j < top_k; j++) {
            int64_t choice = (int64_t)blockIdx.x * top_k + j;
            int at = place[choice];
            if (at < 0) {
                continue;
            }
            int i = known++;
            for (; i > 0 && places[i - 1] > at; i--) {
                places[i] = places[i - 1];
                shares[i] = shares[i - 1];
            }
            places[i] = at;
            shares[i] = weights[choice];
        }
        count = known;
    }
    __syncthreads();
    float *to = residual + (int64_t)blockIdx.x * columns;
    for (int k = 4 * threadIdx.x; k < columns; k += 4 * COMBINE_THREADS) {
        float4 total = *(const float4 *)(to + k);
        for (int j = 0; j < count; j++) {
            float4 v = *(const float4 *)(y + (int64_t)places[j] * columns + k);
            float share = shares[j];
            total.x += share * v.x, total.y += share * v.y, total.z += share * v.z, total.w += share * v.w;
        }
        *(float4 *)(to + k) = total;
    }
}
