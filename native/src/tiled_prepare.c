/*
 * tiled_prepare.c: what the rows of tiles are multiplied with, once for all rows and threads: the second-level pairs of
 * wide tiles, for all group rows that share them, and the inputs.
 */
#include <string.h>

#include "tiled_expert.h"

#define BLOCK_COLUMNS (TILED_BLOCK * TILED_COLUMNS)

/* ---- second-level pairs ---- */

/* The pairs of a tile of group row `row`; their flat index is that of their groups, modulo their number. */
static void widen_tile(const struct tiled_item *item, const struct tiled_matrix *m, int64_t row, int64_t tile,
                       float *scale, float *offset) {
    const uint16_t *pairs = (const uint16_t *)m->second;
    int64_t columns = tile_columns(m, tile);
    int64_t pair = (row * m->columns + tile * TILED_COLUMNS) % m->pairs;
    for (int64_t k = 0; k < columns;) {
        int64_t run = columns - k < m->pairs - pair ? columns - k : m->pairs - pair;
        item->ops->widen_pairs(pairs + 2 * pair, run, scale + k, offset + k);
        k += run;
        pair = 0;
    }
    size_t padding = (size_t)(TILED_COLUMNS - columns) * sizeof *scale;
    memset(scale + columns, 0, padding);
    memset(offset + columns, 0, padding);
}

int64_t tiled_pair_blocks(const struct tiled_item *item, const struct tiled_matrix *m) {
    return item->format == GATUN_Q2N ? 0 : m->period * tiled_blocks(&m->list);
}

void tiled_prepare_pairs(const struct tiled_item *item, const struct tiled_matrix *m, int64_t number) {
    float scale[BLOCK_COLUMNS];
    float offset[BLOCK_COLUMNS];
    int64_t row = number / tiled_blocks(&m->list);
    int64_t block = number % tiled_blocks(&m->list);
    const int32_t *numbers = m->list.numbers + block_begin(&m->list, block);
    int64_t tiles = tiles_in(&m->list, block);
    for (int64_t i = 0; i < tiles; i++) {
        int64_t at = i * TILED_COLUMNS;
        widen_tile(item, m, row, numbers[i], scale + at, offset + at);
    }
    item->ops->prepare_pairs(scale, offset, tiles, prepared_row(item, m, row) + block * item->ops->pairs_bytes);
}

/* ---- inputs ---- */

int64_t tiled_input_blocks(const struct tiled_matrix *m) {
    return tiled_blocks(&m->list);
}

static void write_inputs(const struct tiled_item *item, const struct tiled_matrix *m, int64_t token, int64_t block,
                         const float *columns) {
    int64_t at = token * tiled_blocks(&m->list) + block;
    item->ops->prepare_inputs(columns, tiles_in(&m->list, block), m->inputs + at * item->ops->inputs_bytes);
}

void tiled_prepare_wide_inputs(const struct tiled_item *item, int64_t block) {
    const struct tiled_matrix *m = &item->gate;
    int64_t first = block * BLOCK_COLUMNS;
    int64_t count = m->columns - first < BLOCK_COLUMNS ? m->columns - first : BLOCK_COLUMNS;
    for (int64_t t = 0; t < item->tokens; t++) {
        float columns[BLOCK_COLUMNS];
        memcpy(columns, item->x + t * item->ldx + first, (size_t)count * sizeof *columns);
        memset(columns + count, 0, (size_t)(BLOCK_COLUMNS - count) * sizeof *columns);
        write_inputs(item, m, t, block, columns);
    }
}

/* The columns of a tile of w2, from the runs that it has a part of. Others than the item's are zeros. */
static void gather_tile(const struct tiled_item *item, int64_t token, int64_t tile, float *columns) {
    int64_t values = adjacent_values(item);
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

void tiled_prepare_down_inputs(const struct tiled_item *item, int64_t block) {
    const struct tiled_matrix *m = &item->down;
    const int32_t *numbers = m->list.numbers + block_begin(&m->list, block);
    for (int64_t t = 0; t < item->tokens; t++) {
        float columns[BLOCK_COLUMNS];
        for (int64_t i = 0; i < tiles_in(&m->list, block); i++) {
            gather_tile(item, t, numbers[i], columns + i * TILED_COLUMNS);
        }
        write_inputs(item, m, t, block, columns);
    }
}
