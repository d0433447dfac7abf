/*
 * tiled_pairs.c: what the rows of wide tiles want of the second level of their expert, made once for all operations: it never
 * changes, and all group rows of a kind share it.
 *
 * In memory: the blocks of pairs of w1, of w3 and of w2, each [period][blocks of all columns] as the level prepares them;
 * then, if the level wants it, how far the scales of w2's columns reach.
 */
#include <string.h>

#include "tiled_expert.h"

static int64_t pair_blocks_of(const struct tiled_matrix *m) {
    return m->period * blocks_of(m);
}

int64_t tiled_place_pairs(struct tiled_item *item, void *pairs) {
    struct tiled_memory memory = {pairs, 0};
    if (item->format == GATUN_Q2) {
        item->gate.prepared = tiled_take(&memory, pair_blocks_of(&item->gate) * item->ops->pairs_bytes);
        item->up.prepared = tiled_take(&memory, pair_blocks_of(&item->up) * item->ops->pairs_bytes);
        item->down.prepared = tiled_take(&memory, pair_blocks_of(&item->down) * item->ops->pairs_bytes);
    }
    if (item->format == GATUN_Q2 && item->ops->farthest_bytes > 0) {
        int64_t columns = pair_blocks_of(&item->down) * TILED_BLOCK_COLUMNS;
        item->down.reach = tiled_take(&memory, columns * (int64_t)sizeof(float));
    }
    return memory.bytes;
}

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

static void prepare(const struct tiled_item *item, const struct tiled_matrix *m) {
    for (int64_t i = 0; i < pair_blocks_of(m); i++) {
        float scale[TILED_BLOCK_COLUMNS];
        float offset[TILED_BLOCK_COLUMNS];
        int64_t first = i % blocks_of(m) * TILED_BLOCK;
        int64_t tiles = tiles_of(m->columns) - first < TILED_BLOCK ? tiles_of(m->columns) - first : TILED_BLOCK;
        for (int64_t j = 0; j < tiles; j++) {
            int64_t at = j * TILED_COLUMNS;
            widen_tile(item, m, i / blocks_of(m), first + j, scale + at, offset + at);
        }
        float *reach = m->reach == NULL ? NULL : m->reach + i * TILED_BLOCK_COLUMNS;
        item->ops->prepare_pairs(scale, offset, tiles, m->prepared + i * item->ops->pairs_bytes, reach);
    }
}

/* ---- the operations ---- */

/* GATUN_OK and the expert's matrices without memory, or why not. */
static int32_t find(int32_t level, const struct gatun_tiled_expert *expert, struct tiled_item *item) {
    const struct level_ops *ops;
    int32_t code = level_find(level, &ops);
    if (code == GATUN_OK && !tiled_expert_is_sound(expert)) {
        code = GATUN_EINVAL;
    }
    if (code == GATUN_OK) {
        *item = tiled_expert_of(ops, expert);
    }
    return code;
}

int32_t gatun_tiled_pairs_bytes(int32_t level, const struct gatun_tiled_expert *expert, int64_t *bytes) {
    struct tiled_item item;
    int32_t code = bytes == NULL ? GATUN_EINVAL : find(level, expert, &item);
    if (code == GATUN_OK) {
        *bytes = tiled_place_pairs(&item, NULL);
    }
    return code;
}

int32_t gatun_tiled_pairs(int32_t level, const struct gatun_tiled_expert *expert, void *pairs, int64_t bytes) {
    struct tiled_item item;
    int32_t code = find(level, expert, &item);
    if (code != GATUN_OK) {
        return code;
    }
    int is_placed = bytes == 0 || (pairs != NULL && (uintptr_t)pairs % CACHE_LINE == 0);
    if (tiled_place_pairs(&item, pairs) != bytes || !is_placed) {
        return GATUN_EINVAL;
    }
    if (item.format == GATUN_Q2) {
        prepare(&item, &item.gate);
        prepare(&item, &item.up);
        prepare(&item, &item.down);
    }
    return GATUN_OK;
}
