/*
 * tiled.c: one expert from its block of tiles, or some slices of it.
 *
 * Of wide tiles the second-level pairs are prepared first, once for all group rows that share them. Then w1, w3 and
 * SwiGLU: slice s, one group row of w1 and of w3, makes the inner values s, s + G, ..., s + 15 G. Then w2 by its group
 * rows, over the tiles that hold columns of these slices; the other columns of such a tile are zero. Each thread prepares
 * the inputs of a phase for itself, which is faster than waiting for others. Group rows do not depend on each other, so
 * results do not depend on who computes which.
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

#define BLOCK_COLUMNS (TILED_BLOCK * TILED_COLUMNS)

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
    struct tiled_list list; /* the tiles of a row that are wanted */
    char *prepared;         /* [period][blocks of the list] */
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
    const float *x;
    int64_t ldx;
    float *h;
    int64_t ldh;
    const float *weights;
    float *y;
    int64_t ldy;
};

/* ---- the parts of a block ---- */

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

static int64_t row_bytes(const struct tiled_job *job, const struct tiled_matrix *m) {
    return tiled_blocks(m->list.count) * job->ops->pairs_bytes;
}

static int64_t prepared_bytes(const struct tiled_job *job, const struct tiled_matrix *m) {
    return job->format == GATUN_Q2N ? 0 : m->period * row_bytes(job, m);
}

static char *prepared_row(const struct tiled_job *job, const struct tiled_matrix *m, int64_t row) {
    return m->prepared + row % m->period * row_bytes(job, m);
}

/* Columns of a tile, which may reach behind the last. */
static int64_t columns_of(const struct tiled_matrix *m, int64_t tile) {
    int64_t rest = m->columns - tile * TILED_COLUMNS;
    return rest < TILED_COLUMNS ? rest : TILED_COLUMNS;
}

/* The pairs of a tile of group row `row`; their flat index is that of their groups, modulo their number. */
static void widen_tile(const struct tiled_job *job, const struct tiled_matrix *m, int64_t row, int64_t tile,
                       float *scale, float *offset) {
    const uint16_t *pairs = (const uint16_t *)m->second;
    int64_t columns = columns_of(m, tile);
    int64_t pair = (row * m->columns + tile * TILED_COLUMNS) % m->pairs;
    for (int64_t k = 0; k < columns;) {
        int64_t run = columns - k < m->pairs - pair ? columns - k : m->pairs - pair;
        job->ops->widen_pairs(pairs + 2 * pair, run, scale + k, offset + k);
        k += run;
        pair = 0;
    }
    size_t padding = (size_t)(TILED_COLUMNS - columns) * sizeof *scale;
    memset(scale + columns, 0, padding);
    memset(offset + columns, 0, padding);
}

/* Tiles of a block. */
static int64_t tiles_in(const struct tiled_list *list, int64_t block) {
    int64_t rest = list->count - block * TILED_BLOCK;
    return rest < TILED_BLOCK ? rest : TILED_BLOCK;
}

static void prepare_pairs(const struct tiled_job *job, const struct tiled_matrix *m, int64_t row, int64_t block) {
    float scale[BLOCK_COLUMNS];
    float offset[BLOCK_COLUMNS];
    int64_t tiles = tiles_in(&m->list, block);
    for (int64_t i = 0; i < tiles; i++) {
        int64_t at = i * TILED_COLUMNS;
        widen_tile(job, m, row, m->list.numbers[block * TILED_BLOCK + i], scale + at, offset + at);
    }
    char *to = prepared_row(job, m, row) + block * job->ops->pairs_bytes;
    job->ops->prepare_pairs(scale, offset, tiles, to);
}

static int64_t pair_chunks(const struct tiled_matrix *m) {
    return m->period * tiled_blocks(m->list.count);
}

static void pair_chunk(const void *argument, int64_t chunk, struct worker *worker) {
    (void)worker;
    const struct tiled_job *job = argument;
    const struct tiled_matrix *matrices[] = {&job->gate, &job->up, &job->down};
    int i = 0;
    while (chunk >= pair_chunks(matrices[i])) {
        chunk -= pair_chunks(matrices[i++]);
    }
    int64_t blocks = tiled_blocks(matrices[i]->list.count);
    prepare_pairs(job, matrices[i], chunk / blocks, chunk % blocks);
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

/* A group row of a matrix. */
struct place {
    const struct tiled_matrix *matrix;
    int64_t row;
};

static const uint8_t *tile_of(const struct tiled_job *job, const struct place *p, int64_t i) {
    int64_t tile = p->row * tiles_of(p->matrix->columns) + p->matrix->list.numbers[i];
    return p->matrix->tiles + tile * tiled_bytes(job->format);
}

static int64_t most_tiles(const struct tiled_job *job) {
    return job->gate.list.count > job->down.list.count ? job->gate.list.count : job->down.list.count;
}

/* A thread's scratch: addresses of tiles, the inputs, then what a row needs. */
static int64_t address_bytes(const struct tiled_job *job) {
    return padded_to((most_tiles(job) + TILED_AHEAD) * (int64_t)sizeof(void *), 64);
}

static int64_t inputs_bytes(const struct tiled_job *job) {
    return job->tokens * tiled_blocks(most_tiles(job)) * job->ops->inputs_bytes;
}

static size_t scratch_bytes(const struct tiled_job *job) {
    int64_t row = tiled_scratch(most_tiles(job)) * (int64_t)sizeof(float);
    return (size_t)(address_bytes(job) + inputs_bytes(job) + row);
}

static void *inputs_in(const struct tiled_job *job, const struct worker *worker) {
    return (char *)worker->scratch + address_bytes(job);
}

/* The columns of a block of tiles, zeros behind the last. */
static void gather_inputs(const struct tiled_matrix *m, int64_t block, const float *x, float *to) {
    int64_t tiles = tiles_in(&m->list, block);
    for (int64_t i = 0; i < tiles; i++) {
        int64_t tile = m->list.numbers[block * TILED_BLOCK + i];
        int64_t columns = columns_of(m, tile);
        memcpy(to + i * TILED_COLUMNS, x + tile * TILED_COLUMNS, (size_t)columns * sizeof *x);
        memset(to + i * TILED_COLUMNS + columns, 0, (size_t)(TILED_COLUMNS - columns) * sizeof *x);
    }
}

/* What a matrix is multiplied with, once for each thread and phase. */
static void prepare_inputs(const struct tiled_job *job, const struct tiled_matrix *m, const float *x, int64_t ldx,
                           struct worker *worker) {
    if (worker->prepared == 1) {
        return;
    }
    char *to = inputs_in(job, worker);
    for (int64_t t = 0; t < job->tokens; t++) {
        for (int64_t block = 0; block < tiled_blocks(m->list.count); block++) {
            float columns[BLOCK_COLUMNS];
            gather_inputs(m, block, x + t * ldx, columns);
            job->ops->prepare_inputs(columns, tiles_in(&m->list, block), to);
            to += job->ops->inputs_bytes;
        }
    }
    worker->prepared = 1;
}

/* sums[t][i] of a group row; the first tiles of `next` are fetched meanwhile. */
static void run_row(const struct tiled_job *job, const struct place *place, const struct place *next,
                    struct worker *worker, float *sums) {
    const struct tiled_matrix *m = place->matrix;
    const uint8_t **tiles = worker->scratch;
    int64_t count = m->list.count;
    for (int64_t i = 0; i < count; i++) {
        tiles[i] = tile_of(job, place, i);
    }
    for (int64_t i = 0; i < TILED_AHEAD; i++) {
        tiles[count + i] = tile_of(job, next, i < count ? i : count - 1);
    }
    char *inputs = inputs_in(job, worker);
    struct tiled_row row = {
        .format = job->format,
        .tokens = job->tokens,
        .list = m->list,
        .tiles = tiles,
        .zero_scale = m->zero_scale,
        .zero_offset = m->zero_offset,
        .inputs = inputs,
        .scratch = (float *)(inputs + inputs_bytes(job)),
        .sums = sums,
    };
    if (job->format == GATUN_Q2N) {
        row.second = (const uint16_t *)m->second + place->row * tiles_of(m->columns) * TILED_ENTRY;
    } else {
        row.pairs = prepared_row(job, m, place->row);
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
    return (struct place){m, row};
}

static void wide_chunk(const void *argument, int64_t chunk, struct worker *worker) {
    const struct tiled_job *job = argument;
    struct range range = rows_of(job->to - job->from, job->threads, chunk);
    prepare_inputs(job, &job->gate, job->x, job->ldx, worker);
    for (int64_t at = range.from; at < range.to; at++) {
        float gate_sums[TILED_TOKENS * TILED_ROWS];
        float up_sums[TILED_TOKENS * TILED_ROWS];
        struct place gate = wide_place(job, &job->gate, at);
        struct place up = wide_place(job, &job->up, at);
        struct place next = at + 1 < range.to ? wide_place(job, &job->gate, at + 1) : up;
        run_row(job, &gate, &up, worker, gate_sums);
        run_row(job, &up, &next, worker, up_sums);
        write_inner(job, gate.row, gate_sums, up_sums);
    }
}

/* ---- w2 ---- */

static struct place down_place(const struct tiled_job *job, int64_t place) {
    const struct tiled_matrix *m = &job->down;
    return (struct place){m, row_at(group_rows_of(m), m->period, place)};
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
    prepare_inputs(job, &job->down, job->h, job->ldh, worker);
    for (int64_t at = range.from; at < range.to; at++) {
        float sums[TILED_TOKENS * TILED_ROWS];
        struct place place = down_place(job, at);
        struct place next = at + 1 < range.to ? down_place(job, at + 1) : place;
        run_row(job, &place, &next, worker, sums);
        add_outputs(job, place.row, sums);
    }
}

/* ---- the operation ---- */

static int64_t number_all(int32_t *numbers, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        numbers[i] = (int32_t)i;
    }
    return count;
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

static int64_t list_bytes(const struct tiled_matrix *m) {
    return padded_to(tiles_of(m->columns) * (int64_t)sizeof(int32_t), 64);
}

static int64_t inner_bytes(const struct tiled_job *job) {
    return padded_to(job->tokens * job->ldh * (int64_t)sizeof(float), 64);
}

/* In memory that all threads see: which tiles are wanted. */
static void list_tiles(struct tiled_job *job, char *memory) {
    int32_t *wide = (int32_t *)memory;
    int32_t *down = (int32_t *)(memory + list_bytes(&job->gate));
    int64_t slices = group_rows_of(&job->gate);
    job->gate.list = (struct tiled_list){wide, number_all(wide, tiles_of(job->gate.columns))};
    job->up.list = job->gate.list;
    job->down.list = (struct tiled_list){down, number_slices(down, slices, job->from, job->to)};
}

/* Memory for lists of tiles, h and pairs, and what each thread needs. */
static int share(struct gatun_pool *pool, struct tiled_job *job) {
    struct tiled_matrix *matrices[] = {&job->gate, &job->up, &job->down};
    int64_t bytes = list_bytes(&job->gate) + list_bytes(&job->down) + inner_bytes(job);
    for (int i = 0; i < 3; i++) {
        matrices[i]->list.count = tiles_of(matrices[i]->columns);
        bytes += prepared_bytes(job, matrices[i]);
    }
    char *memory = pool_shared(pool, (size_t)bytes);
    if (memory == NULL || pool_reserve(pool, scratch_bytes(job)) != GATUN_OK) {
        return 0;
    }
    list_tiles(job, memory);
    memory += list_bytes(&job->gate) + list_bytes(&job->down);
    job->h = (float *)memory;
    memory += inner_bytes(job);
    for (int i = 0; i < 3; i++) {
        matrices[i]->prepared = memory;
        memory += prepared_bytes(job, matrices[i]);
    }
    return 1;
}

static int32_t run_expert(struct gatun_pool *pool, struct tiled_job *job) {
    job->ops = pool_level(pool);
    job->threads = pool_threads(pool);
    job->ldh = job->down.columns;
    if (!share(pool, job)) {
        return GATUN_ENOMEM;
    }
    if (job->to - job->from < group_rows_of(&job->gate)) {
        memset(job->h, 0, (size_t)(job->tokens * job->ldh) * sizeof *job->h);
    }
    if (job->format == GATUN_Q2) {
        pool_run(pool, pair_chunk, job, 2 * pair_chunks(&job->gate) + pair_chunks(&job->down), 0);
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
