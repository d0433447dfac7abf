/*
 * candidates.cu   what a sampler needs of all logits: the `wanted` largest with their ids, after the repetition penalty, and
 *                 how much all weigh together
 *
 *   l[v] = logits[v], or where v is in `recent`: l / penalty if positive, l * penalty if negative, reckoned in fp64 and
 *          rounded to fp32, clipped to the finite fp32; left as it is where fp64 overflows (so is -Infinity)
 *   best = max l      mass = sum over all v of exp((l[v] - best) * inverse_temperature)
 *   logsumexp of l / temperature = best / temperature + log(mass)
 *
 * result   16 + 8 * wanted bytes, 8-byte aligned:
 *            0 f64 mass      8 i32 count = min(wanted, vocabulary)      12 i32 flags: 0 or ERROR_NAN
 *           16 i32 ids[wanted], then f32 l[wanted]: the largest first, equal ones by rising id; those from `count` on are
 *              not written
 *          ids[0] is the greedy choice. ERROR_NAN (also in the error word): a logit is NaN or +Infinity, or all are
 *          -Infinity; ids are in range and distinct all the same, NaN counts as the least
 * scratch  blocks * (8 * wanted + 16) bytes, 8-byte aligned; counter: one int that is 0, and is 0 again afterwards
 * bytes    4 * vocabulary in      bound: latency of two or three sorts in a block
 * launch   gatun_candidates: grid `blocks` = min(32, ceil(vocabulary / 1024)), any from 1 to 32 is right; block 1024, no
 *          dynamic shared memory. One launch: the block that ends last merges the lists of all
 * checked in Java   1 <= vocabulary <= 2^24, 1 <= wanted <= 256, penalty > 0, inverse_temperature in (0, 1e300] (a
 *          temperature below 1e-300, 0 included, gives the same as 1e-300). recent: `recents` ids, in any order, any number
 *          of times; those outside the vocabulary are passed over
 *
 * When the host can do without the other logits. Its sampler ranks by the same order, takes weights exp((l - best) / T) in
 * fp64 from the same l, so all that differs is the mass: this one is summed from fp32 exponentials, the host's from fp64
 * ones. Their relative distance is below 1e-5: an exponent is rounded to fp32 (its error, at most 2^-24 |e|, weighs
 * at most 1e-6 of the mass for any vocabulary up to 2^24), expf is good to 2^-22, sums are fp64. So
 *   greedy                          ids[0]
 *   top-k < wanted                  exact: the mass of the first k alone counts
 *   top-p, min-p                    exact if the last token that stays is found among the candidates, with the cut certain
 *                                   for every mass within 1e-5 of this one
 *   neither                         exact if the draw ends among the candidates, for every such mass
 * In all other cases the host reads the logits, which this kernel leaves as they are, and draws with the same random number.
 *
 * A block takes a run of the vocabulary, tile by tile: its best so far and new logits are sorted together, one key a
 * thread, unless no new one is good enough. Keys are (order-preserving bits of l, complement of the id), all distinct, so
 * the result depends neither on the number of blocks nor on timing. Before merging, every s-th key of each list is sorted:
 * at least `wanted` keys are not below the ceil(wanted / s)-th of them, and few enough to be sorted at once.
 */
#include "common.cuh"

constexpr int SORT_THREADS = 1024;
constexpr int MAX_WANTED = 256;
constexpr int MAX_LISTS = WARP;
constexpr int SAMPLES = 512;
constexpr int FARTHEST_APART = MAX_LISTS * MAX_WANTED / SAMPLES;

static_assert(MAX_WANTED + (MAX_LISTS + 1) * (FARTHEST_APART - 1) <= SORT_THREADS, "what is merged is sorted at once");

typedef unsigned long long Key;

struct Choice {
    const float *logits;
    const int *recent;
    double penalty;
    double inverse_temperature;
    int vocabulary;
    int recents;
    int wanted;
};

struct CandidatesShared {
    Key exchange[2][SORT_THREADS];
    double masses[WARP];
    float scratch[WARP];
    unsigned recent_bits[SORT_THREADS / WARP];
    Key bound;
    int gathered;
    int last;
};

/* What a block found out about its run. */
struct Found {
    double mass; /* relative to top */
    float top;
    int flags;
};

__device__ __forceinline__ Key key_of(float value, int id) {
    uint32_t bits = __float_as_uint(value + 0.0f); /* -0 becomes 0: the two are equal */
    uint32_t ordered = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    return (Key)(isnan(value) ? 0 : ordered) << 32 | (uint32_t)~id;
}

__device__ __forceinline__ int id_of(Key key) {
    return (int)~(uint32_t)key;
}

__device__ __forceinline__ float value_of(Key key) {
    uint32_t ordered = (uint32_t)(key >> 32);
    return ordered == 0 ? -INFINITY : __uint_as_float(ordered & 0x80000000u ? ordered & 0x7fffffffu : ~ordered);
}

/* Sorts the keys of the first SIZE threads, the largest first. All threads call it. */
template <int SIZE>
__device__ __forceinline__ Key sort_first(Key key, CandidatesShared &shared) {
    int place = threadIdx.x;
    int buffer = 0;
    __syncthreads();
    for (int size = 2; size <= SIZE; size *= 2) {
        for (int stride = size / 2; stride >= WARP; stride /= 2) {
            /* Two buffers in turn: whoever writes into one has passed the barrier behind which all have read it. */
            shared.exchange[buffer][place] = key;
            __syncthreads();
            Key other = shared.exchange[buffer][place ^ stride];
            bool larger = ((place & stride) == 0) == ((place & size) == 0);
            key = (key > other) == larger ? key : other;
            buffer ^= 1;
        }
        if (place < SIZE) {
#pragma unroll
            for (int stride = WARP / 2; stride > 0; stride /= 2) {
                if (stride < size) {
                    Key other = __shfl_xor_sync(ALL_LANES, key, stride);
                    bool larger = ((place & stride) == 0) == ((place & size) == 0);
                    key = (key > other) == larger ? key : other;
                }
            }
        }
    }
    return key;
}

/* The key that the thread with this number has. */
__device__ __forceinline__ Key key_of_thread(int thread, Key key, CandidatesShared &shared) {
    if (threadIdx.x == thread) {
        shared.bound = key;
    }
    __syncthreads();
    return shared.bound;
}

/* Marks which of the ids first to first + 1023 are recent. */
__device__ __forceinline__ void mark_recent(const Choice &in, int first, CandidatesShared &shared) {
    __syncthreads();
    if (threadIdx.x < SORT_THREADS / WARP) {
        shared.recent_bits[threadIdx.x] = 0;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < in.recents; i += SORT_THREADS) {
        int64_t at = (int64_t)in.recent[i] - first;
        if (at >= 0 && at < SORT_THREADS) {
            atomicOr(&shared.recent_bits[at / WARP], 1u << at % WARP);
        }
    }
    __syncthreads();
}

__device__ __forceinline__ float penalized(float logit, double penalty) {
    double changed = logit > 0 ? logit / penalty : logit * penalty;
    constexpr double LARGEST = 3.4028234663852886e38;
    return isinf(changed) ? logit : (float)fmin(fmax(changed, -LARGEST), LARGEST);
}

/* NaN weighs nothing, and nothing is NaN: neither of two infinite values nor of 0 * Infinity. */
__device__ __forceinline__ float weight(float value, float top, double inverse_temperature) {
    if (value == top) {
        return 1;
    }
    return value > -INFINITY ? expf((float)(((double)value - top) * inverse_temperature)) : 0;
}

__device__ __forceinline__ double rescaled(double mass, float top, float new_top, double inverse_temperature) {
    return mass == 0 || top == new_top ? mass : mass * exp(((double)top - new_top) * inverse_temperature);
}

__device__ __forceinline__ double warp_sum(double v) {
#pragma unroll
    for (int lane = WARP / 2; lane > 0; lane /= 2) {
        v += __shfl_xor_sync(ALL_LANES, v, lane);
    }
    return v;
}

__device__ __forceinline__ double block_sum(double v, double *scratch) {
    v = warp_sum(v);
    if (threadIdx.x % WARP == 0) {
        scratch[threadIdx.x / WARP] = v;
    }
    __syncthreads();
    return warp_sum(scratch[threadIdx.x % WARP]);
}

/* Leaves the `wanted` largest keys of first <= id < end in the first threads; missing ones are 0. */
__device__ __forceinline__ Key take_best(const Choice &in, int first, int end, CandidatesShared &shared, Found &found) {
    bool penalizes = in.recents > 0 && in.penalty != 1;
    Key best = 0;
    Key bound = 0;
    int kept = 0;
    double mass = 0;
    float top = -INFINITY;
    bool unusable = false;
    while (first < end) {
        if (penalizes) {
            mark_recent(in, first, shared);
        }
        int at = (int)threadIdx.x - kept;
        bool there = at >= 0 && first + at < end;
        float value = there ? in.logits[first + at] : -INFINITY;
        unusable |= !(value < INFINITY);
        if (penalizes && there && (shared.recent_bits[at / WARP] >> at % WARP & 1)) {
            value = penalized(value, in.penalty);
        }
        float new_top = fmaxf(top, block_max(value, shared.scratch));
        mass = rescaled(mass, top, new_top, in.inverse_temperature);
        mass += there ? weight(value, new_top, in.inverse_temperature) : 0;
        top = new_top;
        Key key = there ? key_of(value, first + at) : 0;
        first += SORT_THREADS - kept;
        if (__syncthreads_or(key > bound)) {
            best = sort_first<SORT_THREADS>((int)threadIdx.x < kept ? best : key, shared);
            bound = key_of_thread(in.wanted - 1, best, shared);
            kept = in.wanted;
        }
    }
    found.mass = block_sum(mass, shared.masses);
    found.top = top;
    found.flags = __syncthreads_or(unusable) ? ERROR_NAN : 0;
    return best;
}

/* The `wanted` largest keys of all lists, each sorted, in the first threads. */
__device__ __forceinline__ Key merge_lists(const Key *keys, int lists, int wanted, CandidatesShared &shared) {
    int apart = min((lists * wanted + SAMPLES - 1) / SAMPLES, wanted);
    int each = wanted / apart;
    int list = threadIdx.x / each;
    int at = (threadIdx.x % each + 1) * apart - 1;
    Key sample = list < lists ? __ldcg(keys + list * wanted + at) : 0;
    sample = sort_first<SAMPLES>(sample, shared);
    if (threadIdx.x == 0) {
        shared.gathered = 0;
    }
    Key bound = key_of_thread((wanted + apart - 1) / apart - 1, sample, shared);
    Key *gathered = shared.exchange[0];
    for (int i = threadIdx.x; i < lists * wanted; i += SORT_THREADS) {
        Key key = __ldcg(keys + i);
        if (key != 0 && key >= bound) {
            gathered[atomicAdd(&shared.gathered, 1)] = key;
        }
    }
    __syncthreads();
    int count = shared.gathered;
    Key key = (int)threadIdx.x < count ? gathered[threadIdx.x] : 0;
    return count <= SORT_THREADS / 2 ? sort_first<SORT_THREADS / 2>(key, shared) : sort_first<SORT_THREADS>(key, shared);
}

/* The first warp: what all blocks found, a lane for each. */
__device__ __forceinline__ Found merge_found(const Found *found, int lists, double inverse_temperature) {
    int lane = threadIdx.x;
    Found mine = {0, -INFINITY, 0};
    if (lane < lists) {
        mine.mass = __ldcg(&found[lane].mass);
        mine.top = __ldcg(&found[lane].top);
        mine.flags = __ldcg(&found[lane].flags);
    }
    Found all;
    all.top = warp_max(mine.top);
    all.mass = warp_sum(rescaled(mine.mass, mine.top, all.top, inverse_temperature));
    all.flags = __any_sync(ALL_LANES, mine.flags != 0) || all.top == -INFINITY ? ERROR_NAN : 0;
    return all;
}

extern "C" __global__ void __launch_bounds__(SORT_THREADS)
    gatun_candidates(const float *logits, int vocabulary, const int *recent, int recents, double penalty,
                     double inverse_temperature, int wanted, void *scratch, int *counter, void *result, int *error) {
    __shared__ CandidatesShared shared;
    Choice in = {logits, recent, penalty, inverse_temperature, vocabulary, recents, wanted};
    int lists = gridDim.x;
    int run = (vocabulary - 1) / lists + 1;
    int first = min((int)blockIdx.x * run, vocabulary);
    Found found;
    Key key = take_best(in, first, min(first + run, vocabulary), shared, found);

    Key *keys = (Key *)scratch;
    Found *all_found = (Found *)(keys + (int64_t)lists * wanted);
    if ((int)threadIdx.x < wanted) {
        keys[(int64_t)blockIdx.x * wanted + threadIdx.x] = key;
    }
    if (threadIdx.x == 0) {
        all_found[blockIdx.x] = found;
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        shared.last = atomicAdd(counter, 1) == lists - 1;
    }
    __syncthreads();
    if (!shared.last) {
        return;
    }
    __threadfence();
    if (lists > 1) {
        key = merge_lists(keys, lists, wanted, shared);
    }
    int count = min(wanted, vocabulary);
    int *ids = (int *)((char *)result + 16);
    if ((int)threadIdx.x < count) {
        ids[threadIdx.x] = id_of(key);
        ((float *)(ids + wanted))[threadIdx.x] = value_of(key);
    }
    if (threadIdx.x < WARP) {
        found = merge_found(all_found, lists, inverse_temperature);
    }
    if (threadIdx.x == 0) {
        *(double *)result = found.mass;
        ids[-2] = count;
        ids[-1] = found.flags;
        *counter = 0;
        if (found.flags != 0) {
            atomicOr(error, found.flags);
        }
    }
}
