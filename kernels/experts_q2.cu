/*
 * experts_q2.cu   the chosen experts of 1 to 8 tokens, 2-bit weights in groups of 16 rows
 *
 *   h[t][e] = silu(w1[e] x[t]) * (w3[e] x[t]);   y[t] += sum over the chosen e, by rising id, of weight[t][e] * w2[e] h[t][e]
 *
 * layout   expert blocks as in layout.cuh, found through `blocks` (device pointers, null: not resident), ids[t][top_k] and
 *          weights[t][top_k] from the router; x[t][hidden], y[t][hidden] fp32. Names: _q2 the published scheme, _q2n
 *          Gatun's own; _t1, _t2, _t4, _t8 the most tokens
 * bytes    each expert chosen by at least one token once: 3 * hidden * ffn * 3.016 / 8 (q2: 66.4 MB for 8x7B) or
 *          3 * hidden * ffn * 2.531 / 8 (q2n: 55.7 MB); the workspace adds about 2 % and stays in the L2
 * bound    device memory reads
 * launch   block 256; grid: any for gate_up and down, two or three blocks a multiprocessor is best. experts: one launch for
 *          all, at most as many blocks as are resident together, cooperative launch
 *          dynamic shared memory: T * slice tiles * 32 * (q2: 16, q2n: 8) + (T = 1: 8192, else 16384) + 36 * T bytes,
 *          for the larger of both slices
 * checked in Java   1 <= tokens <= T, top_k <= 8, tokens * top_k <= 64, experts <= 128, hidden % 16 == 0, ffn % 16 == 0,
 *          slice tiles 4 or 8 (4 for T = 8), 16-byte alignment of blocks, x and the workspace; scales below 128 in magnitude (q2n);
 *          counters (hidden / 16 ints) and the two barrier words zero before the first launch; the workspace holds
 *            gate_up: tokens * top_k * 2 * slices(hidden) * ffn floats, down: tokens * top_k * slices(ffn) * hidden floats
 *          where slices(k) = ceil(ceil(k / 128) / slice tiles)
 *
 * Row sums of slices go to the workspace and are added in slice order: h by the blocks of `down` that need it, y by the
 * block that stored the last part of a group row.
 */
#include "active.cuh"
#include "q2_stream.cuh"

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
    int reserved;
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

/* w1 and w3: parts 2a and 2a + 1 of active expert a. */
template <class Format>
struct GateUp {
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

    __device__ void store(int part, int slice, int token, int group, int row, float sum) const {
        int choice = active.choice[part / 2][token];
        if (choice >= 0) {
            int64_t at = ((int64_t)(choice * 2 + part % 2) * slices + slice) * arguments.ffn;
            arguments.gate_up_sums[at + group + (int64_t)row * (arguments.ffn / Q2_ROWS)] = sum;
        }
    }
};

/* w2: part a of active expert a. */
template <class Format>
struct Down {
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
    __device__ void store(int part, int slice, int token, int group, int row, float sum) const {
        int choice = active.choice[part][token];
        if (choice >= 0) {
            arguments.down_sums[((int64_t)choice * slices + slice) * arguments.hidden + group * Q2_ROWS + row] = sum;
        }
    }

    /* All of a group row is stored: the weighted sum, experts by rising id, goes onto the residual. */
    __device__ void finish(int group, int row) const {
        for (int token = 0; token < arguments.tokens; token++) {
            float *y = arguments.y + (int64_t)token * arguments.hidden + group + row * (arguments.hidden / Q2_ROWS);
            float total = *y;
            for (int a = 0; a < active.count; a++) {
                int choice = active.choice[a][token];
                if (choice >= 0) {
                    const float *sums = arguments.down_sums + (int64_t)choice * slices * arguments.hidden + group * Q2_ROWS + row;
                    total += arguments.weights[choice] * sum_strided<16>(sums, arguments.hidden, slices);
                }
            }
            *y = total;
        }
    }
};

__device__ __forceinline__ StreamShape gate_shape(const ExpertsArguments &a) {
    return {a.ffn, a.hidden, a.gate_pairs, a.gate_period, a.gate_slice_tiles};
}

__device__ __forceinline__ StreamShape down_shape(const ExpertsArguments &a) {
    return {a.hidden, a.ffn, a.down_pairs, a.down_period, a.down_slice_tiles};
}

/* All blocks meet. barrier[0] counts, barrier[1] is the generation; the last to come opens the next one. */
__device__ __forceinline__ void meet(int *barrier) {
    __syncthreads();
    if (threadIdx.x == 0) {
        volatile int *generation = barrier + 1;
        int before = *generation;
        __threadfence();
        if (atomicAdd(barrier, 1) == (int)gridDim.x - 1) {
            barrier[0] = 0;
            __threadfence();
            atomicAdd(barrier + 1, 1);
        } else {
            while (*generation == before) {
            }
        }
        __threadfence();
    }
    __syncthreads();
}

template <class Format, int TOKENS>
__device__ __forceinline__ void gate_up(const ExpertsArguments &arguments, unsigned char *shared) {
    __shared__ ActiveExperts active;
    find_active(active, arguments.ids, arguments.tokens, arguments.top_k, arguments.experts, arguments.blocks,
                arguments.error);
    StreamShape shape = gate_shape(arguments);
    GateUp<Format> work(arguments, active, shape);
    stream<Format, TOKENS>(shape, 2 * active.count, work, shared, [] {});
}

template <class Format, int TOKENS>
__device__ __forceinline__ void down(const ExpertsArguments &arguments, unsigned char *shared) {
    __shared__ ActiveExperts active;
    find_active(active, arguments.ids, arguments.tokens, arguments.top_k, arguments.experts, arguments.blocks,
                arguments.error);
    StreamShape shape = down_shape(arguments);
    Down<Format> work(arguments, active, gate_shape(arguments), shape);
    stream<Format, TOKENS>(shape, active.count, work, shared, [] {});
    last_arrivals<Format>(shape, active.count, arguments.counters, [&](int group, int row) { work.finish(group, row); });
}

template <class Format, int TOKENS>
__device__ __forceinline__ void experts(const ExpertsArguments &arguments, unsigned char *shared) {
    __shared__ ActiveExperts active;
    find_active(active, arguments.ids, arguments.tokens, arguments.top_k, arguments.experts, arguments.blocks,
                arguments.error);
    StreamShape first = gate_shape(arguments);
    GateUp<Format> gate_work(arguments, active, first);
    stream<Format, TOKENS>(first, 2 * active.count, gate_work, shared, [] {});
    StreamShape second = down_shape(arguments);
    Down<Format> down_work(arguments, active, first, second);
    stream<Format, TOKENS>(second, active.count, down_work, shared, [&] { meet(arguments.barrier); });
    last_arrivals<Format>(second, active.count, arguments.counters, [&](int group, int row) { down_work.finish(group, row); });
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
