/*
 * tiled_prepare.c: what the rows of tiles are multiplied with, once for all rows and threads: the second-level pairs of
 * wide tiles, for all group rows that share them, and the inputs.
 */
#include <string.h>

#include "tiled_expert.h"
#include "tiled_order.h"

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
    return item->format == GATUN_Q2N ? 0 : m->period * tiled_blocks(m->list.count);
}

void tiled_prepare_pairs(const struct tiled_item *item, const struct tiled_matrix *m, int64_t number) {
    float scale[BLOCK_COLUMNS];
    float offset[BLOCK_COLUMNS];
    int64_t row = number / tiled_blocks(m->list.count);
    int64_t block = number % tiled_blocks(m->list.count);
    int64_t tiles = tiles_in(&m->list, block);
    for (int64_t i = 0; i < tiles; i++) {
        int64_t at = i * TILED_COLUMNS;
        widen_tile(item, m, row, m->list.numbers[block * TILED_BLOCK + i], scale + at, offset + at);
    }
    item->ops->prepare_pairs(scale, offset, tiles, prepared_row(item, m, row) + block * item->ops->pairs_bytes);
}

/* ---- inputs ---- */

int64_t tiled_input_blocks(const struct tiled_matrix *m) {
    return tiled_blocks(m->list.count);
}

static void write_inputs(const struct tiled_item *item, const struct tiled_matrix *m, int64_t token, int64_t block,
                         const float *columns) {
    int64_t at = token * tiled_blocks(m->list.count) + block;
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

/*
 * Inner values of the slices [from, to) from their row of h, where those of one residue lie together. Distances are counted
 * from the item's first slice.
 */
static void gather_slices(const struct tiled_item *item, const float *h, int64_t from, int64_t to, float *columns) {
    int64_t period = item->gate.period;
    for (int64_t first = from; first < to && first < from + period; first++) {
        const float *at = h + place_of(slices_of(item), period, first);
        for (int64_t slice = first; slice < to; slice += period) {
            columns[slice - from] = *at++;
        }
    }
}

/* The columns of a tile of w2: inner value k is number k / slices of slice k % slices. Others than the item's are zeros. */
static void gather_tile(const struct tiled_item *item, const float *h, int64_t tile, float *columns) {
    int64_t slices = group_rows_of(&item->gate);
    int64_t count = tile_columns(&item->down, tile);
    memset(columns, 0, TILED_COLUMNS * sizeof *columns);
    for (int64_t k = 0; k < count;) {
        int64_t number = (tile * TILED_COLUMNS + k) / slices;
        int64_t slice = (tile * TILED_COLUMNS + k) % slices;
        int64_t end = slice + count - k < slices ? slice + count - k : slices;
        int64_t from = slice > item->from ? slice : item->from;
        int64_t to = end < item->to ? end : item->to;
        if (from < to) {
            gather_slices(item, h + number * slices_of(item), from - item->from, to - item->from,
                          columns + k + from - slice);
        }
        k += end - slice;
    }
}

void tiled_prepare_down_inputs(const struct tiled_item *item, int64_t block) {
    const struct tiled_matrix *m = &item->down;
    for (int64_t t = 0; t < item->tokens; t++) {
        float columns[BLOCK_COLUMNS];
        for (int64_t i = 0; i < tiles_in(&m->list, block); i++) {
            int64_t tile = m->list.numbers[block * TILED_BLOCK + i];
            gather_tile(item, item->h + t * TILED_ROWS * slices_of(item), tile, columns + i * TILED_COLUMNS);
        }
        write_inputs(item, m, t, block, columns);
    }
}
