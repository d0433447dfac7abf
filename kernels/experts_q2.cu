/*
 * experts_q2.cu   the chosen experts of 1 to 8 tokens, 2-bit weights in groups of 16 rows
 *
 *   h[t][e] = silu(w1[e] x[t]) * (w3[e] x[t]);   y[t] += sum over the chosen e, by rising id, of weight[t][e] * w2[e] h[t][e]
 *
 * layout   expert blocks as in layout.cuh, found through `blocks` (device pointers, null: not resident, ELSEWHERE: left
 *          out), ids[t][top_k] and weights[t][top_k] from the router; x[t][hidden], y[t][hidden] fp32; h lies as w2's
 *          columns do. Names: _q2 the published scheme, _q2n Gatun's own; _t1, _t2, _t4, _t8 the most tokens
 * bytes    each expert chosen by at least one token once: 3 * hidden * ffn * 3.016 / 8 (q2: 66.4 MB for 8x7B) or
 *          3 * hidden * ffn * 2.531 / 8 (q2n: 55.7 MB); the workspace adds about 2 % and stays in the L2
 * bound    device memory reads
 * launch   block 256; grid: any for gate_up and down, two or three blocks a multiprocessor is best. experts: one launch for
 *          all, at most as many blocks as are resident together, cooperative launch
 *          dynamic shared memory: T * slice tiles * 32 * (q2: 16, of T = 1: 32, q2n: 8) + 16384 + 36 * T bytes,
 *          for the larger of both slices
 * checked in Java   1 <= tokens <= T, top_k <= 8, tokens * top_k <= 64, experts <= 128, hidden % 16 == 0, ffn % 16 == 0
 *          (256 in sixteens), slice tiles 4 or 8 (8 is faster wherever that much shared memory is), 16-byte alignment of
 *          blocks, x and the workspace; scales below 128 and zeros below 60000 in magnitude (q2n);
 *          counters (hidden / 16 ints, of `down` alone) and the three barrier words (of `experts` alone) zero before the first
 *          launch, and before the next one after ERROR_TIMEOUT; the workspace holds
 *            gate_up: tokens * top_k * 2 * slices(hidden) * ffn floats, down: tokens * top_k * slices(ffn) * hidden floats
 *          where slices(k) = ceil(ceil(k / 128) / slice tiles)
 * checked by   ExpertsQ2Test
 *
 * Row sums of slices go to the workspace and are added in an order that shapes give: h by the blocks of `down` that need it;
 * y in `experts` by all blocks once all have met, in `down` by the block that stored the last part of a group row (which is
 * slow for many tokens, since one block then adds most of them).
 *
 * errors   ERROR_ID, ERROR_ABSENT: what remains is right. ERROR_TIMEOUT: the blocks of `experts` did not meet within two
 *          seconds; y is then not, or not wholly, written
 */
#include "active.cuh"
#include "q2_stream.cuh"

constexpr int MAX_TOP_K = 8;
constexpr int64_t MEETING_NANOSECONDS = 2000000000;

/* Shapes and buffers of one layer's experts: passed by value. */
struct ExpertsArguments {
    const unsigned char *const *blocks;
    const int *ids;
    const float *weights;
    const float *x;
    float *y;
    float *gate_up_sums;
    float *down_sums;
    int *counters;
    int *barrier;
    int *error;
    int tokens;
    int top_k;
    int experts;
    int hidden;
    int ffn;
    int gate_pairs;
    int gate_period;
    int down_pairs;
    int down_period;
    int gate_slice_tiles;
    int down_slice_tiles;
    int sixteens; /* the order of w2's columns in q2n */
};

template <class Format>
__device__ __forceinline__ int64_t matrix_bytes(int rows, int columns, int pairs);

template <>
__device__ __forceinline__ int64_t matrix_bytes<Wide>(int rows, int columns, int pairs) {
    return place_wide(rows / Q2_ROWS, columns, pairs, Q2_TILE).bytes;
}

template <>
__device__ __forceinline__ int64_t matrix_bytes<Narrow>(int rows, int columns, int) {
    return place_narrow(rows / Q2_ROWS, columns).bytes;
}

/* The resident choices of a token, by rising id of the expert. */
struct TokenChoices {
    int count;
    int choice[MAX_TOP_K];
    float weight[MAX_TOP_K];
};

/* Called by a whole block; the next barrier makes it visible. */
__device__ __forceinline__ void find_choices(TokenChoices *chosen, const ActiveExperts &active, const ExpertsArguments &arguments) {
    int token = threadIdx.x;
    if (token >= arguments.tokens) {
        return;
    }
    int count = 0;
    for (int a = 0; a < active.count; a++) {
        int choice = active.choice[a][token];
        if (choice >= 0 && count < MAX_TOP_K) {
            chosen[token].choice[count] = choice;
            chosen[token].weight[count] = arguments.weights[choice];
            count++;
        }
    }
    chosen[token].count = count;
}

/* w1 and w3: parts 2a and 2a + 1 of active expert a. */
template <class Format>
struct GateUp {
    static constexpr bool KEEPS_REST = true;
    static constexpr bool HAS_ENTRIES = false;

    const ExpertsArguments &arguments;
    const ActiveExperts &active;
    int slices;
    int64_t up;

    __device__ GateUp(const ExpertsArguments &arguments, const ActiveExperts &active, const StreamShape &shape)
        : arguments(arguments), active(active), slices(shape.slices()),
          up(matrix_bytes<Format>(arguments.ffn, arguments.hidden, arguments.gate_pairs)) {}

    __device__ const unsigned char *matrix(int part) const { return active.blocks[part / 2] + (part % 2 ? up : 0); }

    __device__ void inputs(int part, int token, int column, float (&x)[4]) const {
        bool chosen = token < arguments.tokens && active.choice[part / 2][token] >= 0;
        float4 v = chosen ? __ldcg((const float4 *)(arguments.x + (int64_t)token * arguments.hidden + column))
                          : make_float4(0, 0, 0, 0);
        x[0] = v.x, x[1] = v.y, x[2] = v.z, x[3] = v.w;
    }

    __device__ float *target(int part, int slice, int token) const {
        int choice = active.choice[part / 2][token];
        return choice >= 0 ? arguments.gate_up_sums + ((int64_t)(choice * 2 + part % 2) * slices + slice) * arguments.ffn : nullptr;
    }

    /* In the order of w2's columns. */
    __device__ int place(int group, int row) const {
        return Format::Inner::place(group, row, arguments.ffn / Q2_ROWS, arguments.sixteens);
    }
};

/* w2: part a of active expert a. */
template <class Format>
struct Down {
    static constexpr bool KEEPS_REST = false; /* logits are no nearer for it */
    static constexpr bool HAS_ENTRIES = true;

    const ExpertsArguments &arguments;
    const ActiveExperts &active;
    int gate_slices;
    int slices;
    int64_t down;

    __device__ Down(const ExpertsArguments &arguments, const ActiveExperts &active, const StreamShape &gate_shape,
                    const StreamShape &shape)
        : arguments(arguments), active(active), gate_slices(gate_shape.slices()), slices(shape.slices()),
          down(2 * matrix_bytes<Format>(arguments.ffn, arguments.hidden, arguments.gate_pairs)) {}

    __device__ const unsigned char *matrix(int part) const { return active.blocks[part] + down; }

    __device__ void inputs(int part, int token, int column, float (&h)[4]) const {
        int choice = token < arguments.tokens ? active.choice[part][token] : -1;
        float4 gate = make_float4(0, 0, 0, 0);
        float4 up = gate;
        if (choice >= 0) {
            const float *sums = arguments.gate_up_sums + (int64_t)choice * 2 * gate_slices * arguments.ffn + column;
#pragma unroll 4
            for (int s = 0; s < gate_slices; s++) {
                float4 v = __ldcg((const float4 *)(sums + (int64_t)s * arguments.ffn));
                float4 w = __ldcg((const float4 *)(sums + (int64_t)(gate_slices + s) * arguments.ffn));
                gate.x += v.x, gate.y += v.y, gate.z += v.z, gate.w += v.w;
                up.x += w.x, up.y += w.y, up.z += w.z, up.w += w.w;
            }
        }
        h[0] = gate.x / (1 + __expf(-gate.x)) * up.x;
        h[1] = gate.y / (1 + __expf(-gate.y)) * up.y;
        h[2] = gate.z / (1 + __expf(-gate.z)) * up.z;
        h[3] = gate.w / (1 + __expf(-gate.w)) * up.w;
    }

    /* Sums of a group row lie together here: [choice][slice][group row][16]. */
    __device__ float *target(int part, int slice, int token) const {
        int choice = active.choice[part][token];
        return choice >= 0 ? arguments.down_sums + ((int64_t)choice * slices + slice) * arguments.hidden : nullptr;
    }

    __device__ int place(int group, int row) const { return group * Q2_ROWS + row; }

    /*
     * A part of the weighted sum of one output, experts by rising id: of its partial sums, slices within experts, those at
     * `first`, first + step, ...
     */
    __device__ float weighted(const TokenChoices &chosen, int group, int row, int first, int step) const {
        constexpr int BATCH = 8; /* loads in flight together */
        const float *sums = arguments.down_sums + group * Q2_ROWS + row;
        int parts = chosen.count * slices;
        float total = 0;
        for (int at = first; at < parts; at += BATCH * step) {
            float v[BATCH];
            float weight[BATCH];
#pragma unroll
            for (int i = 0; i < BATCH; i++) {
                int part = at + i * step;
                bool inside = part < parts;
                int rank = inside ? part / slices : 0;
                int64_t from = (int64_t)chosen.choice[rank] * slices + part - rank * slices;
                v[i] = inside ? __ldcg(sums + from * arguments.hidden) : 0;
                weight[i] = chosen.weight[rank];
            }
#pragma unroll
            for (int i = 0; i < BATCH; i++) {
                total += weight[i] * v[i];
            }
        }
        return total;
    }

    /* All of it, in one thread. */
    __device__ float weighted(const TokenChoices &chosen, int group, int row) const {
        float total = 0;
        for (int rank = 0; rank < chosen.count; rank++) {
            const float *sums = arguments.down_sums + (int64_t)chosen.choice[rank] * slices * arguments.hidden;
            total += chosen.weight[rank] * sum_strided<16>(sums + group * Q2_ROWS + row, arguments.hidden, slices);
        }
        return total;
    }

    __device__ float *output(int group, int row, int token) const {
        return arguments.y + (int64_t)token * arguments.hidden + group + row * (arguments.hidden / Q2_ROWS);
    }
};

__device__ __forceinline__ StreamShape gate_shape(const ExpertsArguments &a) {
    return {a.ffn, a.hidden, a.gate_pairs, a.gate_period, a.gate_slice_tiles};
}

__device__ __forceinline__ StreamShape down_shape(const ExpertsArguments &a) {
    return {a.hidden, a.ffn, a.down_pairs, a.down_period, a.down_slice_tiles, a.sixteens};
}

/*
 * All blocks meet at `count`, which is zero before. False where they did not all come in time, or where those of an earlier
 * launch did not: so one wait is all that a chunk loses. The error word says so then, and the launch must end.
 */
__device__ __forceinline__ bool meet(int *count, int *failed, int *error) {
    __syncthreads();
    bool late = false;
    if (threadIdx.x == 0) {
        __threadfence();
        atomicAdd(count, 1);
        int64_t begin = nanoseconds();
        late = *(volatile int *)failed != 0;
        for (int polls = 1; *(volatile int *)count < (int)gridDim.x && !late; polls++) {
            late = polls % 256 == 0 && nanoseconds() - begin > MEETING_NANOSECONDS;
        }
        if (late) {
            *(volatile int *)failed = 1;
            atomicOr(error, ERROR_TIMEOUT);
        }
        __threadfence();
    }
    return !__syncthreads_or(late);
}

template <class Format, int TOKENS>
__device__ __forceinline__ void gate_up(const ExpertsArguments &arguments, unsigned char *shared) {
    __shared__ ActiveExperts active;
    find_active(active, arguments.ids, arguments.tokens, arguments.top_k, arguments.experts, arguments.blocks,
                arguments.error);
    StreamShape shape = gate_shape(arguments);
    GateUp<Format> work(arguments, active, shape);
    stream<Format, TOKENS, false>(shape, 2 * active.count, work, shared, [] { return true; });
}

template <class Format, int TOKENS>
__device__ __forceinline__ void down(const ExpertsArguments &arguments, unsigned char *shared) {
    __shared__ ActiveExperts active;
    __shared__ TokenChoices chosen[TOKENS];
    find_active(active, arguments.ids, arguments.tokens, arguments.top_k, arguments.experts, arguments.blocks,
                arguments.error);
    find_choices(chosen, active, arguments);
    StreamShape shape = down_shape(arguments);
    Down<Format> work(arguments, active, gate_shape(arguments), shape);
    stream<Format, TOKENS, false>(shape, active.count, work, shared, [] { return true; });
    last_arrivals<Format>(shape, active.count, arguments.tokens, arguments.counters, [&](int group, int row, int token) {
        *work.output(group, row, token) += work.weighted(chosen[token], group, row);
    });
}

/* All sums are stored: blocks take group rows in turn, thread = (share, token, row). */
template <class Format, int TOKENS>
__device__ __forceinline__ void finish_rows(const Down<Format> &work, const TokenChoices *chosen) {
    constexpr int SHARES = STREAM_THREADS / Q2_ROWS / TOKENS;
    __shared__ float shares[SHARES][TOKENS][Q2_ROWS];
    int row = threadIdx.x % Q2_ROWS;
    int token = threadIdx.x / Q2_ROWS % TOKENS;
    int share = threadIdx.x / Q2_ROWS / TOKENS;
    bool inside = token < work.arguments.tokens;
    for (int group = blockIdx.x; group < work.arguments.hidden / Q2_ROWS; group += gridDim.x) {
        float *y = work.output(group, row, token);
        float total = inside && share == 0 ? *y : 0;
        shares[share][token][row] = inside ? work.weighted(chosen[token], group, row, share, SHARES) : 0;
        __syncthreads();
        if (inside && share == 0) {
#pragma unroll
            for (int i = 0; i < SHARES; i++) {
                total += shares[i][token][row];
            }
            *y = total;
        }
        __syncthreads();
    }
}

template <class Format, int TOKENS>
__device__ __forceinline__ void experts(const ExpertsArguments &arguments, unsigned char *shared) {
    __shared__ ActiveExperts active;
    __shared__ TokenChoices chosen[TOKENS];
    find_active(active, arguments.ids, arguments.tokens, arguments.top_k, arguments.experts, arguments.blocks,
                arguments.error);
    int *barrier = arguments.barrier;
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        barrier[1] = 0; /* nobody of this launch comes there before all met at barrier[0] */
    }
    StreamShape first = gate_shape(arguments);
    StreamShape second = down_shape(arguments);
    GateUp<Format> gate_work(arguments, active, first);
    Down<Format> down_work(arguments, active, first, second);
    stream<Format, TOKENS, false>(first, 2 * active.count, gate_work, shared, [] { return true; });
    bool all_came = false;
    stream<Format, TOKENS, true>(second, active.count, down_work, shared, [&] {
        find_choices(chosen, active, arguments);
        all_came = meet(barrier, barrier + 2, arguments.error);
        return all_came;
    });
    if (!all_came || !meet(barrier + 1, barrier + 2, arguments.error)) {
        return;
    }
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        barrier[0] = 0;
    }
    finish_rows<Format, TOKENS>(down_work, chosen);
}

#define ENTRY(OPERATION, SCHEME, FORMAT, TOKENS, BLOCKS)                                                                     \
    extern "C" __global__ void __launch_bounds__(STREAM_THREADS, BLOCKS)                                                     \
        gatun_##OPERATION##_##SCHEME##_t##TOKENS(const __grid_constant__ ExpertsArguments arguments) {                       \
        extern __shared__ __align__(16) unsigned char shared[];                                                              \
        OPERATION<FORMAT, TOKENS>(arguments, shared);                                                                        \
    }

#define ENTRIES(OPERATION, SCHEME, FORMAT)                                                                                   \
    ENTRY(OPERATION, SCHEME, FORMAT, 1, 2)                                                                                   \
    ENTRY(OPERATION, SCHEME, FORMAT, 2, 2)                                                                                   \
    ENTRY(OPERATION, SCHEME, FORMAT, 4, 2)                                                                                   \
    ENTRY(OPERATION, SCHEME, FORMAT, 8, 2)

ENTRIES(gate_up, q2, Wide)
ENTRIES(gate_up, q2n, Narrow)
ENTRIES(down, q2, Wide)
ENTRIES(down, q2n, Narrow)
ENTRIES(experts, q2, Wide)
ENTRIES(experts, q2n, Narrow)
