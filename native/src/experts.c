/*
 * experts.c: the chosen experts and their weighted sum.
 *
 * One token: gate and up of all chosen experts in one job, SwiGLU, then their down projections in one job. Several
 * tokens: expert by expert in ascending order, at most SLICE of its tokens at a time, gathered into adjacent rows.
 * Either way a token's experts are added in ascending order, and each sum is the same for any number of threads.
 */
#include <stddef.h>
#include <string.h>

#include "check.h"
#include "multiply.h"

#define SLICE 256
#define SWIGLU_COLUMNS 1024
#define ROWS_PER_CHUNK 8

/* Chosen experts of one token that are computed at once; more take turns. */
#define TOGETHER 16

struct moe {
    const struct gatun_expert *experts;
    int32_t count;
    int32_t top_k;
    int64_t hidden;
    int64_t inner;
    const float *x;
    int64_t ldx;
    int64_t tokens;
    const int32_t *ids;
    const float *weights;
    float *y;
    int64_t ldy;
};

/* ---- checks ---- */

static int same_shape(const struct gatun_matrix *m, int64_t rows, int64_t columns) {
    return check_matrix(m) && m->rows == rows && m->columns == columns;
}

static int sound_experts(const struct moe *moe) {
    for (int32_t e = 0; e < moe->count; e++) {
        const struct gatun_expert *expert = &moe->experts[e];
        if (!same_shape(&expert->gate, moe->inner, moe->hidden) || !same_shape(&expert->up, moe->inner, moe->hidden)
            || !same_shape(&expert->down, moe->hidden, moe->inner)) {
            return 0;
        }
    }
    return 1;
}

static int sound_ids(const struct moe *moe) {
    for (int64_t t = 0; t < moe->tokens; t++) {
        const int32_t *ids = moe->ids + t * moe->top_k;
        for (int32_t j = 0; j < moe->top_k; j++) {
            if (ids[j] < 0 || ids[j] >= moe->count) {
                return 0;
            }
            for (int32_t i = 0; i < j; i++) {
                if (ids[i] == ids[j]) {
                    return 0;
                }
            }
        }
    }
    return 1;
}

/* ---- SwiGLU over rows of [rows][columns], in place in gate ---- */

struct swiglu_job {
    const struct level_ops *ops;
    float *gate;
    const float *up;
    int64_t size;
};

static void swiglu_chunk(const void *argument, int64_t chunk, struct worker *worker) {
    (void)worker;
    const struct swiglu_job *job = argument;
    int64_t from = chunk * SWIGLU_COLUMNS;
    int64_t n = job->size - from < SWIGLU_COLUMNS ? job->size - from : SWIGLU_COLUMNS;
    job->ops->swiglu(job->gate + from, job->up + from, n);
}

/* Rows are padded to whole vectors, so that where a value stands in its vector does not depend on its row. */
static void swiglu_all(struct gatun_pool *pool, float *gate, const float *up, int64_t size) {
    struct swiglu_job job = {pool_level(pool), gate, up, size};
    pool_run(pool, swiglu_chunk, &job, (size + SWIGLU_COLUMNS - 1) / SWIGLU_COLUMNS, size <= 2 * SWIGLU_COLUMNS);
}

/* ---- one token ---- */

/* The place in ids of the n-th smallest id. */
static int32_t ascending(const int32_t *ids, int32_t top_k, int32_t n) {
    for (int32_t j = 0; j < top_k; j++) {
        int32_t smaller = 0;
        for (int32_t i = 0; i < top_k; i++) {
            smaller += ids[i] < ids[j];
        }
        if (smaller == n) {
            return j;
        }
    }
    return 0;
}

/* Adds the experts of rank [from, from + n) to y; `memory` holds n rows of gate, of up and of down. */
static int32_t some_of_one(struct gatun_pool *pool, const struct moe *moe, int32_t from, int32_t n, float *memory) {
    int64_t inner = padded(moe->inner);
    int64_t hidden = padded(moe->hidden);
    float *gate = memory;
    float *up = gate + n * inner;
    float *down = up + n * inner;
    struct gatun_product first[2 * TOGETHER];
    struct gatun_product second[TOGETHER];
    memset(gate, 0, (size_t)(2 * n * inner) * sizeof *gate);
    for (int32_t i = 0; i < n; i++) {
        int32_t place = ascending(moe->ids, moe->top_k, from + i);
        const struct gatun_expert *e = &moe->experts[moe->ids[place]];
        first[2 * i] = (struct gatun_product){&e->gate, moe->x, gate + i * inner, moe->hidden, inner, 1};
        first[2 * i + 1] = (struct gatun_product){&e->up, moe->x, up + i * inner, moe->hidden, inner, 1};
        second[i] = (struct gatun_product){&e->down, gate + i * inner, down + i * hidden, inner, hidden, 1};
    }
    int32_t result = multiply_all(pool, first, 2 * n, 0);
    if (result != GATUN_OK) {
        return result;
    }
    swiglu_all(pool, gate, up, n * inner);
    result = multiply_all(pool, second, n, 0);
    if (result != GATUN_OK) {
        return result;
    }
    for (int32_t i = 0; i < n; i++) {
        float weight = moe->weights[ascending(moe->ids, moe->top_k, from + i)];
        pool_level(pool)->add(down + i * hidden, weight, moe->hidden, moe->y);
    }
    return GATUN_OK;
}

static int32_t one_token(struct gatun_pool *pool, const struct moe *moe) {
    int64_t most = moe->top_k < TOGETHER ? moe->top_k : TOGETHER;
    int64_t floats = most * (2 * padded(moe->inner) + padded(moe->hidden));
    float *memory = pool_shared(pool, (size_t)floats * sizeof(float));
    if (memory == NULL) {
        return GATUN_ENOMEM;
    }
    int32_t result = GATUN_OK;
    for (int32_t from = 0; from < moe->top_k && result == GATUN_OK; from += TOGETHER) {
        int32_t n = moe->top_k - from < TOGETHER ? moe->top_k - from : TOGETHER;
        result = some_of_one(pool, moe, from, n, memory);
    }
    return result;
}

/* ---- several tokens ---- */

/* Tokens of one expert, and where their rows are. */
struct slice {
    const struct level_ops *ops;
    const struct moe *moe;
    int64_t n;
    const int64_t *places; /* token * top_k + rank */
    float *x;              /* [n][hidden] */
    float *gate;           /* [n][padded(inner)] */
    float *up;
    float *down; /* [n][hidden] */
};

static void gather_rows(const void *argument, int64_t chunk, struct worker *worker) {
    (void)worker;
    const struct slice *s = argument;
    const struct moe *moe = s->moe;
    for (int64_t i = chunk * ROWS_PER_CHUNK; i < (chunk + 1) * ROWS_PER_CHUNK && i < s->n; i++) {
        const float *x = moe->x + s->places[i] / moe->top_k * moe->ldx;
        memcpy(s->x + i * moe->hidden, x, (size_t)moe->hidden * sizeof *x);
        int64_t inner = padded(moe->inner);
        for (int64_t k = moe->inner; k < inner; k++) {
            s->gate[i * inner + k] = s->up[i * inner + k] = 0;
        }
    }
}

static void add_rows(const void *argument, int64_t chunk, struct worker *worker) {
    (void)worker;
    const struct slice *s = argument;
    const struct moe *moe = s->moe;
    for (int64_t i = chunk * ROWS_PER_CHUNK; i < (chunk + 1) * ROWS_PER_CHUNK && i < s->n; i++) {
        int64_t place = s->places[i];
        s->ops->add(s->down + i * moe->hidden, moe->weights[place], moe->hidden,
                    moe->y + place / moe->top_k * moe->ldy);
    }
}

static int32_t run_slice(struct gatun_pool *pool, const struct slice *s, const struct gatun_expert *expert) {
    int64_t hidden = s->moe->hidden;
    int64_t inner = padded(s->moe->inner);
    int64_t chunks = (s->n + ROWS_PER_CHUNK - 1) / ROWS_PER_CHUNK;
    pool_run(pool, gather_rows, s, chunks, 0);
    struct gatun_product first[2] = {{&expert->gate, s->x, s->gate, hidden, inner, s->n},
                                     {&expert->up, s->x, s->up, hidden, inner, s->n}};
    int32_t result = multiply_all(pool, first, 2, 1);
    if (result != GATUN_OK) {
        return result;
    }
    swiglu_all(pool, s->gate, s->up, s->n * inner);
    struct gatun_product second = {&expert->down, s->gate, s->down, inner, hidden, s->n};
    result = multiply_all(pool, &second, 1, 1);
    if (result == GATUN_OK) {
        pool_run(pool, add_rows, s, chunks, 0);
    }
    return result;
}

static int64_t longest_slice(const struct moe *moe) {
    return moe->tokens < SLICE ? moe->tokens : SLICE;
}

static int32_t run_expert(struct gatun_pool *pool, const struct moe *moe, int32_t id, struct slice *s,
                          int64_t *places) {
    int64_t pairs = moe->tokens * moe->top_k;
    int64_t place = 0;
    s->places = places;
    while (place < pairs) {
        s->n = 0;
        for (; place < pairs && s->n < longest_slice(moe); place++) {
            if (moe->ids[place] == id) {
                places[s->n++] = place;
            }
        }
        int32_t result = s->n == 0 ? GATUN_OK : run_slice(pool, s, &moe->experts[id]);
        if (result != GATUN_OK) {
            return result;
        }
    }
    return GATUN_OK;
}

static int32_t several_tokens(struct gatun_pool *pool, const struct moe *moe) {
    int64_t n = longest_slice(moe);
    int64_t inner = padded(moe->inner);
    float *memory = pool_shared(pool, (size_t)(n * 2 * (moe->hidden + inner)) * sizeof(float));
    if (memory == NULL || reserve_batch(pool, n) != GATUN_OK) { /* all memory before y is touched */
        return GATUN_ENOMEM;
    }
    int64_t places[SLICE];
    struct slice s = {.ops = pool_level(pool), .moe = moe, .x = memory};
    s.gate = s.x + n * moe->hidden;
    s.up = s.gate + n * inner;
    s.down = s.up + n * inner;
    int32_t result = GATUN_OK;
    for (int32_t id = 0; id < moe->count && result == GATUN_OK; id++) {
        result = run_expert(pool, moe, id, &s, places);
    }
    return result;
}

int32_t gatun_experts(struct gatun_pool *pool, const struct gatun_expert *experts, int32_t count, const float *x,
                      int64_t ldx, int64_t tokens, const int32_t *ids, const float *weights, int32_t top_k, float *y,
                      int64_t ldy) {
    if (pool == NULL || experts == NULL || count <= 0 || top_k <= 0 || top_k > count) {
        return GATUN_EINVAL;
    }
    int64_t hidden = experts[0].gate.columns;
    struct moe moe = {experts, count, top_k, hidden, experts[0].gate.rows, x, ldx, tokens, ids, weights, y, ldy};
    if (!check_array(x, tokens, hidden, ldx) || !check_array(y, tokens, hidden, ldy)
        || !check_array(ids, tokens, top_k, top_k) || !check_array(weights, tokens, top_k, top_k)
        || !sound_experts(&moe) || !sound_ids(&moe)) {
        return GATUN_EINVAL;
    }
    if (tokens == 0 || hidden == 0) {
        return GATUN_OK;
    }
    pool_enter(pool);
    return pool_leave(pool, tokens == 1 ? one_token(pool, &moe) : several_tokens(pool, &moe));
}
