/* tiled_inputs.c: what the rows of tiles are multiplied with. */
#include <string.h>

#include "tiled_expert.h"

/* Slices whose values fill a block of w2's columns where these are one run. */
#define BLOCK_SLICES (TILED_BLOCK_COLUMNS / TILED_ROWS)

/* ---- w1 and w3 ---- */

int64_t tiled_wide_inputs(const struct tiled_item *item) {
    return item->tokens * blocks_of(&item->gate) * item->ops->inputs_bytes;
}

void tiled_make_wide_inputs(const struct tiled_item *item, int64_t block, char *inputs) {
    const struct tiled_matrix *m = &item->gate;
    int64_t first = block * TILED_BLOCK_COLUMNS;
    int64_t count = m->columns - first < TILED_BLOCK_COLUMNS ? m->columns - first : TILED_BLOCK_COLUMNS;
    for (int64_t t = 0; t < item->tokens; t++) {
        const float *x = item->x + t * item->ldx + first;
        float columns[TILED_BLOCK_COLUMNS];
        if (count < TILED_BLOCK_COLUMNS) {
            memcpy(columns, x, (size_t)count * sizeof *columns);
            memset(columns + count, 0, (size_t)(TILED_BLOCK_COLUMNS - count) * sizeof *columns);
            x = columns;
        }
        char *to = inputs + (t * blocks_of(m) + block) * item->ops->inputs_bytes;
        item->ops->prepare_inputs(item->format, x, tiles_in(&m->list, block), to);
    }
}

/* ---- w2 ---- */

int64_t tiled_block_of(const struct tiled_item *item, int64_t slice) {
    return item->runs == 1 ? slice / BLOCK_SLICES - item->from / BLOCK_SLICES : 0;
}

int64_t tiled_slices_in(const struct tiled_item *item, int64_t block) {
    if (item->runs != 1) {
        return slices_of(item);
    }
    int64_t first = (item->from / BLOCK_SLICES + block) * BLOCK_SLICES;
    int64_t from = first > item->from ? first : item->from;
    int64_t to = first + BLOCK_SLICES < item->to ? first + BLOCK_SLICES : item->to;
    return to - from;
}

/* The columns of a tile of w2 in the order of sixteens. Others than the item's are zeros. */
static void gather_sixteens(const struct tiled_item *item, int64_t token, int64_t tile, float *columns) {
    int64_t first = tile / 2 * TILED_TOGETHER;
    int64_t value = tile % 2 * TILED_VALUES;
    for (int64_t k = 0; k < TILED_COLUMNS; k++) {
        int64_t slice = first + k % TILED_TOGETHER;
        int is_wanted = item->from <= slice && slice < item->to;
        columns[k] = is_wanted ? run_of(item, token, 0)[(slice - item->from) * TILED_ROWS + value + k / TILED_TOGETHER] : 0;
    }
}

/* The same in another order, from the runs that it has a part of. */
static void gather_tile(const struct tiled_item *item, int64_t token, int64_t tile, float *columns) {
    int64_t values = run_values(item);
    int64_t length = group_rows_of(&item->gate) * values;
    int64_t count = tile_columns(&item->down, tile);
    memset(columns, 0, TILED_COLUMNS * sizeof *columns);
    for (int64_t k = 0; k < count;) {
        int64_t run = (tile * TILED_COLUMNS + k) / length;
        int64_t begin = (tile * TILED_COLUMNS + k) % length;
        int64_t end = begin + count - k < length ? begin + count - k : length;
        int64_t first = item->from * values;
        int64_t from = begin > first ? begin : first;
        int64_t to = end < item->to * values ? end : item->to * values;
        if (from < to) {
            memcpy(columns + k + from - begin, run_of(item, token, run) + from - first,
                   (size_t)(to - from) * sizeof *columns);
        }
        k += end - begin;
    }
}

/* The reach of columns of w2 from a tile on, for a kind of group rows. */
static const float *reach_from(const struct tiled_matrix *m, int64_t kind, int64_t tile) {
    return m->reach + kind * blocks_of(m) * TILED_BLOCK_COLUMNS + tile * TILED_COLUMNS;
}

void tiled_make_down_inputs(const struct tiled_item *item, const struct tiled_matrix *strip, int64_t block) {
    const int32_t *numbers = strip->list.numbers + block_begin(&strip->list, block);
    int64_t tiles = tiles_in(&strip->list, block);
    for (int64_t t = 0; t < item->tokens; t++) {
        float columns[TILED_BLOCK_COLUMNS];
        for (int64_t i = 0; i < tiles; i++) {
            float *tile = columns + i * TILED_COLUMNS;
            if (strip->format == TILED_SIXTEENS) {
                gather_sixteens(item, t, numbers[i], tile);
            } else {
                gather_tile(item, t, numbers[i], tile);
            }
        }
        int64_t at = t * tiled_blocks(&strip->list) + block;
        item->ops->prepare_inputs(strip->format, columns, tiles, strip->inputs + at * item->ops->inputs_bytes);
        for (int64_t kind = 0; kind < farthest_kinds(strip); kind++) {
            char *to = farthest_of_row(item, strip, kind) + at * item->ops->farthest_bytes;
            item->ops->find_farthest(columns, reach_from(strip, kind, numbers[0]), tiles, to);
        }
    }
}
