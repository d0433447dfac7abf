/*
 * tiled_expert.h: what the parts of the computation of experts from their blocks of tiles share. tiled_expert.c finds the
 * matrices of a block, tiled_prepare.c makes what their rows are multiplied with, tiled_rows.c computes the rows, tiled.c
 * has the threads do that in order.
 */
#ifndef GATUN_TILED_EXPERT_H
#define GATUN_TILED_EXPERT_H

#include "level.h"
#include "tiled.h"

/* One matrix in a block, and what is made for it in memory that all threads see. */
struct tiled_matrix {
    int64_t rows;
    int64_t columns;
    int64_t pairs;
    int64_t period; /* group rows so far apart have the same pairs */
    const uint8_t *tiles;
    const uint8_t *second;
    float zero_scale;
    float zero_offset;
    int64_t bytes;
    int32_t *numbers;
    struct tiled_list list; /* the tiles of a row that are wanted */
    char *prepared;         /* pairs [period][blocks of the list] */
    char *inputs;           /* [tokens][blocks of the list] */
};

/* Some slices of an expert for some tokens. */
struct tiled_item {
    const struct level_ops *ops;
    int32_t format;
    int32_t tokens;
    struct tiled_matrix gate;
    struct tiled_matrix up;
    struct tiled_matrix down;
    int64_t from; /* slices */
    int64_t to;
    int64_t runs; /* of w2's columns, in each of which lie as many adjacent values of every slice: 1 or TILED_ROWS */
    const float *x;
    int64_t ldx;
    float *h; /* [tokens][runs][slices of the item][adjacent values]: its columns of w2, in their order */
    const float *weights;
    float *y;
    int64_t ldy;
};

/* A group row of a matrix; the matrix is NULL if there is none. */
struct tiled_place {
    const struct tiled_item *item;
    const struct tiled_matrix *matrix;
    int64_t row;
};

static inline int64_t group_rows_of(const struct tiled_matrix *m) {
    return m->rows / TILED_ROWS;
}

static inline int64_t slices_of(const struct tiled_item *item) {
    return item->to - item->from;
}

/* Values of a slice that adjoin in a run of w2's columns. */
static inline int64_t adjacent_values(const struct tiled_item *item) {
    return TILED_ROWS / item->runs;
}

/* A token's part of a run in h. */
static inline float *run_of(const struct tiled_item *item, int64_t token, int64_t run) {
    return item->h + (token * item->runs + run) * slices_of(item) * adjacent_values(item);
}

/* Columns of a tile, which may reach behind the last. */
static inline int64_t tile_columns(const struct tiled_matrix *m, int64_t tile) {
    int64_t rest = m->columns - tile * TILED_COLUMNS;
    return rest < TILED_COLUMNS ? rest : TILED_COLUMNS;
}

/* The prepared pairs of a group row. */
static inline char *prepared_row(const struct tiled_item *item, const struct tiled_matrix *m, int64_t row) {
    return m->prepared + row % m->period * tiled_blocks(&m->list) * item->ops->pairs_bytes;
}

/* ---- tiled_expert.c ---- */

/* Whether an item's expert, range and arrays fit each other. */
int tiled_item_is_sound(const struct gatun_tiled_item *given);

/* The matrices in the item's block, without memory of their own. */
struct tiled_item tiled_item_of(const struct level_ops *ops, const struct gatun_tiled_item *given);

/* Memory that is dealt out piece by piece; at NULL it is only measured. */
struct tiled_memory {
    char *at;
    int64_t bytes;
};

void *tiled_take(struct tiled_memory *memory, int64_t bytes);

/* Gives the item its memory and, unless that is only measured, lists the tiles that are wanted. */
void tiled_place_item(struct tiled_item *item, struct tiled_memory *memory);

/* ---- tiled_prepare.c: by numbers in [0, ...), in any order ---- */

int64_t tiled_pair_blocks(const struct tiled_item *item, const struct tiled_matrix *m);
void tiled_prepare_pairs(const struct tiled_item *item, const struct tiled_matrix *m, int64_t number);

/* Of w1 and w3; then, once h is complete, of w2. */
int64_t tiled_input_blocks(const struct tiled_matrix *m);
void tiled_prepare_wide_inputs(const struct tiled_item *item, int64_t block);
void tiled_prepare_down_inputs(const struct tiled_item *item, int64_t block);

/* ---- tiled_rows.c ---- */

/* Scratch of a thread for rows of at most `tiles` tiles. */
int64_t tiled_row_scratch(int64_t tiles);

/* The group rows of w1, w3 and w2 at a place of the order in which they are computed. */
struct tiled_place tiled_gate_place(const struct tiled_item *item, int64_t place);
struct tiled_place tiled_down_place(const struct tiled_item *item, int64_t place);

/* Fetches tile `i` of the list of a place: all of its lines. */
void tiled_fetch(const struct tiled_place *place, int64_t i);

/* sums[t][i] of a group row. What `next` begins with is fetched meanwhile. */
void tiled_run_row(struct tiled_place place, struct tiled_place next, void *scratch, float *sums);

/* The inner values of the slice at a place, written to h. */
void tiled_wide_row(const struct tiled_item *item, int64_t place, struct tiled_place next, void *scratch);

/* Adds the sums of a group row of w2 to y. */
void tiled_add_sums(struct tiled_place place, const float *sums);

#endif
