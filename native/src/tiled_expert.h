/*
 * tiled_expert.h: what the parts of the computation of experts from their blocks of tiles share. tiled_expert.c finds the
 * matrices of a block, tiled_pairs.c makes what is kept of their second level, tiled_inputs.c what their rows are multiplied
 * with, tiled_rows.c computes the rows, tiled.c has the threads do that in order.
 */
#ifndef GATUN_TILED_EXPERT_H
#define GATUN_TILED_EXPERT_H

#include "level.h"
#include "tiled.h"

/* One matrix in a block, or some columns of it, and what is made of it in memory that all threads see. */
struct tiled_matrix {
    int32_t format; /* of its rows: TILED_SIXTEENS among them */
    int64_t rows;
    int64_t columns;
    int64_t pairs;
    int64_t period; /* group rows so far apart have the same pairs; 1 if they are narrow, so that all may go together */
    const uint8_t *tiles;
    const uint8_t *second;
    float zero_scale;
    float zero_offset;
    int64_t bytes;
    char *prepared; /* GATUN_Q2: pairs [period][blocks of all columns] */
    float *reach;   /* w2 in GATUN_Q2, or NULL: the largest scales of columns [period][blocks of all][TILED_BLOCK_COLUMNS] */
    struct tiled_list list; /* the tiles of a row that are wanted */
    char *inputs;           /* w2: [tokens][blocks of the list] */
    char *farthest;         /* w2, if there is a reach: [period][tokens][blocks of the list] */
};

/* Some slices of an expert for some tokens. */
struct tiled_item {
    const struct level_ops *ops;
    int32_t format;
    int32_t tokens;
    struct tiled_matrix gate;
    struct tiled_matrix up;
    struct tiled_matrix down;
    struct tiled_matrix *strips; /* w2 again, by some of its columns each */
    int64_t strip_count;
    int64_t first_strip; /* strips and blocks of inputs of w2 that the job's items before have */
    int64_t first_block;
    int64_t from; /* slices */
    int64_t to;
    int64_t runs; /* of w2's columns, in each of which lie as many values of every slice: 1 or TILED_ROWS */
    int64_t together; /* slices whose values fill whole tiles together: 1 or TILED_TOGETHER */
    const float *x;
    int64_t ldx;
    float *h; /* [tokens][runs][slices of the item][values of a run] */
    const float *weights;
    float *y;
    int64_t ldy;
};

/* What a thread has for itself. */
struct tiled_hand {
    const struct tiled_item *held; /* whose inputs of w1 and w3 these are, or NULL */
    char *inputs;                  /* [tokens][blocks] */
    void *scratch;                 /* of a row */
    const char *gate_pairs;        /* of which rows of w1, w3 and w2 it has the pairs in its caches, or NULL */
    const char *up_pairs;
    const char *down_pairs;
};

/* Group rows of a matrix that go together, `row` and those a period apart; the matrix is NULL if there are none. */
struct tiled_place {
    const struct tiled_item *item;
    const struct tiled_matrix *matrix;
    int64_t row;
    int32_t rows;
};

static inline int64_t group_rows_of(const struct tiled_matrix *m) {
    return m->rows / TILED_ROWS;
}

static inline int64_t slices_of(const struct tiled_item *item) {
    return item->to - item->from;
}

/* Values of a slice in a run of w2's columns. */
static inline int64_t run_values(const struct tiled_item *item) {
    return TILED_ROWS / item->runs;
}

/* A token's part of a run in h. */
static inline float *run_of(const struct tiled_item *item, int64_t token, int64_t run) {
    return item->h + (token * item->runs + run) * slices_of(item) * run_values(item);
}

/* Columns of a tile, which may reach behind the last. */
static inline int64_t tile_columns(const struct tiled_matrix *m, int64_t tile) {
    int64_t rest = m->columns - tile * TILED_COLUMNS;
    return rest < TILED_COLUMNS ? rest : TILED_COLUMNS;
}

/* Entries of the second level of a group row, if it is narrow. */
static inline int64_t entries_of(const struct tiled_matrix *m) {
    return tiled_entries(m->format, tiles_of(m->columns));
}

/* Blocks of all columns. */
static inline int64_t blocks_of(const struct tiled_matrix *m) {
    return (tiles_of(m->columns) + TILED_BLOCK - 1) / TILED_BLOCK;
}

/* The prepared pairs of a group row, from the first block that is wanted on. */
static inline const char *prepared_row(const struct tiled_item *item, const struct tiled_matrix *m, int64_t row) {
    int64_t block = row % m->period * blocks_of(m) + m->list.numbers[0] / TILED_BLOCK;
    return m->prepared + block * item->ops->pairs_bytes;
}

/* For how many kinds of group rows it is found what is farthest. */
static inline int64_t farthest_kinds(const struct tiled_matrix *m) {
    return m->reach == NULL ? 0 : m->period;
}

/* What is farthest for a group row; NULL unless the matrix has a reach. */
static inline char *farthest_of_row(const struct tiled_item *item, const struct tiled_matrix *m, int64_t row) {
    int64_t at = row % m->period * item->tokens * tiled_blocks(&m->list);
    return m->reach == NULL ? NULL : m->farthest + at * item->ops->farthest_bytes;
}

/* ---- tiled_expert.c ---- */

int tiled_expert_is_sound(const struct gatun_tiled_expert *e);

/* Whether an item's expert, range and arrays fit each other. */
int tiled_item_is_sound(const struct gatun_tiled_item *given);

/* The matrices in an expert's block, without memory of their own; and some slices of them. */
struct tiled_item tiled_expert_of(const struct level_ops *ops, const struct gatun_tiled_expert *e);
struct tiled_item tiled_item_of(const struct level_ops *ops, const struct gatun_tiled_item *given);

/* Memory that is dealt out piece by piece; at NULL it is only measured. */
struct tiled_memory {
    char *at;
    int64_t bytes;
};

void *tiled_take(struct tiled_memory *memory, int64_t bytes);

/* Gives the item its memory and, unless that is only measured, lists the tiles that are wanted. */
void tiled_place_item(struct tiled_item *item, struct tiled_memory *memory);

/* ---- tiled_pairs.c ---- */

/* Tells the item where its prepared pairs are; returns their bytes. */
int64_t tiled_place_pairs(struct tiled_item *item, void *pairs);

/* ---- tiled_inputs.c: by blocks, in any order ---- */

/* Bytes of the inputs of w1 and w3. */
int64_t tiled_wide_inputs(const struct tiled_item *item);
void tiled_make_wide_inputs(const struct tiled_item *item, int64_t block, char *inputs);

/* Of a strip of w2, once its columns of h are there. */
void tiled_make_down_inputs(const struct tiled_item *item, const struct tiled_matrix *strip, int64_t block);

/* In which of the item's blocks of w2's inputs a slice is counted, and on how many slices a block depends. */
int64_t tiled_block_of(const struct tiled_item *item, int64_t slice);
int64_t tiled_slices_in(const struct tiled_item *item, int64_t block);

/* ---- tiled_rows.c ---- */

/* Scratch of a thread for rows of at most `tiles` tiles. */
int64_t tiled_rows_scratch(int64_t tiles);

/*
 * The group rows of w1, w3 and of a strip of w2 from a place on, in the order in which they are computed: as many of the next
 * `most` as go together.
 */
struct tiled_place tiled_gate_place(const struct tiled_item *item, int64_t place, int64_t most);
struct tiled_place tiled_down_place(const struct tiled_item *item, int64_t strip, int64_t place, int64_t most);

/* How many places hold the item's first slices, others among them. */
int64_t tiled_places_of(const struct tiled_item *item, int64_t slices);

/* Number `i` of a place's group rows. */
static inline int64_t tiled_row_at(const struct tiled_place *place, int32_t i) {
    return place->row + i * place->matrix->period;
}

/* Tiles that are fetched while a thread waits or makes inputs, about 24 KB. */
#define FIRST_TILES 32

/* Fetches the tiles [from, to) of a place in the order in which they are computed, as far as they are among its first. */
void tiled_fetch(const struct tiled_place *place, int64_t from, int64_t to);

/* The inner values of slices, written to h. What `next` begins with is fetched meanwhile. */
void tiled_wide_rows(struct tiled_place gate, struct tiled_place next, struct tiled_hand *hand);

/* sums[row][t][i] of group rows of a strip, likewise. */
void tiled_down_rows(struct tiled_place place, struct tiled_place next, struct tiled_hand *hand, float *sums);

/* Adds the sums[t][i] of one group row of w2 to y. */
void tiled_add_sums(const struct tiled_item *item, int64_t row, const float *sums);

#endif
