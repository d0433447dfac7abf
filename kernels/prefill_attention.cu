/*
 * prefill_attention.cu   causal grouped-query attention of a chunk of a prompt, on tensor cores
 *
 *   y[t][h] = sum over p of softmax(q[t][h] . keys[h / group][p] / sqrt(head_size)) values[h / group][p],
 *   p from max(0, position + t - window + 1) (0 where window is 0) to position + t
 *
 * layout   q[t][heads * head_size], y likewise fp32; keys[kv_heads][capacity][head_size], values likewise fp16, and the
 *          chunk's own keys are there already
 * bytes    8 * heads * head_size * tokens, and the keys seen once for each tile of 128 rows: from the L2 almost always
 * bound    tensor cores: 4 * head_size * heads * (sum of keys seen) operations
 * launch   gatun_prefill_attend_d64, _d128, _d256: the least that is at least head_size:
 *          (q, keys, values, int64 capacity, int heads, int kv_heads, int head_size, const int *position, int tokens,
 *           int window, float *y)
 *          grid (kv_heads, ceil(tokens * group / 128)), block 256, no dynamic shared memory
 * checked in Java   head_size % 8 == 0, 8 <= head_size <= 256, heads % kv_heads == 0, position + tokens <= capacity,
 *          tokens >= 1, 16-byte alignment of q, keys, values, y
 *
 * Rows are (token, query of the group): row r is token r / group, query r % group of a key head. So a tile of 128 rows
 * spans few tokens, and a short prompt wastes no rows. A warp has 16 rows, a step takes a tile of keys. Scores and sums are
 * fp32; q, scaled by a power of two for each row, and the weights are fp16. The tiles with the most keys come first.
 * Keys are taken for nothing past the block's last token and the cache's end, wherever *position points; a value that is
 * not finite may reach earlier tokens of its tile.
 */
#include "common.cuh"

constexpr int PREFILL_WARPS = 8;
constexpr int PREFILL_THREADS = PREFILL_WARPS * WARP;
constexpr int PREFILL_ROWS = PREFILL_WARPS * 16;

struct PrefillArguments {
    const float *q;
    const __half *keys;
    const __half *values;
    int64_t capacity;
    int heads;
    int kv_heads;
    int head_size;
    int tokens;
    int window;
    float *y;
};

__device__ __forceinline__ uint32_t shared_address(const void *p) {
    return (uint32_t)__cvta_generic_to_shared(p);
}

/* Sixteen bytes into shared memory, zeros where `there` is false (the address is valid all the same). */
__device__ __forceinline__ void copy_start(__half *to, const __half *from, bool there) {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from), "r"(there ? 16 : 0)
                 : "memory");
#else
    *(uint4 *)to = there ? *(const uint4 *)from : make_uint4(0, 0, 0, 0);
#endif
}

/* This thread's copies are done; a barrier makes them everybody's. */
__device__ __forceinline__ void copy_wait() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_all;" ::: "memory");
#endif
}

/* Four 8 x 8 tiles of fp16; lanes 8i..8i+7 give the addresses of the rows of tile i. */
__device__ __forceinline__ void load_tiles(uint32_t (&v)[4], uint32_t address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3])
                 : "r"(address)
                 : "memory");
}

__device__ __forceinline__ void load_tiles_transposed(uint32_t (&v)[4], uint32_t address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3])
                 : "r"(address)
                 : "memory");
}

__device__ __forceinline__ float power(float exponent) {
    float v;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(v) : "f"(exponent));
    return v;
}

/* Over the four lanes that share a row of a product. */
__device__ __forceinline__ float row_max(float v) {
    v = fmaxf(v, __shfl_xor_sync(ALL_LANES, v, 1));
    return fmaxf(v, __shfl_xor_sync(ALL_LANES, v, 2));
}

__device__ __forceinline__ float row_sum(float v) {
    v += __shfl_xor_sync(ALL_LANES, v, 1);
    return v + __shfl_xor_sync(ALL_LANES, v, 2);
}

/* KEYS rows of SIZE columns; chunks of eight columns are swizzled so that eight rows of one chunk lie in eight banks. */
template <int SIZE, int KEYS>
struct KeyTile {
    static constexpr int CHUNKS = SIZE / 8;
    __half rows[KEYS * SIZE];

    __device__ static __forceinline__ int place(int row, int chunk) {
        return row * SIZE + (chunk ^ (row & 7)) * 8;
    }

    /* Starts copying rows `first` and on of a head; those from `end` on and columns past the head are zeros. */
    __device__ __forceinline__ void start(const __half *head, int first, int end, int head_size) {
        constexpr int ROWS_AT_ONCE = PREFILL_THREADS / CHUNKS;
        static_assert(PREFILL_THREADS % CHUNKS == 0 && KEYS % ROWS_AT_ONCE == 0, "threads take whole rows");
        int chunk = threadIdx.x % CHUNKS;
        bool inside = chunk * 8 < head_size;
        const __half *column = head + (inside ? chunk * 8 : 0);
#pragma unroll
        for (int i = 0; i < KEYS; i += ROWS_AT_ONCE) {
            int row = i + threadIdx.x / CHUNKS;
            bool there = inside && first + row < end;
            copy_start(rows + place(row, chunk), column + (there ? (int64_t)(first + row) * head_size : 0), there);
        }
    }
};

/* The 16 rows of a warp: lane = 4 * g + c has rows g and g + 8, as two entries of each array. */
template <int SIZE, int KEYS>
struct Rows {
    uint32_t q[SIZE / 16][4];
    float sums[SIZE / 8][4];
    float factor[2]; /* of a score, into powers of two */
    float largest[2];
    float weight[2]; /* this lane's share */
    int place[2];    /* the last key of the row */

    /* `from`: where the two rows begin, or null. */
    __device__ __forceinline__ void load(const float *const (&from)[2], int head_size) {
        int pair = threadIdx.x % 4 * 2;
#pragma unroll
        for (int r = 0; r < 2; r++) {
            float2 v[SIZE / 16][2];
            float top = 0;
#pragma unroll
            for (int k = 0; k < SIZE / 16; k++) {
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    int column = 16 * k + 8 * i + pair;
                    bool there = from[r] && column < head_size;
                    v[k][i] = there ? *(const float2 *)(from[r] + column) : make_float2(0, 0);
                    top = fmaxf(top, fmaxf(fabsf(v[k][i].x), fabsf(v[k][i].y)));
                }
            }
            int e = min(max(exponent_to(row_max(top), 14), -120), 120); /* both powers are floats */
            float up = power_of_two(e);
            factor[r] = power_of_two(-e) * (rsqrtf((float)head_size) * 1.44269504088896341f);
#pragma unroll
            for (int k = 0; k < SIZE / 16; k++) {
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    q[k][r + 2 * i] = pack_f16(v[k][i].x * up, v[k][i].y * up);
                }
            }
        }
    }

    __device__ __forceinline__ void score(const KeyTile<SIZE, KEYS> &keys, float (&scores)[KEYS / 8][4]) const {
        int lane = threadIdx.x % WARP;
        int row = lane % 8 + lane / 16 * 8;
        int half_step = lane / 8 % 2;
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++) {
            scores[n][0] = scores[n][1] = scores[n][2] = scores[n][3] = 0;
        }
#pragma unroll
        for (int k = 0; k < SIZE / 16; k++) {
#pragma unroll
            for (int n = 0; n < KEYS / 16; n++) {
                uint32_t b[4];
                load_tiles(b, shared_address(keys.rows + keys.place(16 * n + row, 2 * k + half_step)));
                multiply_tile(scores[2 * n], q[k][0], q[k][1], q[k][2], q[k][3], b[0], b[1]);
                multiply_tile(scores[2 * n + 1], q[k][0], q[k][1], q[k][2], q[k][3], b[2], b[3]);
            }
        }
    }

    /* Takes out what a row does not see of keys `first` and on. */
    __device__ __forceinline__ void mask(float (&scores)[KEYS / 8][4], int first, int window) const {
        int pair = threadIdx.x % 4 * 2;
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int back = place[i / 2] - (first + 8 * n + pair + i % 2);
                bool seen = back >= 0 && (window <= 0 || back < window);
                scores[n][i] = seen ? scores[n][i] : -INFINITY;
            }
        }
    }

    /* Scores become weights; what was summed before shrinks to the new largest score. */
    __device__ __forceinline__ void weigh(float (&scores)[KEYS / 8][4]) {
        float shrink[2];
#pragma unroll
        for (int r = 0; r < 2; r++) {
            float top = largest[r];
#pragma unroll
            for (int n = 0; n < KEYS / 8; n++) {
                top = fmaxf(top, fmaxf(scores[n][2 * r], scores[n][2 * r + 1]));
            }
            top = row_max(top);
            float base = top == -INFINITY ? 0 : top * factor[r];
            shrink[r] = power(largest[r] * factor[r] - base);
            largest[r] = top;
            weight[r] *= shrink[r];
#pragma unroll
            for (int n = 0; n < KEYS / 8; n++) {
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    float &v = scores[n][2 * r + i];
                    v = power(v * factor[r] - base);
                    weight[r] += v;
                }
            }
        }
        if (__any_sync(ALL_LANES, shrink[0] != 1 || shrink[1] != 1)) {
#pragma unroll
            for (int d = 0; d < SIZE / 8; d++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    sums[d][i] *= shrink[i / 2];
                }
            }
        }
    }

    __device__ __forceinline__ void add(const KeyTile<SIZE, KEYS> &values, const float (&weights)[KEYS / 8][4]) {
        int lane = threadIdx.x % WARP;
        int row = lane % 16;
        int chunk = lane / 16;
#pragma unroll
        for (int n = 0; n < KEYS / 16; n++) {
            uint32_t a[4];
#pragma unroll
            for (int i = 0; i < 4; i++) {
                a[i] = pack_f16(weights[2 * n + i / 2][i % 2 * 2], weights[2 * n + i / 2][i % 2 * 2 + 1]);
            }
#pragma unroll
            for (int d = 0; d < SIZE / 16; d++) {
                uint32_t b[4];
                load_tiles_transposed(b, shared_address(values.rows + values.place(16 * n + row, 2 * d + chunk)));
                multiply_tile(sums[2 * d], a[0], a[1], a[2], a[3], b[0], b[1]);
                multiply_tile(sums[2 * d + 1], a[0], a[1], a[2], a[3], b[2], b[3]);
            }
        }
    }

    __device__ __forceinline__ void store(float *const (&to)[2], int head_size) const {
        int pair = threadIdx.x % 4 * 2;
#pragma unroll
        for (int r = 0; r < 2; r++) {
            float by = 1 / row_sum(weight[r]);
#pragma unroll
            for (int d = 0; d < SIZE / 8; d++) {
                if (to[r] && 8 * d < head_size) {
                    *(float2 *)(to[r] + 8 * d + pair) = make_float2(sums[d][2 * r] * by, sums[d][2 * r + 1] * by);
                }
            }
        }
    }
};

/* The keys that a block's tokens see, and those that all of them see. */
struct Span {
    int begin;
    int end;
    int all_begin;
    int all_end;
};

__device__ __forceinline__ Span span_of(int64_t position, int first_token, int last_token, int64_t capacity, int window) {
    int64_t first = min(max(position + first_token, (int64_t)0), capacity - 1);
    int64_t last = min(max(position + last_token, (int64_t)0), capacity - 1);
    Span s;
    s.begin = (int)(window > 0 ? max(first - window + 1, (int64_t)0) : 0);
    s.end = (int)last + 1;
    s.all_begin = (int)(window > 0 ? max(last - window + 1, (int64_t)0) : 0);
    s.all_end = (int)first + 1;
    return s;
}

template <int SIZE, int KEYS>
__device__ __forceinline__ void prefill_attend(const PrefillArguments &in, int64_t position) {
    __shared__ __align__(128) KeyTile<SIZE, KEYS> key_tile;
    __shared__ __align__(128) KeyTile<SIZE, KEYS> value_tile;
    int kv_head = blockIdx.x;
    int group = in.heads / in.kv_heads;
    int rows = in.tokens * group;
    int first_row = (gridDim.y - 1 - blockIdx.y) * PREFILL_ROWS;
    int last_row = min(first_row + PREFILL_ROWS, rows) - 1;
    Span span = span_of(position, first_row / group, last_row / group, in.capacity, in.window);
    const __half *keys = in.keys + (int64_t)kv_head * in.capacity * in.head_size;
    const __half *values = in.values + (int64_t)kv_head * in.capacity * in.head_size;
    int first = span.begin / KEYS * KEYS;
    key_tile.start(keys, first, span.end, in.head_size);

    Rows<SIZE, KEYS> r;
    int64_t offset[2];
    const float *from[2];
    float *to[2];
#pragma unroll
    for (int i = 0; i < 2; i++) {
        int row = first_row + threadIdx.x / WARP * 16 + threadIdx.x % WARP / 4 + 8 * i;
        int token = row / group;
        offset[i] = ((int64_t)token * in.heads + kv_head * group + row % group) * in.head_size;
        from[i] = row < rows ? in.q + offset[i] : nullptr;
        to[i] = row < rows ? in.y + offset[i] : nullptr;
        r.place[i] = (int)min(max(position + token, (int64_t)0), in.capacity - 1);
        r.largest[i] = -INFINITY;
        r.weight[i] = 0;
    }
    r.load(from, in.head_size);
#pragma unroll
    for (int d = 0; d < SIZE / 8; d++) {
        r.sums[d][0] = r.sums[d][1] = r.sums[d][2] = r.sums[d][3] = 0;
    }
    for (; first < span.end; first += KEYS) {
        copy_wait();
        __syncthreads(); /* the keys are there, and nobody needs the values any more */
        value_tile.start(values, first, span.end, in.head_size);
        float scores[KEYS / 8][4];
        r.score(key_tile, scores);
        copy_wait();
        __syncthreads(); /* the values are there, and nobody needs the keys any more */
        if (first + KEYS < span.end) {
            key_tile.start(keys, first + KEYS, span.end, in.head_size);
        }
        if (first < span.all_begin || first + KEYS > span.all_end) {
            r.mask(scores, first, in.window);
        }
        r.weigh(scores);
        r.add(value_tile, scores);
    }
    r.store(to, in.head_size);
}

#define ENTRY(SIZE, KEYS)                                                                                                    \
    extern "C" __global__ void __launch_bounds__(PREFILL_THREADS) gatun_prefill_attend_d##SIZE(                              \
        const float *q, const __half *keys, const __half *values, int64_t capacity, int heads, int kv_heads, int head_size,  \
        const int *position, int tokens, int window, float *y) {                                                             \
        PrefillArguments in = {q, keys, values, capacity, heads, kv_heads, head_size, tokens, window, y};                    \
        prefill_attend<SIZE, KEYS>(in, *position);                                                                           \
    }

ENTRY(64, 64)
ENTRY(128, 64)
ENTRY(256, 32)
