/*
 * tiled.c: one expert from its block of tiles, or some slices of it.
 *
 * Of wide tiles the second-level pairs are widened to float32 first, once for all group rows that share them. Then w1,
 * w3 and SwiGLU: slice s, one group row of w1 and of w3, makes the inner values s, s + G, ..., s + 15 G. Then w2 by its
 * group rows, over the tiles that hold columns of these slices; the other columns of such a tile are zero. Group rows do
 * not depend on each other, so results do not depend on who computes which.
 */
#include <string.h>

#include "check.h"
#include "gatun_cpu.h"
#include "pool.h"
#include "tiled.h"

#define BLOCK_ALIGNMENT 64

/* So that groups are counted in 31 bits, as on the GPU, and no product of sizes overflows. */
#define MOST_SIZE ((int64_t)1 << 24)
#define MOST_GROUPS INT32_MAX

/* Columns whose pairs a chunk widens. */
#define PAIRS_PER_CHUNK 1024

/* One matrix in a block. */
struct tiled_matrix {
    int64_t rows;
    int64_t columns;
    int64_t pairs;
    int64_t period; /* group rows so far apart have the same pairs */
    const uint8_t *tiles;
    const uint8_t *second;
    float zero_scale;
    float zero_offset;
    int64_t bytes;
    float *widened; /* [period][scale, offset][whole tiles] */
};

struct tiled_job {
    const struct level_ops *ops;
    int32_t format;
    int32_t tokens;
    int32_t threads;
    struct tiled_matrix gate;
    struct tiled_matrix up;
    struct tiled_matrix down;
    int64_t from; /* slices */
    int64_t to;
    int32_t *wide_numbers; /* all tiles */
    int32_t *down_numbers; /* those of the slices */
    int64_t down_count;
    const float *x; /* [tokens][whole tiles] */
    int64_t ldx;
    float *h; /* [tokens][whole tiles] */
    int64_t ldh;
    const float *weights;
    float *y;
    int64_t ldy;
};

/* ---- the parts of a block ---- */

static int64_t whole_tiles(const struct tiled_matrix *m) {
    return tiles_of(m->columns) * TILED_COLUMNS;
}

static int64_t group_rows_of(const struct tiled_matrix *m) {
    return m->rows / TILED_ROWS;
}

static int64_t greatest_common_divisor(int64_t a, int64_t b) {
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static struct tiled_matrix matrix_at(const uint8_t *at, int32_t format, int64_t rows, int64_t columns,
                                     int64_t pairs) {
    struct tiled_matrix m = {.rows = rows, .columns = columns, .pairs = pairs, .period = 1};
    int64_t header = format == GATUN_Q2N ? 0 : TILED_HEADER;
    int64_t tiles = group_rows_of(&m) * tiles_of(columns);
    int64_t second_bytes = format == GATUN_Q2N ? tiles * TILED_ENTRY * 2 : pairs * 4;
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

static int sound_expert(const struct gatun_tiled_expert *e) {
    return e != NULL && (e->format == GATUN_Q2 || e->format == GATUN_Q2N) && sound_size(e->hidden)
           && sound_size(e->inner) && sound_pairs(e, e->wide_pairs) && sound_pairs(e, e->down_pairs)
           && e->block != NULL && (uintptr_t)e->block % BLOCK_ALIGNMENT == 0;
}

/* ---- second-level pairs ---- */

static int64_t widened_floats(const struct tiled_matrix *m, int32_t format) {
    return format == GATUN_Q2N ? 0 : m->period * 2 * whole_tiles(m);
}

static float *widened_row(const struct tiled_matrix *m, int64_t row) {
    return m->widened + row % m->period * 2 * whole_tiles(m);
}

static int64_t chunks_in_row(const struct tiled_matrix *m) {
    return (whole_tiles(m) + PAIRS_PER_CHUNK - 1) / PAIRS_PER_CHUNK;
}

/* The pairs of group row `row` from column `from` on; their flat index is that of their groups, modulo their number. */
static void widen_some(const struct tiled_job *job, const struct tiled_matrix *m, int64_t row, int64_t from) {
    const uint16_t *pairs = (const uint16_t *)m->second;
    float *scale = widened_row(m, row);
    float *offset = scale + whole_tiles(m);
    int64_t end = from + PAIRS_PER_CHUNK < m->columns ? from + PAIRS_PER_CHUNK : m->columns;
    int64_t pair = (row * m->columns + from) % m->pairs;
    for (int64_t k = from; k < end;) {
        int64_t run = end - k < m->pairs - pair ? end - k : m->pairs - pair;
        job->ops->widen_pairs(pairs + 2 * pair, run, scale + k, offset + k);
        k += run;
        pair = 0;
    }
    if (end == m->columns) {
        size_t padding = (size_t)(whole_tiles(m) - end) * sizeof *scale;
        memset(scale + end, 0, padding);
        memset(offset + end, 0, padding);
    }
}

static int64_t widen_chunks(const struct tiled_matrix *m) {
    return m->period * chunks_in_row(m);
}

static void widen_chunk(const void *argument, int64_t chunk, struct worker *worker) {
    (void)worker;
    const struct tiled_job *job = argument;
    const struct tiled_matrix *matrices[] = {&job->gate, &job->up, &job->down};
    int i = 0;
    while (chunk >= widen_chunks(matrices[i])) {
        chunk -= widen_chunks(matrices[i++]);
    }
    int64_t in_row = chunks_in_row(matrices[i]);
    widen_some(job, matrices[i], chunk / in_row, chunk % in_row * PAIRS_PER_CHUNK);
}

/* ---- who computes which group rows ---- */

/* Places of group rows. */
struct range {
    int64_t from;
    int64_t to;
};

/*
 * The rows of a chunk, or an empty range behind the last: a chunk for each thread, which together are half of all rows,
 * then again half of the rest, and so on to single rows. So threads stream through long runs and still end together.
 */
static struct range rows_of(int64_t count, int32_t threads, int64_t chunk) {
    int64_t from = 0;
    while (from < count) {
        int64_t step = (count - from) / (2 * (int64_t)threads);
        step = step < 1 ? 1 : step;
        if (chunk < threads) {
            int64_t first = from + chunk * step;
            return (struct range){first < count ? first : count, first + step < count ? first + step : count};
        }
        chunk -= threads;
        from += threads * step;
    }
    return (struct range){count, count};
}

static int64_t chunks_of(int64_t count, int32_t threads) {
    int64_t chunks = 0;
    while (rows_of(count, threads, chunks).from < count) {
        chunks += threads;
    }
    return chunks;
}

/*
 * The group row at a place in the order that brings those with the same pairs together: 0, period, 2 period, ...; then
 * 1, period + 1, ....
 */
static int64_t row_at(int64_t count, int64_t period, int64_t place) {
    int64_t fewest = count / period;
    int64_t longer = count % period; /* residues with one row more */
    if (place < longer * (fewest + 1)) {
        return place / (fewest + 1) + period * (place % (fewest + 1));
    }
    int64_t rest = place - longer * (fewest + 1);
    return longer + rest / fewest + period * (rest % fewest);
}

/* ---- one group row ---- */

/* A group row of a matrix, by which of its tiles. */
struct place {
    const struct tiled_matrix *matrix;
    int64_t row;
    const int32_t *numbers;
    int64_t count;
};

static const uint8_t *tile_of(const struct tiled_job *job, const struct place *p, int64_t i) {
    int64_t tile = p->row * tiles_of(p->matrix->columns) + p->numbers[i];
    return p->matrix->tiles + tile * tiled_bytes(job->format);
}

static int64_t most_tiles(const struct tiled_job *job) {
    int64_t wide = tiles_of(job->gate.columns);
    int64_t down = tiles_of(job->down.columns);
    return wide > down ? wide : down;
}

/* A thread's scratch: addresses of tiles, then what a row needs. */
static int64_t address_bytes(const struct tiled_job *job) {
    return padded_to((most_tiles(job) + TILED_AHEAD) * (int64_t)sizeof(void *), 64);
}

static size_t scratch_bytes(const struct tiled_job *job) {
    return (size_t)(address_bytes(job) + tiled_scratch(most_tiles(job)) * (int64_t)sizeof(float));
}

/* sums[t][i] of a group row; the first tiles of `next` are fetched meanwhile. */
static void run_row(const struct tiled_job *job, const struct place *place, const struct place *next, const float *x,
                    int64_t ldx, void *scratch, float *sums) {
    const struct tiled_matrix *m = place->matrix;
    const uint8_t **tiles = scratch;
    for (int64_t i = 0; i < place->count; i++) {
        tiles[i] = tile_of(job, place, i);
    }
    for (int64_t i = 0; i < TILED_AHEAD; i++) {
        tiles[place->count + i] = tile_of(job, next, i < next->count ? i : next->count - 1);
    }
    struct tiled_row row = {
        .format = job->format,
        .tokens = job->tokens,
        .count = place->count,
        .tiles = tiles,
        .numbers = place->numbers,
        .zero_scale = m->zero_scale,
        .zero_offset = m->zero_offset,
        .x = x,
        .ldx = ldx,
        .scratch = (float *)((char *)scratch + address_bytes(job)),
        .sums = sums,
    };
    if (job->format == GATUN_Q2N) {
        row.second = (const uint16_t *)m->second + place->row * tiles_of(m->columns) * TILED_ENTRY;
    } else {
        row.scale = widened_row(m, place->row);
        row.offset = row.scale + whole_tiles(m);
    }
    job->ops->tiled_row(&row);
}

/* ---- w1, w3 and SwiGLU ---- */

static void write_inner(const struct tiled_job *job, int64_t slice, float *gate, const float *up) {
    int64_t slices = group_rows_of(&job->gate);
    job->ops->swiglu(gate, up, job->tokens * TILED_ROWS);
    for (int64_t t = 0; t < job->tokens; t++) {
        for (int64_t i = 0; i < TILED_ROWS; i++) {
            job->h[t * job->ldh + slice + slices * i] = gate[t * TILED_ROWS + i];
        }
    }
}

static struct place wide_place(const struct tiled_job *job, const struct tiled_matrix *m, int64_t place) {
    int64_t row = job->from + row_at(job->to - job->from, m->period, place);
    return (struct place){m, row, job->wide_numbers, tiles_of(m->columns)};
}

static void wide_chunk(const void *argument, int64_t chunk, struct worker *worker) {
    const struct tiled_job *job = argument;
    struct range range = rows_of(job->to - job->from, job->threads, chunk);
    for (int64_t at = range.from; at < range.to; at++) {
        float gate_sums[TILED_TOKENS * TILED_ROWS];
        float up_sums[TILED_TOKENS * TILED_ROWS];
        struct place gate = wide_place(job, &job->gate, at);
        struct place up = wide_place(job, &job->up, at);
        struct place next = at + 1 < range.to ? wide_place(job, &job->gate, at + 1) : up;
        run_row(job, &gate, &up, job->x, job->ldx, worker->scratch, gate_sums);
        run_row(job, &up, &next, job->x, job->ldx, worker->scratch, up_sums);
        write_inner(job, gate.row, gate_sums, up_sums);
    }
}

/* ---- w2 ---- */

static struct place down_place(const struct tiled_job *job, int64_t place) {
    const struct tiled_matrix *m = &job->down;
    return (struct place){m, row_at(group_rows_of(m), m->period, place), job->down_numbers, job->down_count};
}

static void add_outputs(const struct tiled_job *job, int64_t row, const float *sums) {
    int64_t rows = group_rows_of(&job->down);
    for (int64_t t = 0; t < job->tokens; t++) {
        for (int64_t i = 0; i < TILED_ROWS; i++) {
            job->y[t * job->ldy + row + rows * i] += job->weights[t] * sums[t * TILED_ROWS + i];
        }
    }
}

static void down_chunk(const void *argument, int64_t chunk, struct worker *worker) {
    const struct tiled_job *job = argument;
    struct range range = rows_of(group_rows_of(&job->down), job->threads, chunk);
    for (int64_t at = range.from; at < range.to; at++) {
        float sums[TILED_TOKENS * TILED_ROWS];
        struct place place = down_place(job, at);
        struct place next = at + 1 < range.to ? down_place(job, at + 1) : place;
        run_row(job, &place, &next, job->h, job->ldh, worker->scratch, sums);
        add_outputs(job, place.row, sums);
    }
}

/* ---- the operation ---- */

static void number_all(int32_t *numbers, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        numbers[i] = (int32_t)i;
    }
}

/* The tiles of w2 that hold columns of the slices [from, to), in order; returns how many. */
static int64_t number_slices(int32_t *numbers, int64_t slices, int64_t from, int64_t to) {
    int64_t count = 0;
    int64_t least = 0;
    for (int64_t i = 0; i < TILED_ROWS; i++) {
        int64_t first = (from + slices * i) / TILED_COLUMNS;
        int64_t end = tiles_of(to + slices * i);
        for (int64_t tile = first > least ? first : least; tile < end; tile++) {
            numbers[count++] = (int32_t)tile;
        }
        least = end;
    }
    return count;
}

/* Inputs of whole tiles: a copy with zeros behind, unless they are such already. */
static void pad_inputs(struct tiled_job *job, float *copy) {
    int64_t columns = job->gate.columns;
    int64_t ld = whole_tiles(&job->gate);
    if (columns == ld) {
        return;
    }
    for (int64_t t = 0; t < job->tokens; t++) {
        memcpy(copy + t * ld, job->x + t * job->ldx, (size_t)columns * sizeof *copy);
        memset(copy + t * ld + columns, 0, (size_t)(ld - columns) * sizeof *copy);
    }
    job->x = copy;
    job->ldx = ld;
}

/* Memory that all threads see: pairs, x, h and numbers of tiles. */
static int share(struct gatun_pool *pool, struct tiled_job *job) {
    struct tiled_matrix *matrices[] = {&job->gate, &job->up, &job->down};
    int64_t floats = job->tokens * (whole_tiles(&job->gate) + whole_tiles(&job->down));
    for (int i = 0; i < 3; i++) {
        floats += widened_floats(matrices[i], job->format);
    }
    int64_t numbers = tiles_of(job->gate.columns) + tiles_of(job->down.columns);
    float *memory = pool_shared(pool, (size_t)floats * sizeof(float) + (size_t)numbers * sizeof(int32_t));
    if (memory == NULL || pool_reserve(pool, scratch_bytes(job)) != GATUN_OK) {
        return 0;
    }
    for (int i = 0; i < 3; i++) {
        matrices[i]->widened = memory;
        memory += widened_floats(matrices[i], job->format);
    }
    pad_inputs(job, memory);
    job->h = memory + job->tokens * whole_tiles(&job->gate);
    job->ldh = whole_tiles(&job->down);
    job->wide_numbers = (int32_t *)(job->h + job->tokens * job->ldh);
    job->down_numbers = job->wide_numbers + tiles_of(job->gate.columns);
    return 1;
}

static int32_t run_expert(struct gatun_pool *pool, struct tiled_job *job) {
    if (!share(pool, job)) {
        return GATUN_ENOMEM;
    }
    int64_t slices = group_rows_of(&job->gate);
    number_all(job->wide_numbers, tiles_of(job->gate.columns));
    job->down_count = number_slices(job->down_numbers, slices, job->from, job->to);
    if (job->to - job->from < slices || job->ldh != job->down.columns) {
        memset(job->h, 0, (size_t)(job->tokens * job->ldh) * sizeof *job->h);
    }
    job->ops = pool_level(pool);
    job->threads = pool_threads(pool);
    if (job->format == GATUN_Q2) {
        pool_run(pool, widen_chunk, job, 2 * widen_chunks(&job->gate) + widen_chunks(&job->down), 0);
    }
    pool_run(pool, wide_chunk, job, chunks_of(job->to - job->from, job->threads), 0);
    pool_run(pool, down_chunk, job, chunks_of(group_rows_of(&job->down), job->threads), 0);
    return GATUN_OK;
}

int32_t gatun_tiled_expert(struct gatun_pool *pool, const struct gatun_tiled_expert *expert, int64_t from, int64_t to,
                           const float *x, int64_t ldx, int64_t tokens, const float *weights, float *y, int64_t ldy) {
    if (pool == NULL || !sound_expert(expert) || tokens < 1 || tokens > TILED_TOKENS
        || !check_array(x, tokens, expert->hidden, ldx) || !check_array(y, tokens, expert->hidden, ldy)
        || weights == NULL || from < 0 || from > to || to > expert->inner / TILED_ROWS) {
        return GATUN_EINVAL;
    }
    if (from == to) {
        return GATUN_OK;
    }
    struct tiled_job job = {.format = expert->format, .tokens = (int32_t)tokens, .from = from, .to = to, .x = x,
                            .ldx = ldx, .weights = weights, .y = y, .ldy = ldy};
    const uint8_t *block = expert->block;
    job.gate = matrix_at(block, expert->format, expert->inner, expert->hidden, expert->wide_pairs);
    job.up = matrix_at(block + job.gate.bytes, expert->format, expert->inner, expert->hidden, expert->wide_pairs);
    job.down = matrix_at(block + job.gate.bytes + job.up.bytes, expert->format, expert->hidden, expert->inner,
                         expert->down_pairs);
    pool_enter(pool);
    return pool_leave(pool, run_expert(pool, &job));
}
