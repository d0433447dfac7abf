/*
 * multiply.c: products cut into chunks.
 *
 * One token: a chunk is a run of rows (dense) or of groups (HQQ) of about CHUNK_BYTES of weights, so that a thread
 * streams and still all threads finish together. Several tokens, and scales of 4 bits: a chunk is one row tile by a block of
 * tokens. The grid depends on the shapes alone.
 */
#include "multiply.h"

#include <string.h>

#include "check.h"

#define CHUNK_BYTES (192 * 1024)
#define ROW_QUANTUM 4

/* Work too small to be worth waking a thread for: bytes of weights, times tokens. */
#define ALONE_BYTES (48 * 1024)

/* A tile's sums and one block of columns of these tokens' inputs fit in the level-two cache. */
#define TOKEN_BLOCK 252
#define TOKEN_QUANTUM 12
#define ENOUGH_CHUNKS 64

/* More rows of prepared metas than this are made block by block instead. */
#define MOST_PREPARED 16

/* Products whose plan fits in the caller's stack; more take turns. */
#define PLANS 64

struct plan {
    const struct gatun_product *product;
    int batch;
    int64_t chunks;
    int64_t step;          /* rows, groups or tokens in a chunk */
    int64_t tiles;         /* batch: row tiles in a token block */
    int64_t tiles_in_group;
    int64_t prepared_rows; /* one token, HQQ: rows of metas prepared per thread */
};

struct multiply {
    const struct level_ops *ops;
    const struct plan *plans;
};

static int64_t ceiling(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static int64_t at_least(int64_t a, int64_t least) {
    return a < least ? least : a;
}

static int64_t row_bytes(const struct gatun_matrix *m) {
    return m->columns * (m->dtype == GATUN_F32 ? 4 : 2);
}

static int64_t group_bytes(const struct gatun_matrix *m) {
    return (byte_rows_of(m) + 2) * m->columns;
}

static int64_t weight_bytes(const struct gatun_matrix *m) {
    return m->kind == GATUN_DENSE ? m->rows * row_bytes(m) : groups_of(m) * group_bytes(m);
}

/* ---- one token ---- */

/* Metas repeat after this many rows of groups; 0 when not by whole rows, or too rarely to keep. */
static int64_t prepared_rows(const struct gatun_matrix *m) {
    int64_t metas = metas_of(m);
    if (m->columns % metas == 0) {
        return 1;
    }
    int64_t rows = metas / m->columns;
    return metas % m->columns == 0 && rows <= MOST_PREPARED ? rows : 0;
}

static int64_t prepared_floats(const struct plan *plan) {
    return 2 * plan->prepared_rows * whole_panels(plan->product->matrix->columns);
}

static struct plan plan_one(const struct gatun_product *product) {
    const struct gatun_matrix *m = product->matrix;
    struct plan plan = {.product = product};
    if (m->kind == GATUN_DENSE) {
        plan.step = at_least(CHUNK_BYTES / row_bytes(m) / ROW_QUANTUM * ROW_QUANTUM, ROW_QUANTUM);
        plan.chunks = ceiling(m->rows, plan.step);
    } else {
        plan.step = at_least(CHUNK_BYTES / group_bytes(m), 1);
        plan.chunks = ceiling(groups_of(m), plan.step);
        plan.prepared_rows = prepared_rows(m);
    }
    return plan;
}

static void run_one(const struct level_ops *ops, const struct plan *plan, int64_t index, int64_t chunk,
                    struct worker *worker) {
    const struct gatun_product *p = plan->product;
    const struct gatun_matrix *m = p->matrix;
    int64_t from = chunk * plan->step;
    int64_t units = m->kind == GATUN_DENSE ? m->rows : groups_of(m);
    int64_t to = from + plan->step < units ? from + plan->step : units;
    if (m->kind == GATUN_DENSE) {
        ops->matvec_dense(m, p->x, from, to, p->y);
        return;
    }
    float *prepared = worker->scratch;
    float *scratch = prepared + prepared_floats(plan);
    if (plan->prepared_rows > 0 && worker->prepared != index) {
        ops->prepare_hqq(m, p->x, plan->prepared_rows, prepared);
        worker->prepared = index;
    }
    ops->matvec_hqq(m, p->x, plan->prepared_rows > 0 ? prepared : NULL, plan->prepared_rows, from, to, scratch, p->y);
}

/* ---- several tokens ---- */

static struct plan plan_batch(const struct gatun_product *product) {
    const struct gatun_matrix *m = product->matrix;
    struct plan plan = {.product = product, .batch = 1, .tiles_in_group = 1};
    if (m->kind == GATUN_DENSE) {
        plan.tiles = ceiling(m->rows, TILE_ROWS);
    } else {
        plan.tiles_in_group = ceiling(byte_rows_of(m), TILE_ROWS / fields_of(m));
        plan.tiles = groups_of(m) * plan.tiles_in_group;
    }
    int64_t blocks = at_least(ceiling(product->tokens, TOKEN_BLOCK), ceiling(ENOUGH_CHUNKS, plan.tiles));
    plan.step = ceiling(ceiling(product->tokens, blocks), TOKEN_QUANTUM) * TOKEN_QUANTUM;
    plan.chunks = plan.tiles * ceiling(product->tokens, plan.step);
    return plan;
}

static struct tile tile_at(const struct plan *plan, int64_t index) {
    const struct gatun_matrix *m = plan->product->matrix;
    if (m->kind == GATUN_DENSE) {
        int64_t first = index * TILE_ROWS;
        int64_t left = m->rows - first;
        return (struct tile){first, 0, left < TILE_ROWS ? left : TILE_ROWS};
    }
    int64_t most = TILE_ROWS / fields_of(m);
    int64_t from = index % plan->tiles_in_group * most;
    int64_t left = byte_rows_of(m) - from;
    return (struct tile){index / plan->tiles_in_group, from, (left < most ? left : most) * fields_of(m)};
}

static void run_batch(const struct level_ops *ops, const struct plan *plan, int64_t chunk, struct worker *worker) {
    const struct gatun_product *p = plan->product;
    struct tile tile = tile_at(plan, chunk % plan->tiles);
    int64_t token = chunk / plan->tiles * plan->step;
    int64_t left = p->tokens - token;
    ops->multiply_tile(p->matrix, &tile, p->x + token * p->ldx, p->ldx, left < plan->step ? left : plan->step,
                       p->y + token * p->ldy, p->ldy, worker->scratch);
}

/* ---- jobs ---- */

static void run_chunk(const void *argument, int64_t chunk, struct worker *worker) {
    const struct multiply *job = argument;
    int64_t index = 0;
    while (chunk >= job->plans[index].chunks) {
        chunk -= job->plans[index].chunks;
        index++;
    }
    const struct plan *plan = &job->plans[index];
    if (plan->batch) {
        run_batch(job->ops, plan, chunk, worker);
    } else {
        run_one(job->ops, plan, index, chunk, worker);
    }
}

/* The largest step that plan_batch gives to at most `tokens` tokens. */
static int64_t longest_step(int64_t tokens) {
    int64_t most = tokens < TOKEN_BLOCK ? tokens : TOKEN_BLOCK;
    return ceiling(most, TOKEN_QUANTUM) * TOKEN_QUANTUM;
}

int32_t reserve_batch(struct gatun_pool *pool, int64_t tokens) {
    return pool_reserve(pool, (size_t)tile_scratch(longest_step(tokens)) * sizeof(float));
}

static int64_t scratch_floats(const struct plan *plan) {
    const struct gatun_matrix *m = plan->product->matrix;
    if (plan->batch) {
        return tile_scratch(plan->step);
    }
    return m->kind == GATUN_DENSE ? 0 : prepared_floats(plan) + matvec_scratch(m);
}

/* Products without a sum to make are finished here: no rows, no tokens, or y = 0 for want of columns. */
static int is_empty(const struct gatun_product *p) {
    return p->tokens == 0 || p->matrix->rows == 0 || p->matrix->columns == 0;
}

static void finish_empty(const struct gatun_product *p) {
    for (int64_t t = 0; t < p->tokens && p->matrix->rows > 0; t++) {
        memset(p->y + t * p->ldy, 0, (size_t)p->matrix->rows * sizeof *p->y);
    }
}

static int32_t multiply_some(struct gatun_pool *pool, const struct gatun_product *products, int32_t count, int batch) {
    struct plan plans[PLANS];
    int32_t planned = 0;
    int64_t chunks = 0;
    int64_t bytes = 0;
    int64_t floats = 0;
    for (int32_t i = 0; i < count; i++) {
        const struct gatun_product *p = &products[i];
        if (is_empty(p)) {
            continue;
        }
        int several = batch || p->tokens > 1 || is_narrow(p->matrix);
        plans[planned] = several ? plan_batch(p) : plan_one(p);
        floats = at_least(floats, scratch_floats(&plans[planned]));
        chunks += plans[planned].chunks;
        bytes = at_least(bytes, ALONE_BYTES) == ALONE_BYTES ? bytes + weight_bytes(p->matrix) * p->tokens : bytes;
        planned++;
    }
    int32_t result = pool_reserve(pool, (size_t)floats * sizeof(float));
    if (result != GATUN_OK) {
        return result;
    }
    for (int32_t i = 0; i < count; i++) {
        if (is_empty(&products[i])) {
            finish_empty(&products[i]);
        }
    }
    struct multiply job = {pool_level(pool), plans};
    pool_run(pool, run_chunk, &job, chunks, bytes < ALONE_BYTES);
    return GATUN_OK;
}

int32_t multiply_all(struct gatun_pool *pool, const struct gatun_product *products, int32_t count, int batch) {
    int32_t result = GATUN_OK;
    for (int32_t i = 0; i < count && result == GATUN_OK; i += PLANS) {
        result = multiply_some(pool, products + i, count - i < PLANS ? count - i : PLANS, batch);
    }
    return result;
}

int32_t gatun_multiply(struct gatun_pool *pool, const struct gatun_product *products, int32_t count) {
    if (pool == NULL || count < 0 || (count > 0 && products == NULL)) {
        return GATUN_EINVAL;
    }
    for (int32_t i = 0; i < count; i++) {
        if (!check_product(&products[i])) {
            return GATUN_EINVAL;
        }
    }
    pool_enter(pool);
    return pool_leave(pool, multiply_all(pool, products, count, 0));
}
