/* route.c: the router's choice. The softmax over all experts cancels in the renormalised weights of the chosen. */
#include <math.h>
#include <stdatomic.h>
#include <stddef.h>

#include "check.h"
#include "gatun_cpu.h"
#include "pool.h"

#define TOKENS_PER_CHUNK 64

struct route_job {
    const float *logits;
    int64_t ldl;
    int64_t tokens;
    int32_t experts;
    int32_t top_k;
    int32_t *ids;
    float *weights;
    atomic_int *nan;
};

/* Whether (a, id) comes before (b, other): larger first, then the lower id. */
static int before(float a, int32_t id, float b, int32_t other) {
    return a > b || (a == b && id < other);
}

/* Keeps the best `top_k` seen so far in order. */
static void choose(const float *logits, int32_t experts, int32_t top_k, int32_t *ids) {
    int32_t kept = 0;
    for (int32_t e = 0; e < experts; e++) {
        int32_t place = kept;
        while (place > 0 && before(logits[e], e, logits[ids[place - 1]], ids[place - 1])) {
            place--;
        }
        if (place == top_k) {
            continue;
        }
        kept = kept < top_k ? kept + 1 : top_k;
        for (int32_t i = kept - 1; i > place; i--) {
            ids[i] = ids[i - 1];
        }
        ids[place] = e;
    }
}

/* A softmax exists: no NaN, and a finite largest value. */
static int has_softmax(const float *logits, int32_t experts) {
    float largest = -INFINITY;
    for (int32_t e = 0; e < experts; e++) {
        if (isnan(logits[e])) {
            return 0;
        }
        largest = logits[e] > largest ? logits[e] : largest;
    }
    return isfinite(largest);
}

static void weigh(const float *logits, int32_t top_k, const int32_t *ids, float *weights) {
    float sum = 0;
    for (int32_t j = 0; j < top_k; j++) {
        weights[j] = expf(logits[ids[j]] - logits[ids[0]]);
        sum += weights[j];
    }
    for (int32_t j = 0; j < top_k; j++) {
        weights[j] /= sum;
    }
}

static void route_one(const struct route_job *job, int64_t t) {
    const float *logits = job->logits + t * job->ldl;
    int32_t *ids = job->ids + t * job->top_k;
    float *weights = job->weights + t * job->top_k;
    if (has_softmax(logits, job->experts)) {
        choose(logits, job->experts, job->top_k, ids);
        weigh(logits, job->top_k, ids, weights);
        return;
    }
    for (int32_t j = 0; j < job->top_k; j++) {
        ids[j] = j;
        weights[j] = 0;
    }
    atomic_store_explicit(job->nan, 1, memory_order_relaxed);
}

static void route_chunk(const void *argument, int64_t chunk, struct worker *worker) {
    (void)worker;
    const struct route_job *job = argument;
    int64_t from = chunk * TOKENS_PER_CHUNK;
    for (int64_t t = from; t < from + TOKENS_PER_CHUNK && t < job->tokens; t++) {
        route_one(job, t);
    }
}

int32_t gatun_route(struct gatun_pool *pool, const float *logits, int64_t ldl, int64_t tokens, int32_t experts,
                    int32_t top_k, int32_t *ids, float *weights) {
    if (pool == NULL || experts <= 0 || top_k <= 0 || top_k > experts || !check_array(logits, tokens, experts, ldl)
        || !check_array(ids, tokens, top_k, top_k) || !check_array(weights, tokens, top_k, top_k)) {
        return GATUN_EINVAL;
    }
    atomic_int nan = 0;
    struct route_job job = {logits, ldl, tokens, experts, top_k, ids, weights, &nan};
    pool_enter(pool);
    pool_run(pool, route_chunk, &job, (tokens + TOKENS_PER_CHUNK - 1) / TOKENS_PER_CHUNK, 0);
    return pool_leave(pool, atomic_load(&nan) ? GATUN_ENAN : GATUN_OK);
}
