/* tiled_rows.c: one group row of an expert, by those of its tiles that are wanted. */
#include <string.h>

#include "tiled_expert.h"
#include "tiled_order.h"

/* How many slices with the same pairs go together. */
#define SLICES_WITH_PAIRS 4

static int64_t address_bytes(int64_t tiles) {
    return padded_to((tiles + TILED_AHEAD) * (int64_t)sizeof(void *), CACHE_LINE);
}

int64_t tiled_row_scratch(int64_t tiles) {
    return address_bytes(tiles) + tiled_scratch(tiles) * (int64_t)sizeof(float);
}

/* ---- places ---- */

/*
 * Slices are computed in about their order, so that blocks of w2's inputs are complete early. Among some of them those with
 * the same pairs go together.
 */
static int64_t slice_at(const struct tiled_item *item, int64_t place) {
    int64_t together = SLICES_WITH_PAIRS * item->gate.period;
    int64_t first = place / together * together;
    int64_t rest = slices_of(item) - first;
    return item->from + first + row_at(rest < together ? rest : together, item->gate.period, place - first);
}

struct tiled_place tiled_gate_place(const struct tiled_item *item, int64_t place) {
    return (struct tiled_place){item, &item->gate, slice_at(item, place)};
}

struct tiled_place tiled_down_place(const struct tiled_item *item, int64_t strip, int64_t place) {
    const struct tiled_matrix *m = &item->strips[strip];
    return (struct tiled_place){item, m, row_at(group_rows_of(m), m->period, place)};
}

static const uint8_t *tile_of(const struct tiled_place *p, int64_t i) {
    int64_t tile = p->row * tiles_of(p->matrix->columns) + p->matrix->list.numbers[i];
    return p->matrix->tiles + tile * tiled_bytes(p->item->format);
}

void tiled_fetch(const struct tiled_place *place, int64_t i) {
    const uint8_t *tile = tile_of(place, i);
    for (int64_t at = 0; at < tiled_bytes(place->item->format); at += CACHE_LINE) {
        __builtin_prefetch(tile + at, 0, 2);
    }
}

/* ---- a row ---- */

/* The second level of a group row of narrow tiles. */
static const uint16_t *second_of(const struct tiled_place *p) {
    return (const uint16_t *)p->matrix->second + p->row * entries_of(p->matrix) * TILED_ENTRY;
}

/* As much of it as the tiles on the list and those between them have. */
static void fetch_second(const struct tiled_place *p) {
    const struct tiled_list *list = &p->matrix->list;
    const uint16_t *second = second_of(p);
    int32_t format = p->matrix->format;
    int64_t first = list->numbers[0];
    first -= format == TILED_SIXTEENS ? first % (2 * TILED_BLOCK) : 0;
    int64_t end = tiled_entries(format, list->numbers[list->count - 1] + 1);
    const char *to = (const char *)(second + end * TILED_ENTRY);
    for (const char *at = (const char *)(second + first * TILED_ENTRY); at < to; at += CACHE_LINE) {
        __builtin_prefetch(at, 0, 2);
    }
}

/* The pairs of a group row; fetched unless they are those at hand. They are read row by row, not ahead of time. */
static const char *pairs_of(const struct tiled_place *p, const char **at_hand) {
    const char *pairs = prepared_row(p->item, p->matrix, p->row);
    if (pairs != *at_hand) {
        int64_t bytes = tiled_blocks(&p->matrix->list) * p->item->ops->pairs_bytes;
        for (int64_t at = 0; at < bytes; at += CACHE_LINE) {
            __builtin_prefetch(pairs + at, 0, 3);
        }
        *at_hand = pairs;
    }
    return pairs;
}

/* sums[t][i] of a group row. What `next` begins with is fetched meanwhile. */
static void run_row(struct tiled_place place, struct tiled_place next, const char *inputs, const char **pairs_at_hand,
                    void *scratch, float *sums) {
    const struct tiled_item *item = place.item;
    const struct tiled_matrix *m = place.matrix;
    const uint8_t **tiles = scratch;
    int64_t count = m->list.count;
    next = next.matrix == NULL ? place : next;
    for (int64_t i = 0; i < count; i++) {
        tiles[i] = tile_of(&place, i);
    }
    int64_t following = next.matrix->list.count;
    for (int64_t i = 0; i < TILED_AHEAD; i++) {
        tiles[count + i] = tile_of(&next, i < following ? i : following - 1);
    }
    struct tiled_row row = {
        .format = m->format,
        .tokens = item->tokens,
        .list = m->list,
        .tiles = tiles,
        .zero_scale = m->zero_scale,
        .zero_offset = m->zero_offset,
        .inputs = inputs,
        .farthest = farthest_of_row(item, m, place.row),
        .scratch = (float *)((char *)scratch + address_bytes(count)),
        .sums = sums,
    };
    if (item->format == GATUN_Q2N) {
        row.second = second_of(&place);
        if (next.item->format == GATUN_Q2N) {
            fetch_second(&next);
        }
    } else {
        row.pairs = pairs_of(&place, pairs_at_hand);
    }
    item->ops->tiled_row(&row);
}

/* Of a slice of the item; where there is one run, each token's fill a line of their own. */
static void write_inner_values(const struct tiled_item *item, int64_t slice, const float *values) {
    int64_t together = run_values(item);
    for (int64_t t = 0; t < item->tokens; t++) {
        for (int64_t run = 0; run < item->runs; run++) {
            memcpy(run_of(item, t, run) + slice * together, values + t * TILED_ROWS + run * together,
                   (size_t)together * sizeof *values);
        }
    }
}

void tiled_wide_row(struct tiled_place gate, struct tiled_place next, struct tiled_hand *hand) {
    const struct tiled_item *item = gate.item;
    float gate_sums[TILED_TOKENS * TILED_ROWS];
    float up_sums[TILED_TOKENS * TILED_ROWS];
    struct tiled_place up = {item, &item->up, gate.row};
    run_row(gate, up, hand->inputs, &hand->gate_pairs, hand->scratch, gate_sums);
    run_row(up, next, hand->inputs, &hand->up_pairs, hand->scratch, up_sums);
    item->ops->swiglu(gate_sums, up_sums, item->tokens * TILED_ROWS);
    write_inner_values(item, gate.row - item->from, gate_sums);
}

void tiled_down_row(struct tiled_place place, struct tiled_place next, struct tiled_hand *hand, float *sums) {
    run_row(place, next, place.matrix->inputs, &hand->down_pairs, hand->scratch, sums);
}

void tiled_add_sums(struct tiled_place place, const float *sums) {
    const struct tiled_item *item = place.item;
    int64_t rows = group_rows_of(place.matrix);
    for (int64_t t = 0; t < item->tokens; t++) {
        for (int64_t i = 0; i < TILED_ROWS; i++) {
            item->y[t * item->ldy + place.row + rows * i] += item->weights[t] * sums[t * TILED_ROWS + i];
        }
    }
}
