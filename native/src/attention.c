/*
 * attention.c: attention cut into chunks. Several tokens: a key-value head by a block of tokens. One token: a key-value
 * head by a split of the context at multiples of SPLIT, whose unfinished sums are added in order.
 */
#include <math.h>

#include "check.h"
#include "gatun_cpu.h"
#include "pool.h"

#define SPLIT 256

/* Queries that share one widening of the keys. */
#define QUERIES 64

/* Keys times heads below which one token is not worth waking a thread for. */
#define ALONE_KEYS 256

struct attention_job {
    const struct level_ops *ops;
    struct attend whole; /* all tokens; of the first key-value head */
    int64_t heads;       /* key-value heads */
    int64_t parts;       /* token blocks or splits */
    int64_t step;        /* tokens in a block */
    int64_t sums_stride; /* of one split of one key-value head */
    int64_t first_split;
};

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static struct attend of_head(const struct attention_job *job, int64_t head, const struct worker *worker) {
    struct attend task = job->whole;
    int64_t columns = head * task.group * task.kv->head_size;
    task.kv_head = head;
    task.q += columns;
    task.y += columns;
    task.scratch = worker->scratch;
    return task;
}

/* The later a block, the more keys it sees: those go first. */
static void attend_tokens(const void *argument, int64_t chunk, struct worker *worker) {
    const struct attention_job *job = argument;
    struct attend task = of_head(job, chunk % job->heads, worker);
    int64_t from = (job->parts - 1 - chunk / job->heads) * job->step;
    task.position += from;
    task.tokens = smaller(job->step, task.tokens - from);
    task.q += from * task.ldq;
    task.y += from * task.ldy;
    job->ops->attend(&task);
}

static void attend_split(const void *argument, int64_t chunk, struct worker *worker) {
    const struct attention_job *job = argument;
    struct attend task = of_head(job, chunk / job->parts, worker);
    task.key_from = (job->first_split + chunk % job->parts) * SPLIT;
    task.key_to = task.key_from + SPLIT;
    task.y = NULL;
    task.sums += chunk * job->sums_stride;
    job->ops->attend(&task);
}

/* Adds the splits of one query head, rescaled to their common largest score. */
static void add_splits(const struct attention_job *job, const float *sums, int64_t size, float *y) {
    int64_t stride = padded(size);
    float largest = -INFINITY;
    for (int64_t i = 0; i < job->parts; i++) {
        largest = fmaxf(largest, sums[i * job->sums_stride + stride]);
    }
    float base = largest == -INFINITY ? 0 : largest;
    float weight = 0;
    for (int64_t k = 0; k < size; k++) {
        y[k] = 0;
    }
    for (int64_t i = 0; i < job->parts; i++) {
        const float *part = sums + i * job->sums_stride;
        float factor = expf(part[stride] - base);
        weight += factor * part[stride + 1];
        job->ops->add(part, factor, size, y);
    }
    for (int64_t k = 0; k < size; k++) {
        y[k] /= weight == 0 ? 1 : weight;
    }
}

static void finish_head(const void *argument, int64_t head, struct worker *worker) {
    const struct attention_job *job = argument;
    struct attend task = of_head(job, head, worker);
    int64_t size = task.kv->head_size;
    const float *sums = task.sums + head * job->parts * job->sums_stride;
    for (int64_t g = 0; g < task.group; g++) {
        add_splits(job, sums + g * (padded(size) + WIDEST), size, task.y + g * size);
    }
}

static int32_t several_tokens(struct gatun_pool *pool, struct attention_job *job) {
    int64_t step = QUERIES / job->whole.group;
    job->step = smaller(step < 1 ? 1 : step, job->whole.tokens);
    job->parts = (job->whole.tokens + job->step - 1) / job->step;
    int64_t floats = attend_scratch(job->step * job->whole.group, job->whole.kv->head_size);
    int32_t result = pool_reserve(pool, (size_t)floats * sizeof(float));
    if (result == GATUN_OK) {
        pool_run(pool, attend_tokens, job, job->heads * job->parts, 0);
    }
    return result;
}

static int32_t one_token(struct gatun_pool *pool, struct attention_job *job) {
    const struct attend *whole = &job->whole;
    int64_t position = whole->position;
    int64_t first = whole->window > 0 && whole->window <= position ? position - whole->window + 1 : 0;
    int64_t size = whole->kv->head_size;
    job->first_split = first / SPLIT;
    job->parts = position / SPLIT - job->first_split + 1;
    job->sums_stride = whole->group * (padded(size) + WIDEST);
    job->whole.sums = pool_shared(pool, (size_t)(job->heads * job->parts * job->sums_stride) * sizeof(float));
    if (job->whole.sums == NULL) {
        return GATUN_ENOMEM;
    }
    int32_t result = pool_reserve(pool, (size_t)attend_scratch(whole->group, size) * sizeof(float));
    if (result == GATUN_OK) {
        int alone = (position - first + 1) * job->heads < ALONE_KEYS;
        pool_run(pool, attend_split, job, job->heads * job->parts, alone);
        pool_run(pool, finish_head, job, job->heads, job->parts == 1);
    }
    return result;
}

int32_t gatun_attention(struct gatun_pool *pool, const struct gatun_kv *kv, int64_t position, int64_t tokens,
                        int32_t heads, int64_t window, const float *q, int64_t ldq, float *y, int64_t ldy) {
    if (pool == NULL || !check_kv(kv, position, tokens) || heads <= 0 || heads % kv->kv_heads != 0 || window < 0) {
        return GATUN_EINVAL;
    }
    int64_t columns = (int64_t)heads * kv->head_size;
    if (!check_array(q, tokens, columns, ldq) || !check_array(y, tokens, columns, ldy)) {
        return GATUN_EINVAL;
    }
    if (tokens == 0) {
        return GATUN_OK;
    }
    pool_enter(pool);
    struct attention_job job = {
        .ops = pool_level(pool),
        .whole = {.kv = kv, .group = heads / kv->kv_heads, .position = position, .tokens = tokens, .window = window,
                  .key_to = position + tokens, .q = q, .ldq = ldq, .y = y, .ldy = ldy},
        .heads = kv->kv_heads,
    };
    return pool_leave(pool, tokens == 1 ? one_token(pool, &job) : several_tokens(pool, &job));
}
