/*
 * tiled.c: some experts, or slices of them, straight from their blocks of tiles.
 *
 * One job with five stages, each over all items. PREPARE makes the second-level pairs of w1 and w3 and their inputs. WIDE
 * is w1, w3 and SwiGLU: slice s, one group row of w1 and of w3, makes the inner values s, s + G, ..., s + 15 G. DOWN_PAIRS
 * makes the pairs of w2, and keeps those busy who are done with WIDE early. INPUTS makes the inputs of w2 from all inner
 * values. DOWN is w2 by its group rows, over the tiles that hold columns of the item's slices.
 *
 * Threads claim chunks of the stages one after the other. Who has to wait for the stages before fetches from memory what
 * it will compute first, so that memory is not idle meanwhile; and the chunk that follows is claimed before the last row
 * of the one before, so that its first tiles are on their way.
 *
 * Group rows do not depend on each other, and items are added to a group row of y in their order, so results do not depend
 * on who computes which.
 */
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#include "gatun_cpu.h"
#include "pool.h"
#include "tiled_expert.h"
#include "tiled_order.h"

enum stage { PREPARE, WIDE, DOWN_PAIRS, INPUTS, DOWN, STAGES };

/* How many stages must be complete before a chunk of this one. */
static const int AWAITED[STAGES] = {[WIDE] = WIDE, [INPUTS] = INPUTS, [DOWN] = DOWN};

/* Blocks of inputs of w2 that go together, so that some threads have none and can fetch. */
#define INPUT_BLOCKS 2

/* A number that all threads raise, on a line of its own. */
struct counter {
    alignas(64) atomic_int_fast64_t value;
};

struct tiled_job {
    struct gatun_pool *pool;
    int32_t threads;
    int32_t count;
    struct tiled_item *items;
    int64_t units[STAGES];      /* of all items */
    int64_t ends[STAGES];       /* the number of the first chunk behind a stage */
    struct counter *done;       /* [STAGES]: chunks */
    atomic_int_fast64_t *added; /* [group rows of w2]: items */
};

/* Some units of a stage. Behind all stages there are empty ones. */
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
    case PREPARE:
        return 2 * tiled_pair_blocks(item, &item->gate) + tiled_input_blocks(&item->gate);
    case WIDE:
        return slices_of(item);
    case DOWN_PAIRS:
        return tiled_pair_blocks(item, &item->down);
    case INPUTS:
        return (tiled_input_blocks(&item->down) + INPUT_BLOCKS - 1) / INPUT_BLOCKS;
    default:
        return group_rows_of(&item->down);
    }
}

static int is_of_rows(enum stage stage) {
    return stage == WIDE || stage == DOWN;
}

static void count_chunks(struct tiled_job *job) {
    int64_t end = 0;
    for (int s = 0; s < STAGES; s++) {
        job->units[s] = 0;
        for (int32_t i = 0; i < job->count; i++) {
            job->units[s] += units_of(&job->items[i], s);
        }
        end += is_of_rows(s) ? ranges_of(job->units[s], job->threads) : job->units[s];
        job->ends[s] = end;
    }
}

static int64_t chunks_of(const struct tiled_job *job, int stage) {
    return job->ends[stage] - (stage == 0 ? 0 : job->ends[stage - 1]);
}

static struct chunk claim(const struct tiled_job *job) {
    int64_t number = pool_claim(job->pool);
    int stage = 0;
    while (stage < STAGES && number >= job->ends[stage]) {
        stage++;
    }
    if (stage == STAGES) {
        return (struct chunk){STAGES, {0, 0}};
    }
    int64_t i = number - (stage == 0 ? 0 : job->ends[stage - 1]);
    return (struct chunk){stage, is_of_rows(stage) ? range_of(job->units[stage], job->threads, i)
                                                   : (struct range){i, i + 1}};
}

static struct unit unit_at(const struct tiled_job *job, enum stage stage, int64_t number) {
    int64_t i = 0;
    while (number >= units_of(&job->items[i], stage)) {
        number -= units_of(&job->items[i++], stage);
    }
    return (struct unit){&job->items[i], i, number};
}

/* The group row that a chunk begins with, if it is one of rows. */
static struct tiled_place first_row_of(const struct tiled_job *job, struct chunk chunk) {
    if (!is_of_rows(chunk.stage) || chunk.units.from == chunk.units.to) {
        return (struct tiled_place){NULL, NULL, 0};
    }
    struct unit unit = unit_at(job, chunk.stage, chunk.units.from);
    return chunk.stage == WIDE ? tiled_gate_place(unit.item, unit.number) : tiled_down_place(unit.item, unit.number);
}

/* ---- one chunk ---- */

static void prepare(const struct tiled_job *job, struct chunk chunk) {
    struct unit unit = unit_at(job, chunk.stage, chunk.units.from);
    const struct tiled_item *item = unit.item;
    int64_t pairs = tiled_pair_blocks(item, &item->gate);
    if (unit.number < pairs) {
        tiled_prepare_pairs(item, &item->gate, unit.number);
    } else if (unit.number < 2 * pairs) {
        tiled_prepare_pairs(item, &item->up, unit.number - pairs);
    } else {
        tiled_prepare_wide_inputs(item, unit.number - 2 * pairs);
    }
}

static void prepare_inputs(const struct tiled_job *job, struct chunk chunk) {
    struct unit unit = unit_at(job, INPUTS, chunk.units.from);
    int64_t blocks = tiled_input_blocks(&unit.item->down);
    for (int64_t i = unit.number * INPUT_BLOCKS; i < blocks && i < (unit.number + 1) * INPUT_BLOCKS; i++) {
        tiled_prepare_down_inputs(unit.item, i);
    }
}

/* A group row of w2: the items before are added to it first. */
static void run_down_row(const struct tiled_job *job, struct unit unit, struct tiled_place next, void *scratch) {
    float sums[TILED_TOKENS * TILED_ROWS];
    struct tiled_place place = tiled_down_place(unit.item, unit.number);
    tiled_run_row(place, next, scratch, sums);
    atomic_int_fast64_t *added = &job->added[place.row];
    pool_await(job->pool, added, unit.index);
    tiled_add_sums(place, sums);
    atomic_store_explicit(added, unit.index + 1, memory_order_release);
}

/* Claims the chunk that follows, too. */
static struct chunk run_rows(const struct tiled_job *job, struct chunk chunk, void *scratch) {
    struct chunk following;
    do {
        struct unit unit = unit_at(job, chunk.stage, chunk.units.from++);
        int is_last = chunk.units.from == chunk.units.to;
        if (is_last) {
            following = claim(job);
        }
        struct tiled_place next = first_row_of(job, is_last ? following : chunk);
        if (chunk.stage == WIDE) {
            tiled_wide_row(unit.item, unit.number, next, scratch);
        } else {
            run_down_row(job, unit, next, scratch);
        }
    } while (chunk.units.from < chunk.units.to);
    return following;
}

/* ---- what every thread does ---- */

/* Returns when all stages before `end` are complete. Meanwhile it fetches a row. */
static void await_stages(const struct tiled_job *job, int end, struct tiled_place row) {
    int64_t fetched = 0;
    for (int s = 0; s < end; s++) {
        const atomic_int_fast64_t *done = &job->done[s].value;
        while (row.matrix != NULL && fetched < row.matrix->list.count
               && atomic_load_explicit(done, memory_order_relaxed) < chunks_of(job, s)) {
            tiled_fetch(&row, fetched++);
        }
        pool_await(job->pool, done, chunks_of(job, s));
    }
}

/* Runs a chunk and claims the one that follows. */
static struct chunk run_chunk(const struct tiled_job *job, struct chunk chunk, void *scratch) {
    if (is_of_rows(chunk.stage) && chunk.units.from < chunk.units.to) {
        await_stages(job, AWAITED[chunk.stage], first_row_of(job, chunk));
        return run_rows(job, chunk, scratch);
    }
    struct chunk following = claim(job);
    await_stages(job, AWAITED[chunk.stage], first_row_of(job, following));
    switch (chunk.stage) {
    case PREPARE:
        prepare(job, chunk);
        break;
    case DOWN_PAIRS: {
        struct unit unit = unit_at(job, DOWN_PAIRS, chunk.units.from);
        tiled_prepare_pairs(unit.item, &unit.item->down, unit.number);
        break;
    }
    case INPUTS:
        prepare_inputs(job, chunk);
        break;
    default:
        break; /* no rows */
    }
    return following;
}

static void run_chunks(const void *argument, struct worker *worker) {
    const struct tiled_job *job = argument;
    struct chunk chunk = claim(job);
    while (chunk.stage != STAGES) {
        enum stage stage = chunk.stage;
        chunk = run_chunk(job, chunk, worker->scratch);
        atomic_fetch_add_explicit(&job->done[stage].value, 1, memory_order_release);
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

/* The job's own memory, for so many items with so many group rows of w2. */
static struct tiled_job *place_job(struct tiled_memory *memory, int32_t items, int64_t rows) {
    struct tiled_job *job = tiled_take(memory, sizeof *job);
    struct counter *done = tiled_take(memory, STAGES * sizeof *done);
    struct tiled_item *item = tiled_take(memory, items * (int64_t)sizeof *item);
    atomic_int_fast64_t *added = tiled_take(memory, rows * (int64_t)sizeof *added);
    if (job != NULL) {
        *job = (struct tiled_job){.items = item, .done = done, .added = added};
        memset(done, 0, STAGES * sizeof *done);
        memset(added, 0, (size_t)rows * sizeof *added);
    }
    return job;
}

/* Lays the job out in memory. While that is only measured, the job is NULL. Returns the most tiles of a row. */
static int64_t place_items(struct tiled_job *job, struct tiled_memory *memory, const struct level_ops *ops,
                           const struct gatun_tiled_item *given, int32_t count) {
    int64_t most = 0;
    for (int32_t i = 0; i < count; i++) {
        if (!is_wanted(&given[i])) {
            continue;
        }
        struct tiled_item item = tiled_item_of(ops, &given[i]);
        tiled_place_item(&item, memory);
        if (job != NULL) {
            job->items[job->count++] = item;
        }
        most = item.gate.list.count > most ? item.gate.list.count : most;
        most = item.down.list.count > most ? item.down.list.count : most;
    }
    return most;
}

/* In memory of the pool; NULL when there is none. */
static struct tiled_job *new_job(struct gatun_pool *pool, const struct gatun_tiled_item *given, int32_t count) {
    const struct level_ops *ops = pool_level(pool);
    int64_t rows = count == 0 ? 0 : given[0].expert->hidden / TILED_ROWS;
    struct tiled_memory memory = {NULL, 0};
    place_job(&memory, count, rows);
    int64_t most = place_items(NULL, &memory, ops, given, count);
    memory = (struct tiled_memory){pool_shared(pool, (size_t)memory.bytes), 0};
    if (memory.at == NULL || pool_reserve(pool, (size_t)tiled_row_scratch(most)) != GATUN_OK) {
        return NULL;
    }
    struct tiled_job *job = place_job(&memory, count, rows);
    job->pool = pool;
    job->threads = pool_threads(pool);
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
