/*
 * active.cuh   the experts that a chunk's tokens chose: each once, by rising id, with the place of each token's choice
 */
#pragma once

#include "common.cuh"

constexpr int MAX_EXPERTS = 128;
constexpr int MAX_CHOICES = 64; /* tokens times top_k */
constexpr int MAX_TOKENS = 8;

struct ActiveExperts {
    alignas(16) int counted[MAX_EXPERTS / WARP];
    int count;
    const unsigned char *blocks[MAX_CHOICES];
    signed char choice[MAX_CHOICES][MAX_TOKENS]; /* token * top_k + rank, or -1 where the token did not choose it */
};

/* What stands for the block of an expert that is computed elsewhere: it is left out, and that is no error. */
constexpr uintptr_t ELSEWHERE = 1;

/* Called by a whole block of at least MAX_EXPERTS threads. Experts without a block are left out and set an error. */
__device__ __forceinline__ void find_active(ActiveExperts &active, const int *ids, int tokens, int top_k, int experts,
                                            const unsigned char *const *blocks, int *error) {
    int expert = threadIdx.x;
    int choices = tokens * top_k;
    bool chosen = false;
    const unsigned char *block = nullptr;
    if (expert < experts) {
        block = blocks[expert]; /* asked for together with the ids */
#pragma unroll 4
        for (int i = 0; i < choices; i++) {
            chosen |= ids[i] == expert;
        }
    }
    if (expert < choices && (unsigned)ids[expert] >= (unsigned)experts) {
        atomicOr(error, ERROR_ID);
    }
    if (chosen && block == nullptr) {
        atomicOr(error, ERROR_ABSENT);
    }
    chosen = chosen && (uintptr_t)block > ELSEWHERE;
    unsigned mask = __ballot_sync(ALL_LANES, chosen);
    if (expert < MAX_EXPERTS && expert % WARP == 0) {
        active.counted[expert / WARP] = __popc(mask);
    }
    __syncthreads();
    int place = __popc(mask & ((1u << expert % WARP) - 1));
    int count = 0;
    for (int w = 0; w < MAX_EXPERTS / WARP; w++) {
        place += w < expert / WARP ? active.counted[w] : 0;
        count += active.counted[w];
    }
    if (expert == 0) {
        active.count = count;
    }
    if (chosen) {
        active.blocks[place] = block;
        for (int t = 0; t < MAX_TOKENS; t++) {
            int choice = -1;
            for (int j = 0; t < tokens && j < top_k; j++) {
                choice = ids[t * top_k + j] == expert ? t * top_k + j : choice;
            }
            active.choice[place][t] = (signed char)choice;
        }
    }
    __syncthreads();
}
