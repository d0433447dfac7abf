/* tiled_rows.c: group rows of an expert that go together, by those of their tiles that are wanted. */
#include <string.h>

#include "tiled_expert.h"
#include "tiled_order.h"

static int64_t address_bytes(int64_t tiles) {
    return padded_to((tiles + TILED_AHEAD) * (int64_t)sizeof(void *), CACHE_LINE);
}

int64_t tiled_rows_scratch(int64_t tiles) {
    return address_bytes(TILED_ABREAST * tiles) + TILED_SCRATCH * (int64_t)sizeof(float);
}

/* ---- places ---- */

/*
 * Slices are computed in about their order, so that blocks of w2's inputs are complete early. Among some of them those go
 * together that have the same pairs, or none.
 */
static int64_t slices_together(const struct tiled_item *item) {
    return TILED_ABREAST * item->gate.period;
}

static int64_t slice_at(const struct tiled_item *item, int64_t place) {
    int64_t together = slices_together(item);
    int64_t first = place / together * together;
    int64_t rest = slices_of(item) - first;
    return item->from + first + row_at(rest < together ? rest : together, item->gate.period, place - first);
}

int64_t tiled_places_of(const struct tiled_item *item, int64_t slices) {
    int64_t places = padded_to(slices, slices_together(item));
    return places < slices_of(item) ? places : slices_of(item);
}

/* Rows that may go together from a place on, with as many places left in the item or strip. */
static int64_t most_rows(int64_t most, int64_t left) {
    int64_t rows = most < left ? most : left;
    return rows < TILED_ABREAST ? rows : TILED_ABREAST;
}

/* The row at a place of w1 and w3, or of a strip of w2. */
static int64_t row_of_place(const struct tiled_item *item, const struct tiled_matrix *m, int64_t place) {
    return m == &item->gate ? slice_at(item, place) : row_at(group_rows_of(m), m->period, place);
}

static struct tiled_place rows_from(const struct tiled_item *item, const struct tiled_matrix *m, int64_t place,
                                    int64_t most) {
    struct tiled_place rows = {item, m, row_of_place(item, m, place), 1};
    while (rows.rows < most && row_of_place(item, m, place + rows.rows) == tiled_row_at(&rows, rows.rows)) {
        rows.rows++;
    }
    return rows;
}

struct tiled_place tiled_gate_place(const struct tiled_item *item, int64_t place, int64_t most) {
    return rows_from(item, &item->gate, place, most_rows(most, slices_of(item) - place));
}

struct tiled_place tiled_down_place(const struct tiled_item *item, int64_t strip, int64_t place, int64_t most) {
    const struct tiled_matrix *m = &item->strips[strip];
    return rows_from(item, m, place, most_rows(most, group_rows_of(m) - place));
}

/* Writes where the first tiles of a place are, at most `most`, in the order in which they are computed; returns how many. */
static int64_t first_tiles(const struct tiled_place *place, int64_t most, const uint8_t **tiles) {
    const struct tiled_matrix *m = place->matrix;
    const int64_t together = tiled_run(m->format);
    const int64_t row_bytes = tiles_of(m->columns) * tiled_bytes(m->format);
    int64_t count = 0;
    for (int64_t run = 0; count < most && run < tiled_blocks(&m->list); run += together) {
        int64_t first = block_begin(&m->list, run);
        int64_t all = block_begin(&m->list, run + together) - first;
        for (int32_t r = 0; r < place->rows; r++) {
            const uint8_t *row = m->tiles + tiled_row_at(place, r) * row_bytes;
            int64_t wanted = all < most - count ? all : most - count;
            for (int64_t i = 0; i < wanted; i++) {
                tiles[count + i] = row + m->list.offsets[first + i];
            }
            count += wanted;
        }
    }
    return count;
}

/* From memory to the second-level cache. */
static void fetch_bytes(const void *from, int64_t bytes) {
    for (int64_t at = -(int64_t)((uintptr_t)from % CACHE_LINE); at < bytes; at += CACHE_LINE) {
        __builtin_prefetch((const char *)from + at, 0, 2);
    }
}

void tiled_fetch(const struct tiled_place *place, int64_t from, int64_t to) {
    const uint8_t *tiles[FIRST_TILES];
    int64_t count = first_tiles(place, to < FIRST_TILES ? to : FIRST_TILES, tiles);
    for (int64_t i = from; i < count; i++) {
        fetch_bytes(tiles[i], tiled_bytes(place->matrix->format));
    }
}

/* ---- rows ---- */

/* Numbers of the second level of a group row of narrow tiles. */
static int64_t second_stride(const struct tiled_matrix *m) {
    return entries_of(m) * TILED_ENTRY;
}

/* That of group rows that go together: they adjoin. */
static const uint16_t *second_of(const struct tiled_place *p) {
    return (const uint16_t *)p->matrix->second + p->row * second_stride(p->matrix);
}

/* Fetches as much of it as the tiles on the list and those between them have; returns where that begins. */
static const uint16_t *fetch_second(const struct tiled_place *p) {
    const struct tiled_list *list = &p->matrix->list;
    int32_t format = p->matrix->format;
    int64_t first = list->numbers[0];
    first -= format == TILED_SIXTEENS ? first % (2 * TILED_BLOCK) : 0;
    int64_t entries = tiled_entries(format, list->numbers[list->count - 1] + 1) - first;
    const uint16_t *second = second_of(p) + first * TILED_ENTRY;
    for (int32_t r = 0; r < p->rows; r++) {
        fetch_bytes(second + r * second_stride(p->matrix), entries * TILED_ENTRY * (int64_t)sizeof *second);
    }
    return second;
}

/* The pairs of group rows; fetched unless they are those at hand. They are read block by block, not ahead of time. */
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

/* The tiles of a place, then those that `next` begins with, if there is one; where these are too few, the last one again. */
static void list_tiles(const struct tiled_place *place, const struct tiled_place *next, const uint8_t **tiles) {
    int64_t count = first_tiles(place, INT64_MAX, tiles);
    int64_t following = next->matrix == NULL ? 0 : first_tiles(next, TILED_AHEAD, tiles + count);
    for (int64_t i = following; i < TILED_AHEAD; i++) {
        tiles[count + i] = tiles[count + i - 1];
    }
}

/* sums[row][t][i] of a place. What `next` begins with is fetched meanwhile. */
static void run_rows(struct tiled_place place, struct tiled_place next, const char *inputs, const char **pairs_at_hand,
                     void *scratch, float *sums) {
    const struct tiled_item *item = place.item;
    const struct tiled_matrix *m = place.matrix;
    const uint8_t **tiles = scratch;
    list_tiles(&place, &next, tiles);
    struct tiled_rows rows = {
        .format = m->format,
        .tokens = item->tokens,
        .rows = place.rows,
        .list = m->list,
        .tiles = tiles,
        .zero_scale = m->zero_scale,
        .zero_offset = m->zero_offset,
        .inputs = inputs,
        .farthest = farthest_of_row(item, m, place.row),
        .scratch = (float *)((char *)scratch + address_bytes(place.rows * m->list.count)),
        .sums = sums,
    };
    if (item->format == GATUN_Q2N) {
        rows.second = second_of(&place);
        rows.second_stride = second_stride(m);
    } else {
        rows.pairs = pairs_of(&place, pairs_at_hand);
    }
    if (next.matrix != NULL && next.item->format == GATUN_Q2N) {
        rows.following = fetch_second(&next);
    }
    item->ops->tiled_rows(&rows);
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

void tiled_wide_rows(struct tiled_place gate, struct tiled_place next, struct tiled_hand *hand) {
    const struct tiled_item *item = gate.item;
    int64_t values = item->tokens * TILED_ROWS;
    float gate_sums[TILED_ABREAST * TILED_TOKENS * TILED_ROWS];
    float up_sums[TILED_ABREAST * TILED_TOKENS * TILED_ROWS];
    struct tiled_place up = {item, &item->up, gate.row, gate.rows};
    run_rows(gate, up, hand->inputs, &hand->gate_pairs, hand->scratch, gate_sums);
    run_rows(up, next, hand->inputs, &hand->up_pairs, hand->scratch, up_sums);
    item->ops->swiglu(gate_sums, up_sums, gate.rows * values);
    for (int32_t i = 0; i < gate.rows; i++) {
        write_inner_values(item, tiled_row_at(&gate, i) - item->from, gate_sums + i * values);
    }
}

void tiled_down_rows(struct tiled_place place, struct tiled_place next, struct tiled_hand *hand, float *sums) {
    run_rows(place, next, place.matrix->inputs, &hand->down_pairs, hand->scratch, sums);
}

void tiled_add_sums(const struct tiled_item *item, int64_t row, const float *sums) {
    int64_t rows = group_rows_of(&item->down);
    for (int64_t t = 0; t < item->tokens; t++) {
        for (int64_t i = 0; i < TILED_ROWS; i++) {
            item->y[t * item->ldy + row + rows * i] += item->weights[t] * sums[t * TILED_ROWS + i];
        }
    }
}
