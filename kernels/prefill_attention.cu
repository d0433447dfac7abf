/*
 * prefill_attention.cu   causal grouped-query attention of a chunk of a prompt, on tensor cores
 *
 *   y[t][h] = sum over p of softmax(q[t][h] . keys[h / group][p] / sqrt(head_size)) values[h / group][p],
 *   p from max(0, position + t - window + 1) (0 where window is 0) to position + t
 *
 * layout   q[t][heads * head_size], y likewise fp32; keys[kv_heads][capacity][head_size], values likewise, blocks of
 *          cache_block.cuh, and the chunk's own keys are there already; where the keys are cut (max_parts > 1) workspace
 *          sums[kv_heads][tiles][max_parts][R][head_size] and largest_and_weight[kv_heads][tiles][max_parts][R][2] fp32
 * bytes    8 * heads * head_size * tokens, and the keys seen once for each tile of R rows: from the L2 almost always
 * bound    tensor cores: 4 * head_size * heads * (sum of keys seen) operations; few tokens: reads of the cache
 * launch   gatun_prefill_attend_d<size>_r<R>: size 64, 128 or 256, the least that is at least head_size; R 128 or 64:
 *          (q, keys, values, int64 capacity, int heads, int kv_heads, int head_size, const int *position, int tokens,
 *           int window, float *y, int max_parts, float *sums, float *largest_and_weight)
 *          grid (kv_heads, tiles, max_parts), tiles = ceil(tokens * group / R), block 128 (256 for d256_r128);
 *          dynamic shared memory: d64 16384 bytes, d128_r64 and d256 32768, d128_r128 65536
 *          gatun_prefill_combine_r<R>, after it where max_parts > 1:
 *          (sums, largest_and_weight, int64 capacity, int heads, int kv_heads, int head_size, const int *position,
 *           int tokens, int window, int max_parts, int keys, float *y), keys = 32 after d256, else 64
 *          grid (ceil(heads / 8), tokens), block 256, no dynamic shared memory
 *          choice (measured on sm_90; with tiles128 = ceil(tokens * group / 128)):
 *            R = 128 where kv_heads * tiles128 >= 512, or position >= 4096 and kv_heads * tiles128 >= 64; otherwise 64
 *            max_parts = 1 where position + tokens <= 512, otherwise 256 / (kv_heads * tiles), in 1..32;
 *              the workspace then has at most 256 * R rows
 *          (few rows over many keys keep a device busy in parts alone; d128_r128 alone needs more shared memory than 48 KB)
 * checked in Java   head_size % 8 == 0, 8 <= head_size <= 256, heads % kv_heads == 0, position + tokens <= capacity,
 *          tokens >= 1, 1 <= max_parts <= 32, 16-byte alignment of q, keys, values, y, sums; launches that share a
 *          workspace follow one another
 * checked by   PrefillAttentionTest
 *
 * Rows are (token, query of the group): row r is token r / group, query r % group of a key head. So a tile of R rows spans
 * few tokens, and a short prompt wastes no rows. Scores and sums are fp32; q, scaled by a power of two for each row, keys,
 * values and weights are fp16. The tiles with the most keys come first. A tile's keys are cut into parts of c steps, c the
 * least that is at least LEAST_STEPS and gives at most max_parts: by position, tokens and window alone; a tile that makes one
 * part stores its result itself. Nothing past the block's last token or the cache's end is read, wherever *position points; a
 * value that is not finite may reach earlier tokens of its tile.
 */
#include "cache_block.cuh"
#include "softmax.cuh"

constexpr int LEAST_STEPS = 4;

/*
 * A block of WARPS warps, each with TILES tiles of 16 rows, and KEYS keys at a time. The fragments of q lie in registers, or
 * in shared memory, where each lane reads what it wrote.
 */
template <int SIZE_, int KEYS_, int WARPS_, int TILES_, bool Q_SHARED_>
struct Shape {
    static constexpr int SIZE = SIZE_;
    static constexpr int KEYS = KEYS_;
    static constexpr int WARPS = WARPS_;
    static constexpr int TILES = TILES_;
    static constexpr bool Q_SHARED = Q_SHARED_;
    static constexpr int THREADS = WARPS * WARP;
    static constexpr int WARP_ROWS = TILES * 16;
    static constexpr int ROWS = WARPS * WARP_ROWS;
    static constexpr int STEPS = SIZE / 16;
    static constexpr int SHARED_BYTES = 4 * KEYS * SIZE + (Q_SHARED ? 2 * ROWS * SIZE : 0);
    static_assert(SHARED_BYTES <= 65536, "sm_75 has no more");
};

struct PrefillArguments {
    const float *q;
    const CacheWord *keys;
    const CacheWord *values;
    int64_t capacity;
    int heads;
    int kv_heads;
    int head_size;
    int tokens;
    int window;
    float *y;
    int max_parts;
    float *sums;
    float2 *stats;
};

__device__ __forceinline__ uint32_t shared_address(const void *p) {
    return (uint32_t)__cvta_generic_to_shared(p);
}

/* Sixteen bytes into shared memory, zeros where `there` is false (the address is valid all the same). */
__device__ __forceinline__ void copy_start(__half *to, const CacheWord *from, bool there) {
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
template <typename S>
struct KeyTile {
    static constexpr int SIZE = S::SIZE;
    static constexpr int CHUNKS = SIZE / 8;
    __half rows[S::KEYS * SIZE];

    __device__ static __forceinline__ int place(int row, int chunk) {
        return row * SIZE + (chunk ^ (row & 7)) * 8;
    }

    /* Starts copying rows `first` and on of a head; those from `end` on and columns past the head are zeros. */
    __device__ __forceinline__ void start(const CacheWord *head, int first, int end, int head_size) {
        constexpr int ROWS_AT_ONCE = S::THREADS / CHUNKS;
        static_assert(S::THREADS % CHUNKS == 0 && S::KEYS % ROWS_AT_ONCE == 0, "threads take whole rows");
        int chunk = threadIdx.x % CHUNKS;
        bool inside = chunk * 8 < head_size;
        const CacheWord *column = head + (inside ? chunk * 8 : 0);
#pragma unroll
        for (int i = 0; i < S::KEYS; i += ROWS_AT_ONCE) {
            int row = i + threadIdx.x / CHUNKS;
            const CacheWord *from = column + (int64_t)min(first + row, end - 1) * head_size;
            copy_start(rows + place(row, chunk), from, inside && first + row < end);
        }
    }

    /* What this thread copied, and has, becomes fp16: which holds whatever a block may. */
    __device__ __forceinline__ void round_own() {
        int chunk = threadIdx.x % CHUNKS;
#pragma unroll
        for (int i = 0; i < S::KEYS; i += S::THREADS / CHUNKS) {
            uint4 &block = *(uint4 *)(rows + place(i + threadIdx.x / CHUNKS, chunk));
            float x[BLOCK_COLUMNS];
            widen_block(block, x);
            block = make_uint4(pack_f16(x[0], x[1]), pack_f16(x[2], x[3]), pack_f16(x[4], x[5]), pack_f16(x[6], x[7]));
        }
    }
};

/* 16 rows of a warp: lane = 4 * g + c has rows g and g + 8, as two entries of each array. */
template <typename S>
struct Rows {
    float sums[S::SIZE / 8][4];
    float factor[2]; /* of a score, into powers of two */
    float largest[2];
    float weight[2]; /* this lane's share */
    int place[2];    /* the last key of the row */

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int r = 0; r < 2; r++) {
            largest[r] = -INFINITY;
            weight[r] = 0;
        }
#pragma unroll
        for (int d = 0; d < S::SIZE / 8; d++) {
            sums[d][0] = sums[d][1] = sums[d][2] = sums[d][3] = 0;
        }
    }

    /* `from`: where the two rows begin, or null. */
    __device__ __forceinline__ void load(const float *const (&from)[2], int head_size, uint32_t (&q)[S::STEPS][4]) {
        int pair = threadIdx.x % 4 * 2;
#pragma unroll
        for (int r = 0; r < 2; r++) {
            float2 v[S::STEPS][2];
            float top = 0;
#pragma unroll
            for (int k = 0; k < S::STEPS; k++) {
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
            factor[r] = power_of_two(-e) * (rsqrtf((float)head_size) * LOG2_E);
#pragma unroll
            for (int k = 0; k < S::STEPS; k++) {
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    q[k][r + 2 * i] = pack_f16(v[k][i].x * up, v[k][i].y * up);
                }
            }
        }
    }

    /* Takes out what a row does not see of keys `first` and on. */
    __device__ __forceinline__ void mask(float (&scores)[S::KEYS / 8][4], int first, int window) const {
        int pair = threadIdx.x % 4 * 2;
#pragma unroll
        for (int n = 0; n < S::KEYS / 8; n++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int back = place[i / 2] - (first + 8 * n + pair + i % 2);
                bool seen = back >= 0 && (window <= 0 || back < window);
                scores[n][i] = seen ? scores[n][i] : -INFINITY;
            }
        }
    }

    /* Scores become weights; what was summed before shrinks to the new largest score. */
    __device__ __forceinline__ void weigh(float (&scores)[S::KEYS / 8][4]) {
        float shrink[2];
#pragma unroll
        for (int r = 0; r < 2; r++) {
            float top = largest[r];
#pragma unroll
            for (int n = 0; n < S::KEYS / 8; n++) {
                top = fmaxf(top, fmaxf(scores[n][2 * r], scores[n][2 * r + 1]));
            }
            top = row_max(top);
            float base = base_of(top * factor[r]);
            shrink[r] = power(largest[r] * factor[r] - base);
            largest[r] = top;
            weight[r] *= shrink[r];
#pragma unroll
            for (int n = 0; n < S::KEYS / 8; n++) {
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
            for (int d = 0; d < S::SIZE / 8; d++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    sums[d][i] *= shrink[i / 2];
                }
            }
        }
    }

    /* The sums of row r times `by`, in the row that begins at `to`. */
    __device__ __forceinline__ void store(int r, float by, float *to, int head_size) const {
        int pair = threadIdx.x % 4 * 2;
#pragma unroll
        for (int d = 0; d < S::SIZE / 8; d++) {
            if (8 * d < head_size) {
                *(float2 *)(to + 8 * d + pair) = make_float2(sums[d][2 * r] * by, sums[d][2 * r + 1] * by);
            }
        }
    }
};

/* The fragments of q that a lane holds of its warp's rows. */
template <typename S, bool SHARED>
struct Queries;

template <typename S>
struct Queries<S, false> {
    uint32_t q[S::TILES][S::STEPS][4];

    __device__ __forceinline__ Queries(uint4 *) {}

    __device__ __forceinline__ void put(int tile, int k, const uint32_t (&v)[4]) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            q[tile][k][i] = v[i];
        }
    }

    __device__ __forceinline__ void get(int tile, int k, uint32_t (&v)[4]) const {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            v[i] = q[tile][k][i];
        }
    }
};

template <typename S>
struct Queries<S, true> {
    uint4 *own; /* every S::THREADS-th is this lane's */

    __device__ __forceinline__ Queries(uint4 *all) : own(all + threadIdx.x) {}

    __device__ __forceinline__ void put(int tile, int k, const uint32_t (&v)[4]) {
        own[(tile * S::STEPS + k) * S::THREADS] = make_uint4(v[0], v[1], v[2], v[3]);
    }

    __device__ __forceinline__ void get(int tile, int k, uint32_t (&v)[4]) const {
        uint4 all = own[(tile * S::STEPS + k) * S::THREADS];
        v[0] = all.x, v[1] = all.y, v[2] = all.z, v[3] = all.w;
    }
};

template <typename S>
__device__ __forceinline__ void score(const Queries<S, S::Q_SHARED> &queries, const KeyTile<S> &keys,
                                      float (&scores)[S::TILES][S::KEYS / 8][4]) {
    int lane = threadIdx.x % WARP;
    uint32_t tile = shared_address(keys.rows);
    uint32_t own = 2 * keys.place(lane % 8 + lane / 16 * 8, lane / 8 % 2); /* further chunks by exclusive or */
#pragma unroll
    for (int t = 0; t < S::TILES; t++) {
#pragma unroll
        for (int n = 0; n < S::KEYS / 8; n++) {
            scores[t][n][0] = scores[t][n][1] = scores[t][n][2] = scores[t][n][3] = 0;
        }
    }
#pragma unroll
    for (int k = 0; k < S::STEPS; k++) {
        uint32_t a[S::TILES][4];
#pragma unroll
        for (int t = 0; t < S::TILES; t++) {
            queries.get(t, k, a[t]);
        }
#pragma unroll
        for (int n = 0; n < S::KEYS / 16; n++) {
            uint32_t b[4];
            load_tiles(b, tile + 32 * n * S::SIZE + (own ^ 32 * k));
#pragma unroll
            for (int t = 0; t < S::TILES; t++) {
                multiply_tile(scores[t][2 * n], a[t][0], a[t][1], a[t][2], a[t][3], b[0], b[1]);
                multiply_tile(scores[t][2 * n + 1], a[t][0], a[t][1], a[t][2], a[t][3], b[2], b[3]);
            }
        }
    }
}

template <typename S>
__device__ __forceinline__ void add(Rows<S> (&rows)[S::TILES], const KeyTile<S> &values,
                                    const float (&weights)[S::TILES][S::KEYS / 8][4]) {
    int lane = threadIdx.x % WARP;
    uint32_t tile = shared_address(values.rows);
    uint32_t own = 2 * values.place(lane % 16, lane / 16); /* further chunks by exclusive or */
#pragma unroll
    for (int n = 0; n < S::KEYS / 16; n++) {
        uint32_t a[S::TILES][4];
#pragma unroll
        for (int t = 0; t < S::TILES; t++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const float(&w)[4] = weights[t][2 * n + i / 2];
                a[t][i] = pack_f16(w[i % 2 * 2], w[i % 2 * 2 + 1]);
            }
        }
#pragma unroll
        for (int d = 0; d < S::STEPS; d++) {
            uint32_t b[4];
            load_tiles_transposed(b, tile + 32 * n * S::SIZE + (own ^ 32 * d));
#pragma unroll
            for (int t = 0; t < S::TILES; t++) {
                multiply_tile(rows[t].sums[2 * d], a[t][0], a[t][1], a[t][2], a[t][3], b[0], b[1]);
                multiply_tile(rows[t].sums[2 * d + 1], a[t][0], a[t][1], a[t][2], a[t][3], b[2], b[3]);
            }
        }
    }
}

__device__ __forceinline__ int64_t inside_cache(int64_t place, int64_t capacity) {
    return min(max(place, (int64_t)0), capacity - 1);
}

/* The keys begin..end - 1 that a tile's tokens see, begin a multiple of a step, in parts; those from all_begin to all_end - 1
 * are seen by all of them. */
struct Span {
    int begin;
    int end;
    int all_begin;
    int all_end;
    int part; /* keys */
    int parts;
};

__device__ __forceinline__ Span span_of(int64_t position, int first_token, int last_token, int64_t capacity, int window,
                                        int keys, int max_parts) {
    int64_t first = inside_cache(position + first_token, capacity);
    int64_t last = inside_cache(position + last_token, capacity);
    Span s;
    s.begin = (int)(window > 0 ? max(first - window + 1, (int64_t)0) : 0) / keys * keys;
    s.end = (int)last + 1;
    s.all_begin = (int)(window > 0 ? max(last - window + 1, (int64_t)0) : 0);
    s.all_end = (int)first + 1;
    int steps = (s.end - s.begin + keys - 1) / keys;
    s.part = max(LEAST_STEPS, (steps + max_parts - 1) / max_parts) * keys;
    s.parts = (s.end - s.begin + s.part - 1) / s.part;
    return s;
}

/* A row of a tile: where it lies in q and y. */
struct Place {
    int64_t offset; /* -1 where there is no such row */
    int token;
};

__device__ __forceinline__ Place place_of(const PrefillArguments &in, int row) {
    int group = in.heads / in.kv_heads;
    Place p;
    p.token = row / group;
    p.offset = p.token < in.tokens
                   ? ((int64_t)p.token * in.heads + blockIdx.x * group + (row - p.token * group)) * in.head_size
                   : -1;
    return p;
}

template <typename S>
__device__ __forceinline__ void load_rows(const PrefillArguments &in, int64_t position, int own_row, Rows<S> (&rows)[S::TILES],
                                          Queries<S, S::Q_SHARED> &queries) {
#pragma unroll
    for (int t = 0; t < S::TILES; t++) {
        const float *from[2];
#pragma unroll
        for (int i = 0; i < 2; i++) {
            Place p = place_of(in, own_row + 16 * t + 8 * i);
            from[i] = p.offset >= 0 ? in.q + p.offset : nullptr;
            rows[t].place[i] = (int)inside_cache(position + p.token, in.capacity);
        }
        uint32_t q[S::STEPS][4];
        rows[t].load(from, in.head_size, q);
#pragma unroll
        for (int k = 0; k < S::STEPS; k++) {
            queries.put(t, k, q[k]);
        }
    }
#pragma unroll
    for (int t = 0; t < S::TILES; t++) {
        rows[t].clear();
    }
}

/* `tile`: of all key heads; `row`: of the tile. */
template <typename S>
__device__ __forceinline__ void store_rows(const PrefillArguments &in, int tile, int first_row, int row,
                                           const Rows<S> (&rows)[S::TILES], int parts) {
#pragma unroll
    for (int t = 0; t < S::TILES; t++) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            int at = row + 16 * t + 8 * i;
            float weight = row_sum(rows[t].weight[i]);
            Place p = place_of(in, first_row + at);
            if (p.offset < 0) {
                continue;
            }
            if (parts == 1) {
                rows[t].store(i, 1 / weight, in.y + p.offset, in.head_size);
                continue;
            }
            int64_t record = ((int64_t)tile * in.max_parts + blockIdx.z) * S::ROWS + at;
            rows[t].store(i, 1, in.sums + record * in.head_size, in.head_size);
            if (threadIdx.x % 4 == 0) {
                in.stats[record] = make_float2(rows[t].largest[i] * rows[t].factor[i], weight);
            }
        }
    }
}

template <typename S>
__device__ __forceinline__ void prefill_attend(const PrefillArguments &in, int64_t position) {
    extern __shared__ __align__(128) unsigned char shared[];
    KeyTile<S> &key_tile = *(KeyTile<S> *)shared;
    KeyTile<S> &value_tile = *(KeyTile<S> *)(shared + sizeof(KeyTile<S>));
    int group = in.heads / in.kv_heads;
    int rows = in.tokens * group;
    int tile = gridDim.y - 1 - blockIdx.y;
    int first_row = tile * S::ROWS;
    int last_row = min(first_row + S::ROWS, rows) - 1;
    Span span = span_of(position, first_row / group, last_row / group, in.capacity, in.window, S::KEYS, in.max_parts);
    if ((int)blockIdx.z >= span.parts) {
        return;
    }
    int first = span.begin + blockIdx.z * span.part;
    int end = min(first + span.part, span.end);
    const CacheWord *keys = in.keys + (int64_t)blockIdx.x * in.capacity * in.head_size;
    const CacheWord *values = in.values + (int64_t)blockIdx.x * in.capacity * in.head_size;
    key_tile.start(keys, first, end, in.head_size);

    int own_row = threadIdx.x / WARP * S::WARP_ROWS + threadIdx.x % WARP / 4;
    /* Whether the warp has rows; tiles that are never nearly empty do not ask. */
    bool busy = S::TILES > 1 || first_row + threadIdx.x / WARP * S::WARP_ROWS <= last_row;
    Rows<S> r[S::TILES];
    Queries<S, S::Q_SHARED> queries((uint4 *)(shared + 2 * sizeof(KeyTile<S>)));
    load_rows<S>(in, position, first_row + own_row, r, queries);
    for (; first < end; first += S::KEYS) {
        copy_wait();
        key_tile.round_own();
        __syncthreads(); /* the keys are there, and nobody needs the values any more */
        value_tile.start(values, first, end, in.head_size);
        float scores[S::TILES][S::KEYS / 8][4];
        if (busy) {
            score<S>(queries, key_tile, scores);
        }
        copy_wait();
        value_tile.round_own();
        __syncthreads(); /* the values are there, and nobody needs the keys any more */
        if (first + S::KEYS < end) {
            key_tile.start(keys, first + S::KEYS, end, in.head_size);
        }
        if (!busy) {
            continue;
        }
        bool all_seen = first >= span.all_begin && first + S::KEYS <= span.all_end;
#pragma unroll
        for (int t = 0; t < S::TILES; t++) {
            if (!all_seen) {
                r[t].mask(scores[t], first, in.window);
            }
            r[t].weigh(scores[t]);
        }
        add<S>(r, value_tile, scores);
    }
    store_rows<S>(in, blockIdx.x * gridDim.y + tile, first_row, own_row, r, span.parts);
}

#define ENTRY(SIZE, R, MIN_BLOCKS, ...)                                                                                      \
    extern "C" __global__ void __launch_bounds__(Shape<__VA_ARGS__>::THREADS, MIN_BLOCKS)                                    \
        gatun_prefill_attend_d##SIZE##_r##R(const float *q, const CacheWord *keys, const CacheWord *values, int64_t capacity,\
                                               int heads, int kv_heads, int head_size, const int *position, int tokens,      \
                                               int window, float *y, int max_parts, float *sums,                             \
                                               float *largest_and_weight) {                                                  \
        static_assert(Shape<__VA_ARGS__>::ROWS == R, "a tile has the rows of its name");                                     \
        PrefillArguments in = {q,      keys,   values, capacity,  heads, kv_heads,                    head_size,             \
                               tokens, window, y,      max_parts, sums,  (float2 *)largest_and_weight};                      \
        prefill_attend<Shape<__VA_ARGS__>>(in, *position);                                                                   \
    }

ENTRY(64, 128, 2, 64, 64, 4, 2, false)
ENTRY(128, 128, 2, 128, 64, 4, 2, true)
ENTRY(256, 128, 1, 256, 32, 8, 1, false)
ENTRY(64, 64, 4, 64, 64, 4, 1, false)
ENTRY(128, 64, 2, 128, 64, 4, 1, false)
ENTRY(256, 64, 2, 256, 32, 4, 1, false)

/* A warp joins the parts of a row, in their order; lane l weighs part l. */
template <int ROWS>
__device__ __forceinline__ void prefill_combine(const float *sums, const float2 *stats, int64_t capacity, int heads,
                                                int kv_heads, int head_size, int64_t position, int tokens, int window,
                                                int max_parts, int keys, float *y) {
    constexpr int BATCH = 8;
    int lane = threadIdx.x % WARP;
    int token = blockIdx.y;
    int head = blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
    if (head >= heads) {
        return;
    }
    int group = heads / kv_heads;
    int rows = tokens * group;
    int row = token * group + head % group;
    int tile = row / ROWS;
    int last_row = min(tile * ROWS + ROWS, rows) - 1;
    Span span = span_of(position, tile * ROWS / group, last_row / group, capacity, window, keys, max_parts);
    if (span.parts == 1) {
        return;
    }
    int tiles = (rows + ROWS - 1) / ROWS;
    int64_t record = ((int64_t)(head / group) * tiles + tile) * max_parts * ROWS + row % ROWS;
    float2 part = lane < span.parts ? stats[record + lane * ROWS] : make_float2(-INFINITY, 0);
    float factor = power(part.x - base_of(warp_max(part.x)));
    float by = 1 / warp_sum(factor * part.y);
    for (int first = 0; first < head_size; first += 4 * WARP) {
        int column = first + 4 * lane;
        bool mine = column < head_size;
        float4 sum = make_float4(0, 0, 0, 0);
        for (int begin = 0; begin < span.parts; begin += BATCH) {
            float4 v[BATCH];
#pragma unroll
            for (int i = 0; i < BATCH; i++) {
                const float *from = sums + (record + (begin + i) * ROWS) * head_size + column;
                v[i] = mine && begin + i < span.parts ? *(const float4 *)from : make_float4(0, 0, 0, 0);
            }
#pragma unroll
            for (int i = 0; i < BATCH; i++) {
                float its = __shfl_sync(ALL_LANES, factor, (begin + i) % WARP);
                if (begin + i < span.parts) {
                    sum.x += its * v[i].x, sum.y += its * v[i].y, sum.z += its * v[i].z, sum.w += its * v[i].w;
                }
            }
        }
        if (mine) {
            float4 *to = (float4 *)(y + ((int64_t)token * heads + head) * head_size + column);
            *to = make_float4(sum.x * by, sum.y * by, sum.z * by, sum.w * by);
        }
    }
}

#define COMBINE(ROWS)                                                                                                        \
    extern "C" __global__ void __launch_bounds__(256) gatun_prefill_combine_r##ROWS(                                         \
        const float *sums, const float *largest_and_weight, int64_t capacity, int heads, int kv_heads, int head_size,        \
        const int *position, int tokens, int window, int max_parts, int keys, float *y) {                                    \
        prefill_combine<ROWS>(sums, (const float2 *)largest_and_weight, capacity, heads, kv_heads, head_size, *position,     \
                              tokens, window, max_parts, keys, y);                                                           \
    }

COMBINE(64)
COMBINE(128)
