/*
 * level.h: the inner loops that exist once per instruction-set level. All are pure functions of their arguments: no
 * threads, no allocation. Lengths need not be multiples of anything; pointers need no alignment.
 */
#ifndef GATUN_LEVEL_H
#define GATUN_LEVEL_H

#include <stddef.h>
#include <stdint.h>

#include "gatun_cpu.h"
#include "tiled.h"

#define CACHE_LINE 64 /* bytes */

/* The widest vector of any level, in floats: scratch rows are padded to it with zeros. */
#define WIDEST 16

/* Rows of a weight tile of the batch path, and the most columns it holds at any level. */
#define TILE_ROWS 16
#define TILE_COLUMNS 512

/* Columns whose scaled inputs the one-token path holds at a time. */
#define MATVEC_BLOCK 1024

/* Keys that attention widens at a time, at positions that are multiples of it. */
#define KEY_BLOCK 64

static inline int64_t padded(int64_t n) {
    return (n + WIDEST - 1) / WIDEST * WIDEST;
}

/* To the widest panel of the one-token path: four vectors. */
static inline int64_t whole_panels(int64_t n) {
    return (n + 4 * WIDEST - 1) / (4 * WIDEST) * (4 * WIDEST);
}

/* Whether scales and zeros of an HQQ matrix have 4 bits. */
static inline int is_narrow(const struct gatun_matrix *m) {
    return m->kind == GATUN_HQQ && m->scale_group == 0;
}

/* Codes in one byte of an HQQ matrix. */
static inline int64_t fields_of(const struct gatun_matrix *m) {
    return 8 / m->bits;
}

static inline int64_t groups_of(const struct gatun_matrix *m) {
    return m->rows / m->group_size;
}

/* Rows of the packed codes that one group spans. */
static inline int64_t byte_rows_of(const struct gatun_matrix *m) {
    return m->group_size / fields_of(m);
}

/* Pairs of second-level scale and zero; not of a narrow matrix. */
static inline int64_t metas_of(const struct gatun_matrix *m) {
    return groups_of(m) * m->columns / m->scale_group;
}

/* Floats of scratch of level_ops.matvec_hqq and level_ops.multiply_tile. */
static inline int64_t matvec_scratch(const struct gatun_matrix *m) {
    return 3 * MATVEC_BLOCK + (int64_t)m->group_size * WIDEST;
}

static inline int64_t tile_scratch(int64_t tokens) {
    return TILE_ROWS * TILE_COLUMNS + 2 * TILE_COLUMNS + tokens * TILE_ROWS;
}

/* A row tile of the batch path: dense rows first..first+rows, or, of group `first`, byte rows from..from+rows/fields. */
struct tile {
    int64_t first;
    int64_t from;
    int64_t rows;
};

/*
 * Queries of `tokens` consecutive positions and of the `group` heads that share one key-value head, over the keys in
 * [key_from, key_to) that each of them may see.
 */
struct attend {
    const struct gatun_kv *kv;
    int64_t kv_head;
    int64_t group;
    int64_t position; /* of the first token */
    int64_t tokens;
    int64_t window;
    int64_t key_from;
    int64_t key_to;
    const float *q; /* first token, first head of the group; heads of a token are adjacent */
    int64_t ldq;
    float *y; /* as q; or NULL: leave the sums unfinished in `sums` */
    int64_t ldy;
    float *sums; /* [tokens * group][padded(head_size) + WIDEST]: weighted values, then largest score, sum of weights */
    float *scratch;
};

static inline int64_t attend_scratch(int64_t rows, int64_t head_size) {
    return 2 * rows * padded(head_size) + KEY_BLOCK * padded(head_size) + rows * (KEY_BLOCK + 2);
}

struct level_ops {
    /* XOR of the whole 8-byte words of `data`. */
    uint64_t (*read)(const void *data, int64_t words);

    /* Values of `dtype` to float32, and float32 to a value of `dtype` (GATUN_F32 or GATUN_F16). */
    void (*widen)(const void *from, int32_t dtype, int64_t n, float *to);
    void (*narrow)(const float *from, int64_t n, int32_t dtype, void *to);

    /* y[row] for row in [from, to) of a dense matrix. */
    void (*matvec_dense)(const struct gatun_matrix *m, const float *x, int64_t from, int64_t to, float *y);

    /*
     * The second level times the input, for meta row r < rows: scale[r][whole_panels(columns)], then offset[r][...],
     * such that scale_codes * scale + offset is the first-level scale times x; in the order of the level's panels.
     */
    void (*prepare_hqq)(const struct gatun_matrix *m, const float *x, int64_t rows, float *prepared);

    /* y[row] for the rows of groups [from, to); prepared is NULL when the metas do not repeat by whole rows. */
    void (*matvec_hqq)(const struct gatun_matrix *m, const float *x, const float *prepared, int64_t prepared_rows,
                       int64_t from, int64_t to, float *scratch, float *y);

    /* y[t][row] for the rows of one tile, in an order of sums that does not depend on `tokens`. */
    void (*multiply_tile)(const struct gatun_matrix *m, const struct tile *tile, const float *x, int64_t ldx,
                          int64_t tokens, float *y, int64_t ldy, float *scratch);

    void (*rms_norm)(const float *x, const void *weight, int32_t dtype, int64_t n, float epsilon, float *y);
    void (*add)(const float *x, float factor, int64_t n, float *y); /* y += factor * x */
    void (*turn)(float *x, int64_t half, const float *cosines, const float *sines);
    void (*swiglu)(float *gate, const float *up, int64_t n); /* gate = silu(gate) * up */
    void (*attend)(const struct attend *task);

    /* scale[i] and -zero[i] * scale[i] of `n` second-level pairs of binary16 { scale, zero }. */
    void (*widen_pairs)(const uint16_t *pairs, int64_t n, float *scale, float *offset);

    /*
     * What tiled_rows wants of a block of tiles: of their second-level pairs, as widen_pairs left them, and of one token's
     * inputs; both are zeros behind the last column. Results take `pairs_bytes` and `inputs_bytes`, at multiples of 64.
     * The format decides how many inputs may share a unit: GATUN_Q2N those of a tile, TILED_SIXTEENS those of a value, GATUN_Q2
     * those of a block. Unless it is NULL, prepare_pairs writes to `reach` the largest magnitude that a scale of each column can
     * have.
     */
    void (*prepare_pairs)(const float *scale, const float *offset, int64_t tiles, void *to, float *reach);
    void (*prepare_inputs)(int32_t format, const float *x, int64_t tiles, void *to);
    int64_t pairs_bytes;
    int64_t inputs_bytes;

    /* Which columns of a block of w2 in GATUN_Q2 have the largest products, by their reach: `farthest_bytes`, 0 if unwanted. */
    void (*find_farthest)(const float *x, const float *reach, int64_t tiles, void *to);
    int64_t farthest_bytes;

    /* The sums of some group rows of 2-bit tiles. */
    void (*tiled_rows)(const struct tiled_rows *rows);

    /* One group row of 2-bit tiles from the matrix's own order. */
    void (*tile_row)(const struct tiling_row *row);
};

extern const struct level_ops level_portable;
extern const struct level_ops level_avx2;
extern const struct level_ops level_avx512;
extern const struct level_ops level_avx512vnni;

/* GATUN_OK and the level's loops, GATUN_EINVAL if there is no such level, or GATUN_ELEVEL if this machine lacks it. */
int32_t level_find(int32_t level, const struct level_ops **ops);

#endif
