/*
 * tiled.c: some experts, or slices of them, straight from their blocks of tiles.
 *
 * One job with three stages, each over all items. WIDE is w1, w3 and SwiGLU: slice s, one group row of w1 and of w3, makes
 * the inner values s, s + G, ..., s + 15 G. INPUTS makes the inputs of w2 from the inner values. DOWN is w2 by its group
 * rows, over the tiles that hold columns of the item's slices: first all rows of a strip of these tiles, then of the next.
 *
 * Threads claim chunks of the stages one after the other, only those of INPUTS that the first chunks of WIDE complete before
 * the rest of WIDE. The rows of a strip wait for its own blocks of w2's inputs, and a block for its own slices alone: most are
 * there when the first threads are done with WIDE, and the last ones when they are needed. Only where w2's order is natural has
 * a slice columns all over it, so that a block waits for all of the item's. The inputs of w1 and w3 every thread makes for
 * itself, as that takes no longer than to have them from others. Who waits fetches from memory what it will compute first; and
 * the chunk that follows is claimed before the last rows of the one before, so that its first tiles are on their way.
 *
 * Group rows do not depend on each other, and items and their strips are added to a group row of y in their order, so results
 * do not depend on who computes which.
 */
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#include "gatun_cpu.h"
#include "pool.h"
#include "tiled_expert.h"
#include "tiled_order.h"

enum stage { WIDE, INPUTS, DOWN, STAGES };

/* A number that all threads raise, on a line of its own. */
struct counter {
    alignas(CACHE_LINE) atomic_int_fast64_t value;
};

struct tiled_job {
    struct gatun_pool *pool;
    int32_t threads;
    int32_t count;
    int64_t rows; /* group rows of w2 */
    struct tiled_item *items;
    int64_t units[STAGES];      /* of all items */
    int64_t chunks[STAGES];
    int64_t early;              /* chunks of INPUTS that are claimed early, behind so many of WIDE */
    int64_t early_behind;
    struct counter *filled;     /* [blocks of inputs of w2]: slices */
    struct counter *ready;      /* [strips]: blocks */
    atomic_int_fast64_t *added; /* [group rows of w2]: strips */
    int64_t inputs_bytes;       /* the most of an item's inputs of w1 and w3 */
};

/* Some units of a stage, at least one; none behind all stages. */
struct chunk {
    enum stage stage;
    struct range units;
};

/* A unit of a stage within its item. */
struct unit {
    const struct tiled_item *item;
    int64_t index;  /* of the item */
    int64_t number; /* in the item */
};

/* ---- stages, chunks and units ---- */

static int64_t units_of(const struct tiled_item *item, enum stage stage) {
    switch (stage) {
    case WIDE:
        return slices_of(item);
    case INPUTS:
        return tiled_blocks(&item->down.list);
    default:
        return item->strip_count * group_rows_of(&item->down);
    }
}

static int is_of_rows(enum stage stage) {
    return stage == WIDE || stage == DOWN;
}

/*
 * Units that are divided into chunks together. Those of a strip of w2 are, so that the strips before it are added to its rows
 * long before it is.
 */
static int64_t divided_units(const struct tiled_job *job, enum stage stage) {
    return stage == WIDE ? job->units[WIDE] : job->rows;
}

static int64_t chunks_of(const struct tiled_job *job, enum stage stage) {
    if (job->units[stage] == 0 || stage == INPUTS) {
        return job->units[stage];
    }
    int64_t units = divided_units(job, stage);
    return job->units[stage] / units * ranges_of(units, job->threads);
}

static struct range units_at(const struct tiled_job *job, enum stage stage, int64_t chunk) {
    if (stage == INPUTS) {
        return (struct range){chunk, chunk + 1};
    }
    int64_t units = divided_units(job, stage);
    int64_t chunks = ranges_of(units, job->threads);
    struct range range = range_of(units, job->threads, chunk % chunks);
    int64_t first = chunk / chunks * units;
    return (struct range){first + range.from, first + range.to};
}

/* How many blocks of w2's inputs are complete with the first so many units of WIDE. */
static int64_t complete_blocks(const struct tiled_job *job, int64_t units) {
    int64_t complete = 0;
    for (int32_t i = 0; i < job->count; i++) {
        const struct tiled_item *item = &job->items[i];
        int64_t slices = 0;
        for (int64_t block = 0; block < units_of(item, INPUTS); block++) {
            slices = item->runs == 1 ? slices + tiled_slices_in(item, block) : slices_of(item);
            if (tiled_places_of(item, slices) > units) {
                return complete;
            }
            complete++;
        }
        units -= slices_of(item);
    }
    return complete;
}

/*
 * Blocks that the first round of chunks completes are claimed behind the second round: by then they are complete but for a
 * thread that lags behind, and the first rows of w2 need not wait for them.
 */
static void count_chunks(struct tiled_job *job) {
    for (int s = 0; s < STAGES; s++) {
        job->units[s] = 0;
        for (int32_t i = 0; i < job->count; i++) {
            job->units[s] += units_of(&job->items[i], s);
        }
        job->chunks[s] = chunks_of(job, s);
    }
    if (job->chunks[WIDE] > 2 * (int64_t)job->threads) {
        job->early_behind = 2 * (int64_t)job->threads;
        job->early = complete_blocks(job, range_of(job->units[WIDE], job->threads, job->threads).from);
    }
}

static struct chunk chunk_of(const struct tiled_job *job, enum stage stage, int64_t number) {
    return (struct chunk){stage, units_at(job, stage, number)};
}

static struct chunk claim(const struct tiled_job *job) {
    int64_t number = pool_claim(job->pool);
    if (number >= job->early_behind && number < job->early_behind + job->early) {
        return chunk_of(job, INPUTS, number - job->early_behind);
    }
    if (number < job->chunks[WIDE] + job->early) {
        return chunk_of(job, WIDE, number < job->early_behind ? number : number - job->early);
    }
    number -= job->chunks[WIDE];
    if (number < job->chunks[INPUTS]) {
        return chunk_of(job, INPUTS, number);
    }
    number -= job->chunks[INPUTS];
    return number < job->chunks[DOWN] ? chunk_of(job, DOWN, number) : (struct chunk){STAGES, {0, 0}};
}

static struct unit unit_at(const struct tiled_job *job, enum stage stage, int64_t number) {
    int64_t i = 0;
    while (number >= units_of(&job->items[i], stage)) {
        number -= units_of(&job->items[i++], stage);
    }
    return (struct unit){&job->items[i], i, number};
}

static int64_t strip_of(struct unit row) {
    return row.number / group_rows_of(&row.item->down);
}

static struct tiled_place place_of(enum stage stage, struct unit row, int64_t most) {
    if (stage == WIDE) {
        return tiled_gate_place(row.item, row.number, most);
    }
    return tiled_down_place(row.item, strip_of(row), row.number % group_rows_of(&row.item->down), most);
}

/* The group rows that a chunk begins with, if it is one of rows. */
static struct tiled_place first_rows_of(const struct tiled_job *job, struct chunk chunk) {
    if (!is_of_rows(chunk.stage)) {
        return (struct tiled_place){0};
    }
    return place_of(chunk.stage, unit_at(job, chunk.stage, chunk.units.from), chunk.units.to - chunk.units.from);
}

/* ---- waiting ---- */

/* Returns when the counter is at `least`. Meanwhile it fetches what rows begin with. */
static void await(const struct tiled_job *job, const struct counter *counter, int64_t least, struct tiled_place rows) {
    for (int64_t i = 0; i < FIRST_TILES && atomic_load_explicit(&counter->value, memory_order_relaxed) < least; i++) {
        tiled_fetch(&rows, i, i + 1);
    }
    pool_await(job->pool, &counter->value, least);
}

static void count_one(struct counter *counter) {
    atomic_fetch_add_explicit(&counter->value, 1, memory_order_release);
}

/* ---- rows or a block ---- */

/* Experts of one token have the same inputs. */
static int is_held(const struct tiled_hand *hand, const struct tiled_item *item) {
    const struct tiled_item *held = hand->held;
    return held != NULL && held->format == item->format && held->tokens == item->tokens && held->x == item->x
           && held->ldx == item->ldx;
}

/* Has the inputs of an item's w1 and w3 at hand. Meanwhile some of what its rows begin with is fetched. */
static void hold(const struct tiled_item *item, struct tiled_place rows, struct tiled_hand *hand) {
    if (is_held(hand, item)) {
        return;
    }
    for (int64_t block = 0; block < tiled_blocks(&item->gate.list); block++) {
        tiled_fetch(&rows, block * TILED_BLOCK, (block + 1) * TILED_BLOCK);
        tiled_make_wide_inputs(item, block, hand->inputs);
    }
    hand->held = item;
}

static void run_wide_rows(const struct tiled_job *job, struct tiled_place place, struct tiled_place next,
                          struct tiled_hand *hand) {
    const struct tiled_item *item = place.item;
    hold(item, place, hand);
    tiled_wide_rows(place, next, hand);
    for (int32_t i = 0; i < place.rows; i++) {
        count_one(&job->filled[item->first_block + tiled_block_of(item, tiled_row_at(&place, i))]);
    }
}

/* Group rows of a strip: what comes before is added to them first. */
static void run_down_rows(const struct tiled_job *job, struct tiled_place place, struct tiled_place next,
                          struct tiled_hand *hand) {
    float sums[TILED_ABREAST * TILED_TOKENS * TILED_ROWS];
    int64_t turn = place.item->first_strip + (place.matrix - place.item->strips);
    await(job, &job->ready[turn], tiled_blocks(&place.matrix->list), place);
    tiled_down_rows(place, next, hand, sums);
    for (int32_t i = 0; i < place.rows; i++) {
        int64_t row = tiled_row_at(&place, i);
        pool_await(job->pool, &job->added[row], turn);
        tiled_add_sums(place.item, row, sums + i * place.item->tokens * TILED_ROWS);
        atomic_store_explicit(&job->added[row], turn + 1, memory_order_release);
    }
}

/* A block of w2's inputs. */
static void make_inputs(const struct tiled_job *job, struct unit unit) {
    const struct tiled_item *item = unit.item;
    int64_t strip = 0;
    int64_t block = unit.number;
    while (block >= tiled_blocks(&item->strips[strip].list)) {
        block -= tiled_blocks(&item->strips[strip++].list);
    }
    int64_t counted = item->runs == 1 ? unit.number : 0;
    pool_await(job->pool, &job->filled[item->first_block + counted].value, tiled_slices_in(item, unit.number));
    tiled_make_down_inputs(item, &item->strips[strip], block);
    count_one(&job->ready[item->first_strip + strip]);
}

/* ---- what every thread does ---- */

/* Claims the chunk that follows, too. */
static struct chunk run_rows(const struct tiled_job *job, struct chunk chunk, struct tiled_hand *hand) {
    struct chunk following;
    struct tiled_place next = first_rows_of(job, chunk);
    do {
        struct tiled_place place = next;
        chunk.units.from += place.rows;
        int is_last = chunk.units.from == chunk.units.to;
        if (is_last) {
            following = claim(job);
        }
        next = first_rows_of(job, is_last ? following : chunk);
        if (chunk.stage == WIDE) {
            run_wide_rows(job, place, next, hand);
        } else {
            run_down_rows(job, place, next, hand);
        }
    } while (chunk.units.from < chunk.units.to);
    return following;
}

/* Runs a chunk and claims the one that follows. */
static struct chunk run_chunk(const struct tiled_job *job, struct chunk chunk, struct tiled_hand *hand) {
    if (is_of_rows(chunk.stage)) {
        return run_rows(job, chunk, hand);
    }
    struct chunk following = claim(job);
    struct tiled_place next = first_rows_of(job, following);
    if (next.matrix != NULL) {
        tiled_fetch(&next, 0, TILED_AHEAD);
    }
    make_inputs(job, unit_at(job, INPUTS, chunk.units.from));
    return following;
}

static void run_chunks(const void *argument, struct worker *worker) {
    const struct tiled_job *job = argument;
    struct tiled_hand hand = {.inputs = worker->scratch, .scratch = (char *)worker->scratch + job->inputs_bytes};
    struct chunk chunk = claim(job);
    while (chunk.stage != STAGES) {
        chunk = run_chunk(job, chunk, &hand);
    }
}

/* ---- the operation ---- */

static int is_wanted(const struct gatun_tiled_item *given) {
    return given->from < given->to;
}

static int sound_items(const struct gatun_tiled_item *given, int32_t count) {
    if (count < 0 || (count > 0 && given == NULL)) {
        return 0;
    }
    for (int32_t i = 0; i < count; i++) {
        if (!tiled_item_is_sound(&given[i]) || given[i].expert->hidden != given[0].expert->hidden) {
            return 0;
        }
    }
    return 1;
}

/* What a job takes. */
struct needs {
    int64_t blocks; /* of inputs of w2 */
    int64_t strips;
    int64_t tiles;        /* the most of a row */
    int64_t inputs_bytes; /* the most of w1 and w3 */
};

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Lays the items out in memory. While that is only measured, the job is NULL. */
static struct needs place_items(struct tiled_job *job, struct tiled_memory *memory, const struct level_ops *ops,
                                const struct gatun_tiled_item *given, int32_t count) {
    struct needs needs = {0};
    for (int32_t i = 0; i < count; i++) {
        if (!is_wanted(&given[i])) {
            continue;
        }
        struct tiled_item item = tiled_item_of(ops, &given[i]);
        tiled_place_item(&item, memory);
        item.first_block = needs.blocks;
        item.first_strip = needs.strips;
        if (job != NULL) {
            job->items[job->count++] = item;
        }
        needs.blocks += tiled_blocks(&item.down.list);
        needs.strips += item.strip_count;
        needs.tiles = larger(needs.tiles, larger(item.gate.list.count, item.down.list.count));
        needs.inputs_bytes = larger(needs.inputs_bytes, tiled_wide_inputs(&item));
    }
    return needs;
}

/* The job's own memory, for so many items with so many group rows of w2. */
static struct tiled_job *place_job(struct tiled_memory *memory, int32_t items, struct needs needs, int64_t rows) {
    struct tiled_job *job = tiled_take(memory, sizeof *job);
    struct tiled_item *item = tiled_take(memory, items * (int64_t)sizeof *item);
    int64_t from = memory->bytes;
    struct counter *filled = tiled_take(memory, needs.blocks * (int64_t)sizeof *filled);
    struct counter *ready = tiled_take(memory, needs.strips * (int64_t)sizeof *ready);
    atomic_int_fast64_t *added = tiled_take(memory, rows * (int64_t)sizeof *added);
    if (job != NULL) {
        *job = (struct tiled_job){.items = item, .filled = filled, .ready = ready, .added = added};
        job->inputs_bytes = needs.inputs_bytes;
        memset(memory->at + from, 0, (size_t)(memory->bytes - from));
    }
    return job;
}

/* In memory of the pool; NULL when there is none. */
static struct tiled_job *new_job(struct gatun_pool *pool, const struct gatun_tiled_item *given, int32_t count) {
    const struct level_ops *ops = pool_level(pool);
    int64_t rows = count == 0 ? 0 : given[0].expert->hidden / TILED_ROWS;
    struct tiled_memory memory = {NULL, 0};
    struct needs needs = place_items(NULL, &memory, ops, given, count);
    place_job(&memory, count, needs, rows);
    memory = (struct tiled_memory){pool_shared(pool, (size_t)memory.bytes), 0};
    int64_t scratch = needs.inputs_bytes + tiled_rows_scratch(needs.tiles);
    if (memory.at == NULL || pool_reserve(pool, (size_t)scratch) != GATUN_OK) {
        return NULL;
    }
    struct tiled_job *job = place_job(&memory, count, needs, rows);
    job->pool = pool;
    job->threads = pool_threads(pool);
    job->rows = rows;
    place_items(job, &memory, ops, given, count);
    count_chunks(job);
    return job;
}

int32_t gatun_tiled_begin(struct gatun_pool *pool, const struct gatun_tiled_item *items, int32_t count) {
    if (pool == NULL || !sound_items(items, count)) {
        return GATUN_EINVAL;
    }
    pool_enter(pool);
    struct tiled_job *job = new_job(pool, items, count);
    if (job == NULL) {
        return pool_leave(pool, GATUN_ENOMEM);
    }
    pool_open(pool, run_chunks, job, job->count == 0);
    return GATUN_OK;
}

int32_t gatun_tiled_finish(struct gatun_pool *pool) {
    if (pool == NULL || !pool_is_open(pool)) {
        return GATUN_EINVAL;
    }
    pool_close(pool);
    return pool_leave(pool, GATUN_OK);
}

int32_t gatun_tiled_experts(struct gatun_pool *pool, const struct gatun_tiled_item *items, int32_t count) {
    int32_t code = gatun_tiled_begin(pool, items, count);
    return code == GATUN_OK ? gatun_tiled_finish(pool) : code;
}
