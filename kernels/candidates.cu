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
 * scratch  blocks * (8 * wanted + 24) bytes, 8-byte aligned; counter: one int that is 0, and is 0 again afterwards
 * bytes    4 * vocabulary in      bound: latency of a few block-wide steps
 * launch   gatun_candidates: grid `blocks` = min(32, ceil(vocabulary / 1024)), any from 1 to 32 is right; block 1024, no
 *          dynamic shared memory. One launch: the block that ends last merges the lists of all
 * checked in Java   1 <= vocabulary <= 2^24, 1 <= wanted <= 256, penalty > 0, inverse_temperature in (0, 1e300] (a
 *          temperature below 1e-300, 0 included, gives the same as 1e-300). recent: `recents` ids, in any order, any number
 *          of times; those outside the vocabulary are passed over
 * checked by   CandidatesTest
 *
 * When the host can do without the other logits. Its sampler ranks by the same order, takes weights exp((l - best) / T) in
 * fp64 from the same l, so all that differs is the mass: this one is summed from fp32 exponentials, the host's from fp64
 * ones. Their relative distance is below 1e-5: an exponent is rounded to fp32 (its error, at most 2^-24 |e|, weighs
 * at most 1e-6 of the mass for any vocabulary up to 2^24), expf is good to 2^-22, sums are fp64. So
 *   greedy                          ids[0]
 *   top-k <= wanted                 exact: the mass of the first k alone counts
 *   fewer possible than wanted      exact: the candidates' own mass counts; likewise a vocabulary of at most `wanted`
 *   top-p, min-p                    exact if the last token that stays is found among the candidates, with the cut certain
 *                                   for every mass within 1e-5 of this one
 *   neither                         exact if the draw ends among the candidates, for every such mass
 * (dev.gatun.text.Sampler and Candidates; CandidatesTest checks that both roads choose the same.)
 * In all other cases the host reads the logits, which this kernel leaves as they are, and draws with the same random number.
 *
 * A block takes a run of the vocabulary, tile by tile: of its best so far and of new logits, one key a thread, it keeps
 * `wanted`. Keys are (order-preserving bits of l, complement of the id), all distinct, so there is a key that exactly
 * `wanted` are not below; histograms of ever smaller ranges find it. The block that ends last does the same with what all
 * blocks kept, and ranks the rest by counting the larger ones. What is kept depends neither on the number of blocks nor on
 * timing.
 */
#include "common.cuh"

constexpr int THREADS = 1024;
constexpr int WARPS = THREADS / WARP;
constexpr int MAX_WANTED = 256;
constexpr int BINS = 256;
constexpr int MAX_LISTS = WARP;
constexpr int MOST_KEYS = MAX_LISTS * MAX_WANTED / THREADS; /* of a thread, when lists are merged */

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
    Key kept[MAX_WANTED];
    double masses[WARPS];
    float scratch[WARPS];
    unsigned recent_bits[WARPS];
    int bins[3][BINS];
    int count;
    int last;
};

/* What a block found out about its run. */
struct Found {
    Key bound;   /* `wanted` of its keys are not below it, or it is 1 */
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

/* A bin, and how many keys of the range lie in it and in higher ones. */
struct Crossing {
    int bin;
    int count;
};

/* The highest bin from which on there are `need` keys or more; bin -1 if there are fewer in all. Every warp by itself. */
__device__ __forceinline__ Crossing find_crossing(const int *bins, int need) {
    constexpr int EACH = BINS / WARP;
    int lane = threadIdx.x % WARP;
    int counts[EACH]; /* of the lane's bins, from the highest down; lane 0 has the highest */
    int sum = 0;
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        counts[i] = bins[BINS - 1 - (EACH * lane + i)];
        sum += counts[i];
    }
    int through = sum;
#pragma unroll
    for (int step = 1; step < WARP; step *= 2) {
        int before = __shfl_up_sync(ALL_LANES, through, step);
        through += lane >= step ? before : 0;
    }
    Crossing found = {-1, 0};
    int count = through - sum;
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        count += counts[i];
        if (found.bin < 0 && count >= need) {
            found = {BINS - 1 - (EACH * lane + i), count};
        }
    }
    unsigned reached = __ballot_sync(ALL_LANES, found.bin >= 0);
    int from = reached == 0 ? 0 : __ffs(reached) - 1;
    found.bin = __shfl_sync(ALL_LANES, found.bin, from);
    found.count = __shfl_sync(ALL_LANES, found.count, from);
    return found;
}

/* Counts the warp's keys. Where many share a bin, as the first logits do, one lane adds for all of them. */
__device__ __forceinline__ void count_crowded(int *bins, int bin, bool counts) {
    constexpr int CROWDED = 4;
    unsigned rest = __ballot_sync(ALL_LANES, counts);
    for (int i = 0; i < CROWDED && rest != 0; i++) {
        int leader = __ffs(rest) - 1;
        int crowded = __shfl_sync(ALL_LANES, bin, leader);
        unsigned same = __ballot_sync(ALL_LANES, counts && bin == crowded);
        if (threadIdx.x % WARP == leader) {
            atomicAdd(&bins[crowded], __popc(same));
        }
        counts = counts && bin != crowded;
        rest &= ~same;
    }
    if (counts) {
        atomicAdd(&bins[bin], 1);
    }
}

/*
 * A bound that exactly `wanted` of the block's keys are not below; `low`, if no more than that are not below it. All keys
 * that count lie in low <= key < high. The range is cut into bins, and the bin where the count reaches `wanted` is the next
 * range: eight bits less each time, at last a bin for each value, which holds one key, for keys are distinct unless empty
 * (0, below any range). Three sets of bins in turn need one barrier a pass: a set is cleared two passes after it was read.
 */
template <int EACH>
__device__ __forceinline__ Key find_bound(const Key (&keys)[EACH], int wanted, Key low, Key high, CandidatesShared &shared) {
    if (threadIdx.x < BINS) {
        shared.bins[0][threadIdx.x] = 0;
    }
    __syncthreads();
    int need = wanted;
    for (int pass = 0;; pass++) {
        int shift = max(0, 64 - 8 - __clzll((long long)(high - 1 - low)));
        int *bins = shared.bins[pass % 3];
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            bool counts = keys[i] >= low && keys[i] < high;
            int bin = counts ? (int)((keys[i] - low) >> shift) : 0;
            if (EACH == 1) {
                count_crowded(bins, bin, counts);
            } else if (counts) {
                atomicAdd(&bins[bin], 1);
            }
        }
        if (threadIdx.x < BINS) {
            shared.bins[(pass + 1) % 3][threadIdx.x] = 0;
        }
        __syncthreads();
        Crossing crossing = find_crossing(bins, need);
        if (crossing.bin < 0) {
            return low;
        }
        Key width = (Key)1 << shift;
        Key start = low + crossing.bin * width;
        if (crossing.count == need) {
            return start;
        }
        need -= crossing.count - bins[crossing.bin];
        high = high - start > width ? start + width : high;
        low = start;
    }
}

/* Puts the keys from the bound on into shared.kept, in any order; returns how many. Free to be used again after a barrier. */
template <int EACH>
__device__ __forceinline__ int keep_from(Key bound, const Key (&keys)[EACH], CandidatesShared &shared) {
    if (threadIdx.x == 0) {
        shared.count = 0;
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        int lane = threadIdx.x % WARP;
        unsigned kept = __ballot_sync(ALL_LANES, keys[i] >= bound);
        int first = lane == 0 && kept != 0 ? atomicAdd(&shared.count, __popc(kept)) : 0;
        first = __shfl_sync(ALL_LANES, first, 0);
        if (kept >> lane & 1) {
            shared.kept[first + __popc(kept & ((1u << lane) - 1))] = keys[i];
        }
    }
    __syncthreads();
    return shared.count;
}

/* Marks which of the ids first to first + 1023 are recent. */
__device__ __forceinline__ void mark_recent(const Choice &in, int first, CandidatesShared &shared) {
    __syncthreads();
    if (threadIdx.x < WARPS) {
        shared.recent_bits[threadIdx.x] = 0;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < in.recents; i += THREADS) {
        int64_t at = (int64_t)in.recent[i] - first;
        if (at >= 0 && at < THREADS) {
            atomicOr(&shared.recent_bits[at / WARP], 1u << at % WARP);
        }
    }
    __syncthreads();
}

__device__ __forceinline__ float penalized(float logit, double penalty) {
    double changed = logit > 0 ? logit / penalty : logit * penalty;
    constexpr double LARGEST = 3.4028234663852886e38;
    return isinf(changed) || isnan(logit) ? logit : (float)fmin(fmax(changed, -LARGEST), LARGEST);
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

/* Above all keys of values up to this one. */
__device__ __forceinline__ Key above(float top) {
    return (key_of(top, 0) >> 32) + 1 << 32;
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

/* Leaves the `wanted` largest keys of first <= id < end in shared.kept, in any order; returns how many there are. */
__device__ __forceinline__ int take_best(const Choice &in, int first, int end, CandidatesShared &shared, Found &found) {
    bool penalizes = in.recents > 0 && in.penalty != 1;
    Key bound = 1;
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
        Key keys[1] = {there ? key_of(value, first + at) : 0};
        first += THREADS - kept;
        if (__syncthreads_or(keys[0] >= bound)) {
            if (at < 0) {
                keys[0] = shared.kept[threadIdx.x];
            }
            bound = find_bound<1>(keys, in.wanted, bound, above(top), shared);
            kept = keep_from<1>(bound, keys, shared);
        }
    }
    found.bound = kept == in.wanted ? bound : 1;
    found.mass = block_sum(mass, shared.masses);
    found.top = top;
    found.flags = __syncthreads_or(unusable) ? ERROR_NAN : 0;
    return kept;
}

/* The `wanted` largest keys of all lists, in shared.kept, in any order; returns how many there are. */
template <int EACH>
__device__ __forceinline__ int merge_lists(const Key *lists, int count, int wanted, Key low, Key high,
                                           CandidatesShared &shared) {
    Key keys[EACH];
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        int at = threadIdx.x + i * THREADS;
        keys[i] = at < count ? __ldcg(lists + at) : 0;
    }
    return keep_from<EACH>(find_bound<EACH>(keys, wanted, low, high, shared), keys, shared);
}

/*
 * Writes the kept keys by rank, which is the number of larger ones: four threads to a key. Ids and values of missing ones
 * are not written.
 */
__device__ __forceinline__ void write_ranked(const CandidatesShared &shared, int count, int *ids, float *values) {
    constexpr int SHARE = THREADS / MAX_WANTED;
    int mine = threadIdx.x / SHARE;
    Key key = mine < count ? shared.kept[mine] : 0;
    int rank = 0;
#pragma unroll 4
    for (int i = threadIdx.x % SHARE; i < count; i += SHARE) {
        rank += shared.kept[i] > key;
    }
#pragma unroll
    for (int step = 1; step < SHARE; step *= 2) {
        rank += __shfl_xor_sync(ALL_LANES, rank, step);
    }
    if (threadIdx.x % SHARE == 0 && mine < count) {
        ids[rank] = id_of(key);
        values[rank] = value_of(key);
    }
}

/* What all blocks found, a lane for each; in every warp. The highest bound holds for all keys together. */
__device__ __forceinline__ Found merge_found(const Found *found, int lists, double inverse_temperature) {
    int lane = threadIdx.x % WARP;
    Found mine = {1, 0, -INFINITY, 0};
    if (lane < lists) {
        mine.bound = __ldcg(&found[lane].bound);
        mine.mass = __ldcg(&found[lane].mass);
        mine.top = __ldcg(&found[lane].top);
        mine.flags = __ldcg(&found[lane].flags);
    }
    Found all = mine;
#pragma unroll
    for (int step = WARP / 2; step > 0; step /= 2) {
        Key other = __shfl_xor_sync(ALL_LANES, all.bound, step);
        all.bound = other > all.bound ? other : all.bound;
    }
    all.top = warp_max(mine.top);
    all.mass = warp_sum(rescaled(mine.mass, mine.top, all.top, inverse_temperature));
    all.flags = __any_sync(ALL_LANES, mine.flags != 0) || all.top == -INFINITY ? ERROR_NAN : 0;
    return all;
}

extern "C" __global__ void __launch_bounds__(THREADS)
    gatun_candidates(const float *logits, int vocabulary, const int *recent, int recents, double penalty,
                     double inverse_temperature, int wanted, void *scratch, int *counter, void *result, int *error) {
    __shared__ CandidatesShared shared;
    Choice in = {logits, recent, penalty, inverse_temperature, vocabulary, recents, wanted};
    int blocks = gridDim.x;
    int run = (vocabulary - 1) / blocks + 1;
    int first = min((int)blockIdx.x * run, vocabulary);
    Found found;
    int kept = take_best(in, first, min(first + run, vocabulary), shared, found);

    Key *lists = (Key *)scratch;
    Found *all_found = (Found *)(lists + (int64_t)blocks * wanted);
    if ((int)threadIdx.x < wanted) {
        lists[(int64_t)blockIdx.x * wanted + threadIdx.x] = (int)threadIdx.x < kept ? shared.kept[threadIdx.x] : 0;
    }
    if (threadIdx.x == 0) {
        all_found[blockIdx.x] = found;
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        shared.last = atomicAdd(counter, 1) == blocks - 1;
    }
    __syncthreads();
    if (!shared.last) {
        return;
    }
    __threadfence();
    found = merge_found(all_found, blocks, inverse_temperature);
    if (blocks > 1) {
        int count = blocks * wanted;
        Key high = above(found.top);
        kept = count <= 2 * THREADS   ? merge_lists<2>(lists, count, wanted, found.bound, high, shared)
               : count <= 4 * THREADS ? merge_lists<4>(lists, count, wanted, found.bound, high, shared)
                                      : merge_lists<MOST_KEYS>(lists, count, wanted, found.bound, high, shared);
    }
    int *ids = (int *)((char *)result + 16);
    write_ranked(shared, kept, ids, (float *)(ids + wanted));
    if (threadIdx.x == 0) {
        *(double *)result = found.mass;
        ids[-2] = kept;
        ids[-1] = found.flags;
        *counter = 0;
        if (found.flags != 0) {
            atomicOr(error, found.flags);
        }
    }
}
