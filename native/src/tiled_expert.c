/* tiled_expert.c: where the matrices of an expert lie in its block, and which of their tiles some slices want. */
#include "tiled_expert.h"

#include <stddef.h>
#include <string.h>

#include "check.h"

#define BLOCK_ALIGNMENT 64

/*
 * The most blocks of a strip of w2. All rows of a strip come before those of the next, whose inputs may be made meanwhile;
 * and threads end together within the time of a strip's row.
 */
#define STRIP_BLOCKS 8

/* So that groups are counted in 31 bits, as on the GPU, and no product of sizes overflows. */
#define MOST_SIZE ((int64_t)1 << 24)
#define MOST_GROUPS INT32_MAX

/* ---- checks ---- */

static int sound_size(int64_t size) {
    return size > 0 && size <= MOST_SIZE && size % TILED_ROWS == 0;
}

static int sound_pairs(const struct gatun_tiled_expert *e, int64_t pairs) {
    int64_t groups = e->hidden * e->inner / TILED_ROWS;
    if (e->format == GATUN_Q2N) {
        return pairs == 0;
    }
    return groups <= MOST_GROUPS && pairs > 0 && groups % pairs == 0;
}

/* The pairs of w2 are those of whole rows, so that columns in any order have theirs. */
static int sound_down_pairs(const struct gatun_tiled_expert *e) {
    return sound_pairs(e, e->down_pairs) && e->down_pairs % e->inner == 0;
}

/* A pair of tiles has the values of whole sixteens of slices. */
static int sound_order(const struct gatun_tiled_expert *e) {
    if (e->format == GATUN_Q2) {
        return e->down_order == GATUN_SLICES;
    }
    return e->down_order == GATUN_NATURAL
           || (e->down_order == GATUN_SIXTEENS && e->inner % (TILED_TOGETHER * TILED_ROWS) == 0);
}

int tiled_expert_is_sound(const struct gatun_tiled_expert *e) {
    return e != NULL && (e->format == GATUN_Q2 || e->format == GATUN_Q2N) && sound_size(e->hidden)
           && sound_size(e->inner) && sound_pairs(e, e->wide_pairs) && sound_down_pairs(e) && sound_order(e)
           && e->block != NULL && (uintptr_t)e->block % BLOCK_ALIGNMENT == 0;
}

static int sound_prepared(const struct gatun_tiled_item *given) {
    return given->expert->format == GATUN_Q2N
           || (given->pairs != NULL && (uintptr_t)given->pairs % CACHE_LINE == 0);
}

int tiled_item_is_sound(const struct gatun_tiled_item *given) {
    const struct gatun_tiled_expert *e = given->expert;
    return tiled_expert_is_sound(e) && sound_prepared(given) && given->tokens >= 1 && given->tokens <= TILED_TOKENS
           && check_array(given->x, given->tokens, e->hidden, given->ldx)
           && check_array(given->y, given->tokens, e->hidden, given->ldy) && given->weights != NULL && given->from >= 0
           && given->from <= given->to && given->to <= e->inner / TILED_ROWS;
}

/* ---- the parts of a block ---- */

static struct tiled_matrix matrix_at(const uint8_t *at, int32_t format, int64_t rows, int64_t columns,
                                     int64_t pairs) {
    struct tiled_matrix m = {.format = format, .rows = rows, .columns = columns, .pairs = pairs, .period = 1};
    int64_t header = format == GATUN_Q2 ? TILED_HEADER : 0;
    int64_t tiles = group_rows_of(&m) * tiles_of(columns);
    int64_t second_bytes = format == GATUN_Q2 ? pairs * 4 : group_rows_of(&m) * entries_of(&m) * TILED_ENTRY * 2;
    m.tiles = at + header;
    m.second = m.tiles + tiles * tiled_bytes(format);
    m.bytes = padded_to(header + tiles * tiled_bytes(format) + second_bytes, TILED_ALIGNMENT);
    if (format == GATUN_Q2) {
        float zero_zero;
        memcpy(&m.zero_scale, at, sizeof m.zero_scale);
        memcpy(&zero_zero, at + sizeof m.zero_scale, sizeof zero_zero);
        m.zero_offset = -zero_zero * m.zero_scale;
        m.period = pairs / greatest_common_divisor(columns, pairs);
    }
    return m;
}

struct tiled_item tiled_expert_of(const struct level_ops *ops, const struct gatun_tiled_expert *e) {
    struct tiled_item item = {.ops = ops, .format = e->format};
    item.runs = e->down_order == GATUN_NATURAL ? TILED_ROWS : 1;
    item.together = e->down_order == GATUN_SIXTEENS ? TILED_TOGETHER : 1;
    int32_t down_format = e->down_order == GATUN_SIXTEENS ? TILED_SIXTEENS : e->format;
    const uint8_t *block = e->block;
    item.gate = matrix_at(block, e->format, e->inner, e->hidden, e->wide_pairs);
    item.up = matrix_at(block + item.gate.bytes, e->format, e->inner, e->hidden, e->wide_pairs);
    item.down = matrix_at(block + item.gate.bytes + item.up.bytes, down_format, e->hidden, e->inner, e->down_pairs);
    return item;
}

struct tiled_item tiled_item_of(const struct level_ops *ops, const struct gatun_tiled_item *given) {
    struct tiled_item item = tiled_expert_of(ops, given->expert);
    item.tokens = (int32_t)given->tokens;
    item.from = given->from;
    item.to = given->to;
    item.x = given->x;
    item.ldx = given->ldx;
    item.weights = given->weights;
    item.y = given->y;
    item.ldy = given->ldy;
    tiled_place_pairs(&item, (void *)given->pairs);
    return item;
}

/* ---- memory and lists ---- */

void *tiled_take(struct tiled_memory *memory, int64_t bytes) {
    char *piece = memory->at == NULL ? NULL : memory->at + memory->bytes;
    memory->bytes += padded_to(bytes, CACHE_LINE);
    return piece;
}

static void number_all(struct tiled_matrix *m) {
    for (int64_t i = 0; i < m->list.count; i++) {
        m->list.numbers[i] = (int32_t)i;
    }
}

/* The first tile of a run of w2 with columns of the item's slices, and the one behind the last. */
static int64_t first_tile_of(const struct tiled_item *item, int64_t run) {
    int64_t slice = run * group_rows_of(&item->gate) + item->from / item->together * item->together;
    return slice * run_values(item) / TILED_COLUMNS;
}

static int64_t end_tile_of(const struct tiled_item *item, int64_t run) {
    int64_t slice = run * group_rows_of(&item->gate) + padded_to(item->to, item->together);
    return tiles_of(slice * run_values(item));
}

/* The tiles of w2 that hold columns of the item's slices, in order; returns how many, and writes them if there is room. */
static int64_t number_slices(const struct tiled_item *item, int32_t *numbers) {
    int64_t count = 0;
    int64_t least = 0;
    for (int64_t run = 0; run < item->runs; run++) {
        int64_t first = first_tile_of(item, run);
        int64_t end = end_tile_of(item, run);
        for (int64_t tile = first > least ? first : least; tile < end; tile++) {
            if (numbers != NULL) {
                numbers[count] = (int32_t)tile;
            }
            count++;
        }
        least = end;
    }
    return count;
}

/* What lies in one run is cut into the same blocks whichever of its slices are wanted. */
static int64_t skipped_tiles(const struct tiled_item *item) {
    return item->runs == 1 ? first_tile_of(item, 0) % TILED_BLOCK : 0;
}

static void place_list(struct tiled_matrix *m, int64_t tiles, int64_t skip, struct tiled_memory *memory) {
    m->list = (struct tiled_list){.count = tiles, .skip = skip};
    m->list.numbers = tiled_take(memory, tiles * (int64_t)sizeof *m->list.numbers);
    m->list.offsets = tiled_take(memory, tiles * (int64_t)sizeof *m->list.offsets);
}

static void fill_offsets(struct tiled_matrix *m) {
    for (int64_t i = 0; i < m->list.count; i++) {
        m->list.offsets[i] = m->list.numbers[i] * tiled_bytes(m->format);
    }
}

/* The blocks [from, to) of w2's. */
static struct tiled_matrix strip_between(const struct tiled_matrix *down, int64_t from, int64_t to) {
    struct tiled_matrix strip = *down;
    int64_t first = block_begin(&down->list, from);
    strip.list.numbers += first;
    strip.list.offsets += first;
    strip.list.count = block_begin(&down->list, to) - first;
    strip.list.skip = from == 0 ? down->list.skip : 0;
    return strip;
}

static void place_strips(struct tiled_item *item, struct tiled_memory *memory) {
    int64_t blocks = tiled_blocks(&item->down.list);
    item->strip_count = (blocks + STRIP_BLOCKS - 1) / STRIP_BLOCKS;
    item->strips = tiled_take(memory, item->strip_count * (int64_t)sizeof *item->strips);
    for (int64_t i = 0; i < item->strip_count; i++) {
        int64_t from = blocks * i / item->strip_count;
        int64_t to = blocks * (i + 1) / item->strip_count;
        int64_t count = item->tokens * (to - from);
        char *inputs = tiled_take(memory, count * item->ops->inputs_bytes);
        char *farthest = tiled_take(memory, farthest_kinds(&item->down) * count * item->ops->farthest_bytes);
        if (memory->at != NULL) {
            item->strips[i] = strip_between(&item->down, from, to);
            item->strips[i].inputs = inputs;
            item->strips[i].farthest = farthest;
        }
    }
}

void tiled_place_item(struct tiled_item *item, struct tiled_memory *memory) {
    place_list(&item->gate, tiles_of(item->gate.columns), 0, memory);
    place_list(&item->down, number_slices(item, NULL), skipped_tiles(item), memory);
    if (memory->at != NULL) {
        number_all(&item->gate);
        number_slices(item, item->down.list.numbers);
        fill_offsets(&item->gate);
        fill_offsets(&item->down);
    }
    item->up.list = item->gate.list;
    place_strips(item, memory);
    item->h = tiled_take(memory, item->tokens * TILED_ROWS * slices_of(item) * (int64_t)sizeof *item->h);
}
