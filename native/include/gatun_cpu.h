/*
 * gatun_cpu.h: the CPU library of Gatun. One header, one ABI.
 *
 * Every operation but gatun_tiled_begin is synchronous: it returns when its outputs are written. All arrays are row-major; a "leading
 * dimension" (ld...) is the distance between the rows of two consecutive tokens, in elements. Activations are float32.
 * Functions return GATUN_OK or a GATUN_E... code and write nothing outside the arrays described. The caller has checked
 * that every pointer covers its shape; the library checks shapes against each other and never reads past them.
 *
 * Sums have a fixed order that depends on shapes and the instruction-set level alone: results are the same for any
 * number of threads, and a token's result does not depend on the other tokens of its batch when their number is the
 * same class (one token, or more than one).
 *
 * A pool runs one operation at a time; calls from several threads on one pool take turns.
 */
#ifndef GATUN_CPU_H
#define GATUN_CPU_H

#include <stdint.h>

#define GATUN_CPU_ABI 6

/* Return codes. */
#define GATUN_OK 0
#define GATUN_EINVAL 1  /* shapes that contradict each other */
#define GATUN_ENOMEM 2  /* memory or a thread could not be had */
#define GATUN_ELEVEL 3  /* the instruction-set level is not available on this machine */
#define GATUN_ENAN 4    /* a router saw NaN or infinity: its ids are in range, its weights are not to be used */

/* Instruction-set levels, each a superset of the one before. */
#define GATUN_PORTABLE 0
#define GATUN_AVX2 1   /* AVX2, FMA, F16C */
#define GATUN_AVX512 2 /* AVX-512 F, BW, DQ, VL */
#define GATUN_AVX512VNNI 3 /* and AVX-512 VNNI */

/* Types of unquantized values. */
#define GATUN_F32 0
#define GATUN_F16 1
#define GATUN_BF16 2

/* Kinds of matrices. */
#define GATUN_DENSE 0
#define GATUN_HQQ 1

/* Formats of 2-bit tiles, as kernels/layout.cuh describes them: "q2" and "q2n". */
#define GATUN_Q2 0
#define GATUN_Q2N 1

/*
 * Orders of the columns in tiles: the matrix's own, and those of w2 of an expert by its slices. GATUN_SLICES, of GATUN_Q2,
 * has the values of one slice together, GATUN_SIXTEENS, of GATUN_Q2N, value 0 of sixteen slices, then value 1 of these.
 */
#define GATUN_NATURAL 0
#define GATUN_SLICES 1
#define GATUN_SIXTEENS 2

/* A pool of threads, with the scratch memory of its operations. */
struct gatun_pool;

/*
 * A weight matrix W [rows outputs, columns inputs].
 *
 * GATUN_DENSE: `weights` holds rows * columns values of `dtype`; the quantization fields are ignored.
 *
 * GATUN_HQQ: codes of `bits` (2, 4 or 8) in the packing of HQQ's axis 0. With G = rows / group_size,
 * S = G * columns and M = S / scale_group: weight (n, k) has group s = (n % G) * columns + k; the highest field of byte p
 * of `weights` is weight p of the row-major order, the next field weight p + rows * columns * bits / 8, and so on.
 *   scale[s] = (scale_codes[s] - scale_zeros[s % M]) * scale_scales[s % M]      (scale_scales, scale_zeros: binary16)
 *   zero[s]  = (zero_codes[s] - zero_zero) * zero_scale
 *   W(n, k)  = (code - zero[s]) * scale[s]
 *
 * GATUN_HQQ with scale_group 0: the same codes and groups, with scales and zeros of 4 bits in one byte, and a second level for
 * every 128 columns of a row of groups: with T = ceil(columns / 128), `scale_scales` holds [G][T][4] in binary16, and of
 * {a, b, c, d} at [n % G][k / 128]
 *   scale[s] = ((scale_codes[s] & 15) - b) * a
 *   zero[s]  = ((scale_codes[s] >> 4) - d) * c
 * scale_zeros, zero_codes, zero_scale and zero_zero are ignored. Products go the way of several tokens, whatever their number.
 */
struct gatun_matrix {
    int32_t kind;
    int32_t dtype;
    int64_t rows;
    int64_t columns;
    const void *weights;
    int32_t bits;
    int32_t group_size;
    int64_t scale_group;
    const uint8_t *scale_codes;
    const uint16_t *scale_scales;
    const uint16_t *scale_zeros;
    const uint8_t *zero_codes;
    float zero_scale;
    float zero_zero;
};

/*
 * Accuracy: sums are float32. With one token and 2- or 4-bit codes the vector levels round the scaled inputs to 16 bits of
 * the largest in each block of columns and sum exactly: an error of about 1e-4 of the output's 2-norm.
 */

/* One product y[t][row] = sum over k of W[row][k] * x[t][k] for t in [0, tokens). x and y must not overlap. */
struct gatun_product {
    const struct gatun_matrix *matrix;
    const float *x;
    float *y;
    int64_t ldx;
    int64_t ldy;
    int64_t tokens;
};

/* One expert: down * (silu(gate * x) * (up * x)). */
struct gatun_expert {
    struct gatun_matrix gate;
    struct gatun_matrix up;
    struct gatun_matrix down;
};

/*
 * One expert as a block of 2-bit tiles: w1 and w3 [inner][hidden], w2 [hidden][inner], in this order, each a matrix as
 * kernels/layout.cuh describes it; the bytes that are copied to a GPU. Both sizes are multiples of 16. With
 * G = inner / 16, "slice" s in [0, G) of the expert is the inner values s, s + G, ..., s + 15 G: one row of groups of w1
 * and of w3, and those columns of w2. In the order GATUN_SLICES they are the columns 16 s, ..., 16 s + 15 of w2's tiles, in
 * GATUN_SIXTEENS p, p + 16, ..., p + 240 with p = 256 (s / 16) + s % 16.
 */
struct gatun_tiled_expert {
    const void *block; /* at a multiple of 64 bytes */
    int64_t hidden;
    int64_t inner;
    int64_t wide_pairs; /* second-level pairs of w1, and as many of w3; 0 for GATUN_Q2N */
    int64_t down_pairs; /* of w2: a multiple of inner */
    int32_t format;
    int32_t down_order; /* of w2: GATUN_SLICES for GATUN_Q2, else GATUN_NATURAL or, if 256 divides inner, GATUN_SIXTEENS */
};

/*
 * The slices [from, to) of an expert for 1 to 4 tokens: y[t] += weights[t] * (those slices) (x[t]), with x[t][hidden] and
 * y[t][hidden]. Disjoint ranges add up to the whole expert.
 */
struct gatun_tiled_item {
    const struct gatun_tiled_expert *expert;
    const void *pairs; /* what gatun_tiled_pairs wrote of the expert, for the pool's level; NULL for GATUN_Q2N */
    int64_t from;
    int64_t to;
    int64_t tokens;
    const float *x;
    int64_t ldx;
    const float *weights;
    float *y;
    int64_t ldy;
};

/* The keys and values of one layer of one sequence: keys[kv_heads][capacity][head_size], values likewise. */
struct gatun_kv {
    void *keys;
    void *values;
    int64_t capacity;
    int32_t kv_heads;
    int32_t head_size;
    int32_t dtype; /* GATUN_F16 or GATUN_F32 */
    int32_t reserved;
};

/* Where C put a field: for the test that compares this with what Java believes. Size 0 ends the list. */
struct gatun_field {
    const char *name; /* "gatun_kv.capacity", or "gatun_kv" for a whole struct */
    int64_t offset;
    int64_t size;
};

#pragma GCC visibility push(default)

int32_t gatun_cpu_abi(void);
const struct gatun_field *gatun_cpu_layout(void);

/* The highest level this machine has, and a line of the features found ("avx2 fma f16c avx512f ... vnni amx-int8"). */
int32_t gatun_cpu_best_level(void);
const char *gatun_cpu_features(void);

/* 1 if the file descriptor is a terminal. */
int32_t gatun_is_terminal(int32_t descriptor);

/*
 * `threads` counts the caller. Threads wait for work by spinning for `spin_microseconds`, then sleep. The pool is freed
 * by gatun_pool_destroy, which waits for the operation in flight.
 */
int32_t gatun_pool_create(int32_t threads, int32_t level, int32_t spin_microseconds, struct gatun_pool **pool);
void gatun_pool_destroy(struct gatun_pool *pool);

/* Reads `bytes` from `data` with all threads as fast as a prefetching reader can; writes an XOR of all 8-byte words. */
int32_t gatun_read(struct gatun_pool *pool, const void *data, int64_t bytes, uint64_t *checksum);

/* Several products at once; their outputs must not overlap. One wake-up of the pool for all of them. */
int32_t gatun_multiply(struct gatun_pool *pool, const struct gatun_product *products, int32_t count);

/* y[t] = row ids[t] of the dense `table`, widened to float32. ids are checked to lie in [0, rows). */
int32_t gatun_embed(struct gatun_pool *pool, const struct gatun_matrix *table, const int32_t *ids, int64_t tokens,
                    float *y, int64_t ldy);

/* y[t][k] = x[t][k] / sqrt(mean(x[t]^2) + epsilon) * weight[k]; weight is a dense matrix of one row. y may be x. */
int32_t gatun_rms_norm(struct gatun_pool *pool, const struct gatun_matrix *weight, float epsilon, const float *x,
                       int64_t ldx, int64_t tokens, float *y, int64_t ldy);

/* y[t][k] += x[t][k]. */
int32_t gatun_add(struct gatun_pool *pool, const float *x, int64_t ldx, int64_t tokens, int64_t columns, float *y,
                  int64_t ldy);

/*
 * Rotary embedding in place, Hugging Face's order: for i < head_size / 2 the pair (x[i], x[i + head_size / 2]) of each
 * head turns by (position + t) * inverse_frequencies[i].
 */
int32_t gatun_rope(struct gatun_pool *pool, float *x, int64_t ldx, int64_t tokens, int32_t heads, int32_t head_size,
                   int64_t position, const float *inverse_frequencies);

/* Stores keys[t][kv_heads * head_size] and values[t][...] at positions [position, position + tokens). */
int32_t gatun_kv_append(struct gatun_pool *pool, const struct gatun_kv *kv, int64_t position, int64_t tokens,
                        const float *keys, int64_t ldk, const float *values, int64_t ldv);

/*
 * Causal grouped-query attention over what gatun_kv_append stored: query t stands at position + t and sees the keys at
 * max(0, position + t - window + 1) .. position + t (all before it when window is 0), scaled by 1 / sqrt(head_size).
 * q[t][heads * head_size], y likewise; heads is a multiple of kv_heads. Softmax and sums in float32.
 */
int32_t gatun_attention(struct gatun_pool *pool, const struct gatun_kv *kv, int64_t position, int64_t tokens,
                        int32_t heads, int64_t window, const float *q, int64_t ldq, float *y, int64_t ldy);

/*
 * Softmax over logits[t][experts], the top_k largest (ties to the lower id), best first, renormalised to sum to 1:
 * ids[t][top_k], weights[t][top_k].
 */
int32_t gatun_route(struct gatun_pool *pool, const float *logits, int64_t ldl, int64_t tokens, int32_t experts,
                    int32_t top_k, int32_t *ids, float *weights);

/*
 * y[t] += sum over j of weights[t][j] * expert ids[t][j] (x[t]), added in expert order. `experts` has `count` entries
 * of the same shapes; ids are checked to lie in [0, count). x[t][hidden], y[t][hidden] must not overlap.
 */
int32_t gatun_experts(struct gatun_pool *pool, const struct gatun_expert *experts, int32_t count, const float *x,
                      int64_t ldx, int64_t tokens, const int32_t *ids, const float *weights, int32_t top_k, float *y,
                      int64_t ldy);

/*
 * Adds items in their order, together in one go. Their experts have the same hidden size. No y may overlap an x; two of them
 * may be the same rows, or some of the same. The vector levels round scales, inputs and their products to 15 bits of the
 * largest in a block of 1024 columns and sum exactly: an error of 1e-4 to 4e-4 of the output's 2-norm where columns are alike.
 * Where there are few large ones among many small it is the largest of less: in GATUN_Q2N scales and inputs of a tile or, in
 * GATUN_SIXTEENS, of one value of a block's slices; in GATUN_Q2 w2's products of the row at hand. Unless w2's order is natural
 * its blocks are the same whichever slices are wanted, 64 of these each. A token's result depends on neither the others nor on
 * which items go together.
 */
int32_t gatun_tiled_experts(struct gatun_pool *pool, const struct gatun_tiled_item *items, int32_t count);

/*
 * The same in two steps: `begin` has the other threads of the pool start and returns, `finish` works along and returns when
 * all is done. What the items point to must last until then; they themselves and the structs of their experts need not.
 * After a begin that returned GATUN_OK the pool is taken until the finish, which may be called by another thread.
 */
int32_t gatun_tiled_begin(struct gatun_pool *pool, const struct gatun_tiled_item *items, int32_t count);
int32_t gatun_tiled_finish(struct gatun_pool *pool);

/*
 * What the level wants of an expert's second-level pairs, for all operations: how many bytes, 0 for GATUN_Q2N, and these, at a
 * multiple of 64 bytes. The expert's second level must be there; a copy of the expert elsewhere goes with the same. It runs in
 * the calling thread and needs no pool.
 */
int32_t gatun_tiled_pairs_bytes(int32_t level, const struct gatun_tiled_expert *expert, int64_t *bytes);
int32_t gatun_tiled_pairs(int32_t level, const struct gatun_tiled_expert *expert, void *pairs, int64_t bytes);

/*
 * Writes an HQQ matrix of 2 bits in groups of 16 as kernels/layout.cuh describes "q2", padding included: `bytes` must be what
 * its shape takes. It runs in the calling thread and needs no pool; any number of threads may tile at once. `tiles` may lie
 * at any address and must not overlap the matrix. The order is not GATUN_SIXTEENS; in GATUN_SLICES the columns are a multiple of
 * 16, and second-level pairs are repeated until they are a multiple of the columns.
 */
int32_t gatun_tile(int32_t level, const struct gatun_matrix *matrix, int32_t order, void *tiles, int64_t bytes);

#pragma GCC visibility pop

#endif
