/* tokens.c: the operations that treat each token alone: embedding, norm, sum, rotation, storing keys and values. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "gatun_cpu.h"
#include "pool.h"

#define TOKENS_PER_CHUNK 8

/* Pairs of a rotation whose cosines and sines are held at a time. */
#define TURN_BLOCK 256

struct token_job {
    const struct level_ops *ops;
    const struct gatun_matrix *matrix;
    const struct gatun_kv *kv;
    const int32_t *ids;
    const float *x;
    const float *x2;
    const float *frequencies;
    float *y;
    int64_t ldx;
    int64_t ldx2;
    int64_t ldy;
    int64_t tokens;
    int64_t columns;
    int64_t position;
    float epsilon;
    int32_t heads;
    int32_t head_size;
    void (*one)(const struct token_job *job, int64_t token);
};

static void run_tokens(const void *argument, int64_t chunk, struct worker *worker) {
    (void)worker;
    const struct token_job *job = argument;
    int64_t from = chunk * TOKENS_PER_CHUNK;
    int64_t to = from + TOKENS_PER_CHUNK < job->tokens ? from + TOKENS_PER_CHUNK : job->tokens;
    for (int64_t t = from; t < to; t++) {
        job->one(job, t);
    }
}

static int32_t for_tokens(struct gatun_pool *pool, struct token_job *job) {
    pool_enter(pool);
    job->ops = pool_level(pool);
    pool_run(pool, run_tokens, job, (job->tokens + TOKENS_PER_CHUNK - 1) / TOKENS_PER_CHUNK, 0);
    return pool_leave(pool, GATUN_OK);
}

/* ---- embedding ---- */

static void embed_one(const struct token_job *job, int64_t t) {
    const struct gatun_matrix *m = job->matrix;
    int64_t size = m->dtype == GATUN_F32 ? 4 : 2;
    const char *row = (const char *)m->weights + job->ids[t] * m->columns * size;
    job->ops->widen(row, m->dtype, m->columns, job->y + t * job->ldy);
}

int32_t gatun_embed(struct gatun_pool *pool, const struct gatun_matrix *table, const int32_t *ids, int64_t tokens,
                    float *y, int64_t ldy) {
    if (pool == NULL || !check_dense(table) || !check_array(ids, tokens, 1, 1)
        || !check_array(y, tokens, table->columns, ldy)) {
        return GATUN_EINVAL;
    }
    for (int64_t t = 0; t < tokens; t++) {
        if (ids[t] < 0 || ids[t] >= table->rows) {
            return GATUN_EINVAL;
        }
    }
    struct token_job job = {.one = embed_one, .matrix = table, .ids = ids, .tokens = tokens, .y = y, .ldy = ldy};
    return for_tokens(pool, &job);
}

/* ---- norm ---- */

static void norm_one(const struct token_job *job, int64_t t) {
    const struct gatun_matrix *w = job->matrix;
    job->ops->rms_norm(job->x + t * job->ldx, w->weights, w->dtype, w->columns, job->epsilon, job->y + t * job->ldy);
}

int32_t gatun_rms_norm(struct gatun_pool *pool, const struct gatun_matrix *weight, float epsilon, const float *x,
                       int64_t ldx, int64_t tokens, float *y, int64_t ldy) {
    if (pool == NULL || !check_dense(weight) || weight->rows != 1 || !check_array(x, tokens, weight->columns, ldx)
        || !check_array(y, tokens, weight->columns, ldy)) {
        return GATUN_EINVAL;
    }
    struct token_job job = {.one = norm_one, .matrix = weight, .epsilon = epsilon, .x = x, .ldx = ldx,
                            .tokens = tokens, .y = y, .ldy = ldy};
    return for_tokens(pool, &job);
}

/* ---- sum ---- */

static void add_one(const struct token_job *job, int64_t t) {
    job->ops->add(job->x + t * job->ldx, 1, job->columns, job->y + t * job->ldy);
}

int32_t gatun_add(struct gatun_pool *pool, const float *x, int64_t ldx, int64_t tokens, int64_t columns, float *y,
                  int64_t ldy) {
    if (pool == NULL || !check_array(x, tokens, columns, ldx) || !check_array(y, tokens, columns, ldy)) {
        return GATUN_EINVAL;
    }
    struct token_job job = {.one = add_one, .x = x, .ldx = ldx, .tokens = tokens, .columns = columns, .y = y,
                            .ldy = ldy};
    return for_tokens(pool, &job);
}

/* ---- rotation ---- */

/* The angle in double and within a half turn before it is rounded: position times frequency may be large. */
static void angles(int64_t position, const float *frequencies, int64_t n, float *cosines, float *sines) {
    const double turn = 6.283185307179586;
    for (int64_t i = 0; i < n; i++) {
        double angle = (double)position * (double)frequencies[i];
        float rest = (float)(angle - turn * rint(angle / turn));
        cosines[i] = cosf(rest);
        sines[i] = sinf(rest);
    }
}

/* The pairs [from, from + n) of one head, brought together, turned and put back. */
static void turn_block(const struct token_job *job, float *head, int64_t from, int64_t n, const float *cosines,
                       const float *sines) {
    int64_t half = job->head_size / 2;
    if (n == half) {
        job->ops->turn(head, half, cosines, sines);
        return;
    }
    float pairs[2 * TURN_BLOCK];
    memcpy(pairs, head + from, (size_t)n * sizeof *head);
    memcpy(pairs + n, head + half + from, (size_t)n * sizeof *head);
    job->ops->turn(pairs, n, cosines, sines);
    memcpy(head + from, pairs, (size_t)n * sizeof *head);
    memcpy(head + half + from, pairs + n, (size_t)n * sizeof *head);
}

static void rope_one(const struct token_job *job, int64_t t) {
    float cosines[TURN_BLOCK];
    float sines[TURN_BLOCK];
    int64_t half = job->head_size / 2;
    for (int64_t from = 0; from < half; from += TURN_BLOCK) {
        int64_t n = half - from < TURN_BLOCK ? half - from : TURN_BLOCK;
        angles(job->position + t, job->frequencies + from, n, cosines, sines);
        for (int64_t h = 0; h < job->heads; h++) {
            turn_block(job, job->y + t * job->ldy + h * job->head_size, from, n, cosines, sines);
        }
    }
}

int32_t gatun_rope(struct gatun_pool *pool, float *x, int64_t ldx, int64_t tokens, int32_t heads, int32_t head_size,
                   int64_t position, const float *inverse_frequencies) {
    if (pool == NULL || heads < 0 || head_size < 0 || head_size % 2 != 0 || position < 0
        || !check_array(x, tokens, (int64_t)heads * head_size, ldx)
        || !check_array(inverse_frequencies, 1, head_size / 2, head_size / 2)) {
        return GATUN_EINVAL;
    }
    struct token_job job = {.one = rope_one, .y = x, .ldy = ldx, .tokens = tokens, .heads = heads,
                            .head_size = head_size, .position = position, .frequencies = inverse_frequencies};
    return for_tokens(pool, &job);
}

/* ---- keys and values ---- */

static void append_one(const struct token_job *job, int64_t t) {
    const struct gatun_kv *kv = job->kv;
    int64_t size = kv->dtype == GATUN_F32 ? 4 : 2;
    for (int64_t h = 0; h < kv->kv_heads; h++) {
        int64_t place = (h * kv->capacity + job->position + t) * kv->head_size * size;
        int64_t from = h * kv->head_size;
        job->ops->narrow(job->x + t * job->ldx + from, kv->head_size, kv->dtype, (char *)kv->keys + place);
        job->ops->narrow(job->x2 + t * job->ldx2 + from, kv->head_size, kv->dtype, (char *)kv->values + place);
    }
}

int32_t gatun_kv_append(struct gatun_pool *pool, const struct gatun_kv *kv, int64_t position, int64_t tokens,
                        const float *keys, int64_t ldk, const float *values, int64_t ldv) {
    if (pool == NULL || !check_kv(kv, position, tokens)) {
        return GATUN_EINVAL;
    }
    int64_t columns = (int64_t)kv->kv_heads * kv->head_size;
    if (!check_array(keys, tokens, columns, ldk) || !check_array(values, tokens, columns, ldv)) {
        return GATUN_EINVAL;
    }
    struct token_job job = {.one = append_one, .kv = kv, .position = position, .tokens = tokens, .x = keys,
                            .ldx = ldk, .x2 = values, .ldx2 = ldv};
    return for_tokens(pool, &job);
}
