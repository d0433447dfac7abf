/*
 * pool.c: threads that spin a while for work, then sleep.
 *
 * Sleepers are woken a few at a time, and those wake some more: to wake all of them keeps a caller from its own work, and
 * one after the other would be awake too late.
 *
 * One atomic word says everything about the job in flight: its number (upper half), whether it may still be joined
 * (OPEN) and how many workers are inside (lowest bits). A worker joins by adding itself while OPEN stands; the caller
 * takes OPEN away once no chunk is left and waits for those inside. So a worker that wakes late misses the job, and
 * nobody waits for a sleeper.
 */
#define _GNU_SOURCE
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "features.h"

#define OPEN 0x80000000ull
#define INSIDE 0x7fffffffull
#define NUMBER_SHIFT 32
#define MAX_THREADS 4096
#define PAUSES_PER_LOOK 32
#define NAP_NANOSECONDS 20000
#define WOKEN_AT_ONCE 4

struct member {
    alignas(CACHE_LINE) struct worker worker;
    size_t capacity;
    struct gatun_pool *pool;
    pthread_t thread;
};

struct gatun_pool {
    alignas(CACHE_LINE) atomic_uint_fast64_t state;
    alignas(CACHE_LINE) atomic_int_fast64_t next;
    alignas(CACHE_LINE) atomic_int sleepers;
    atomic_int caller_sleeps;
    atomic_int stop;
    alignas(CACHE_LINE) team_fn function;
    const void *job;
    int is_open;
    int is_shared;
    const struct level_ops *ops;
    int64_t spin_nanoseconds;
    int32_t threads; /* with the caller, who is member 0 */
    int32_t started;
    struct member *members;
    void *shared;
    size_t shared_capacity;
    sem_t turn;            /* taken by the caller whose operation runs; who gives it back may be another thread */
    pthread_mutex_t sleep; /* guards both conditions */
    pthread_cond_t work;
    pthread_cond_t done;
};

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Spins until the condition holds of `number`, for the time that threads of the pool spin; whether it came to hold. */
static inline int spin_until(struct gatun_pool *pool, int (*holds)(struct gatun_pool *, uint64_t), uint64_t number) {
    if (pool->spin_nanoseconds == 0) {
        return holds(pool, number);
    }
    int64_t deadline = now() + pool->spin_nanoseconds;
    do {
        for (int i = 0; i < PAUSES_PER_LOOK; i++) {
            if (holds(pool, number)) {
                return 1;
            }
            cpu_pause();
        }
    } while (now() < deadline);
    return 0;
}

/* ---- workers ---- */

static uint64_t number(uint64_t state) {
    return state >> NUMBER_SHIFT;
}

static int has_news(struct gatun_pool *pool, uint64_t seen) {
    return number(atomic_load(&pool->state)) != seen || atomic_load(&pool->stop);
}

/* Between lock and unlock of `sleep`. */
static void wake_some(struct gatun_pool *pool) {
    for (int i = 0; i < WOKEN_AT_ONCE; i++) {
        pthread_cond_signal(&pool->work);
    }
}

static void await_news(struct gatun_pool *pool, uint64_t seen) {
    if (spin_until(pool, has_news, seen)) {
        return;
    }
    pthread_mutex_lock(&pool->sleep);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!has_news(pool, seen)) {
        pthread_cond_wait(&pool->work, &pool->sleep);
    }
    if (atomic_fetch_sub(&pool->sleepers, 1) > 1) {
        wake_some(pool);
    }
    pthread_mutex_unlock(&pool->sleep);
}

/* Joins the job in flight if it is open; writes the number of the job it saw. */
static int join(struct gatun_pool *pool, uint64_t *seen) {
    uint64_t state = atomic_load(&pool->state);
    do {
        *seen = number(state);
        if (!(state & OPEN)) {
            return 0;
        }
    } while (!atomic_compare_exchange_weak(&pool->state, &state, state + 1));
    return 1;
}

static void leave(struct gatun_pool *pool) {
    uint64_t left = atomic_fetch_sub(&pool->state, 1) - 1;
    if ((left & (INSIDE | OPEN)) == 0 && atomic_load(&pool->caller_sleeps)) {
        pthread_mutex_lock(&pool->sleep);
        pthread_cond_signal(&pool->done);
        pthread_mutex_unlock(&pool->sleep);
    }
}

static void *work(void *argument) {
    struct member *member = argument;
    struct gatun_pool *pool = member->pool;
    uint64_t seen = 0;
    while (!atomic_load(&pool->stop)) {
        if (join(pool, &seen)) {
            pool->function(pool->job, &member->worker);
            leave(pool);
        }
        await_news(pool, seen);
    }
    return NULL;
}

/* ---- the caller ---- */

static void open_job(struct gatun_pool *pool) {
    uint64_t following = (number(atomic_load(&pool->state)) + 1) & 0xffffffffu;
    atomic_store(&pool->state, following << NUMBER_SHIFT | OPEN);
    if (atomic_load(&pool->sleepers) > 0) {
        pthread_mutex_lock(&pool->sleep);
        wake_some(pool);
        pthread_mutex_unlock(&pool->sleep);
    }
}

static int is_empty(struct gatun_pool *pool, uint64_t unused) {
    (void)unused;
    return (atomic_load(&pool->state) & INSIDE) == 0;
}

static void close_job(struct gatun_pool *pool) {
    atomic_fetch_and(&pool->state, ~(uint64_t)OPEN);
    if (spin_until(pool, is_empty, 0)) {
        return;
    }
    pthread_mutex_lock(&pool->sleep);
    atomic_store(&pool->caller_sleeps, 1);
    while (!is_empty(pool, 0)) {
        pthread_cond_wait(&pool->done, &pool->sleep);
    }
    atomic_store(&pool->caller_sleeps, 0);
    pthread_mutex_unlock(&pool->sleep);
}

void pool_open(struct gatun_pool *pool, team_fn function, const void *job, int alone) {
    pool->function = function;
    pool->job = job;
    pool->is_open = 1;
    pool->is_shared = pool->threads > 1 && !alone;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    if (pool->is_shared) {
        open_job(pool);
    }
}

void pool_close(struct gatun_pool *pool) {
    pool->function(pool->job, &pool->members[0].worker);
    if (pool->is_shared) {
        close_job(pool);
    }
    pool->is_open = 0;
}

int pool_is_open(const struct gatun_pool *pool) {
    return pool->is_open;
}

int64_t pool_claim(struct gatun_pool *pool) {
    return atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
}

/*
 * Who is waited for may have lost its processor to another program: to sleep, and not only to yield, lets it have this one.
 */
void pool_await(const struct gatun_pool *pool, const atomic_int_fast64_t *value, int64_t least) {
    if (atomic_load_explicit(value, memory_order_acquire) >= least) {
        return;
    }
    int64_t deadline = now() + pool->spin_nanoseconds;
    for (int i = 1; atomic_load_explicit(value, memory_order_acquire) < least; i++) {
        cpu_pause();
        if (i % PAUSES_PER_LOOK == 0 && now() >= deadline) {
            nanosleep(&(struct timespec){.tv_nsec = NAP_NANOSECONDS}, NULL);
        }
    }
}

/* ---- chunks ---- */

struct chunks {
    struct gatun_pool *pool;
    chunk_fn function;
    const void *job;
    int64_t count;
};

static void run_chunks(const void *argument, struct worker *worker) {
    const struct chunks *chunks = argument;
    worker->prepared = -1;
    for (int64_t chunk; (chunk = pool_claim(chunks->pool)) < chunks->count;) {
        chunks->function(chunks->job, chunk, worker);
    }
}

void pool_run(struct gatun_pool *pool, chunk_fn function, const void *job, int64_t chunks, int alone) {
    if (chunks > 0) {
        pool_open(pool, run_chunks, &(struct chunks){pool, function, job, chunks}, chunks == 1 || alone);
        pool_close(pool);
    }
}

void pool_enter(struct gatun_pool *pool) {
    while (sem_wait(&pool->turn) != 0) {
        /* a signal came in between */
    }
}

int32_t pool_leave(struct gatun_pool *pool, int32_t result) {
    sem_post(&pool->turn);
    return result;
}

int32_t pool_threads(const struct gatun_pool *pool) {
    return pool->threads;
}

const struct level_ops *pool_level(const struct gatun_pool *pool) {
    return pool->ops;
}

/* ---- memory ---- */

static int grow(void **memory, size_t *capacity, size_t bytes) {
    if (*capacity >= bytes) {
        return 1;
    }
    if (bytes > SIZE_MAX / 2) {
        return 0;
    }
    size_t wanted = (bytes + bytes / 4 + 4095) / 4096 * 4096;
    void *fresh = aligned_alloc(4096, wanted);
    if (fresh == NULL) {
        return 0;
    }
    free(*memory);
    *memory = fresh;
    *capacity = wanted;
    return 1;
}

int32_t pool_reserve(struct gatun_pool *pool, size_t bytes) {
    for (int32_t i = 0; i < pool->threads; i++) {
        if (!grow(&pool->members[i].worker.scratch, &pool->members[i].capacity, bytes)) {
            return GATUN_ENOMEM;
        }
    }
    return GATUN_OK;
}

void *pool_shared(struct gatun_pool *pool, size_t bytes) {
    return grow(&pool->shared, &pool->shared_capacity, bytes) ? pool->shared : NULL;
}

/* ---- birth and death ---- */

/* More threads than processors: whoever spins keeps the one it waits for from running. */
static int64_t spin_time(int32_t threads, int32_t microseconds) {
    cpu_set_t set;
    long processors = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : sysconf(_SC_NPROCESSORS_ONLN);
    return threads > processors ? 0 : (int64_t)microseconds * 1000;
}

/* The threads take no signals: those belong to the host program. */
static int start_threads(struct gatun_pool *pool) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = 0;
    for (pool->started = 1; pool->started < pool->threads; pool->started++) {
        struct member *member = &pool->members[pool->started];
        failed = pthread_create(&member->thread, NULL, work, member);
        if (failed) {
            break;
        }
        pthread_setname_np(member->thread, "gatun-cpu");
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed;
}

static struct gatun_pool *new_pool(int32_t threads) {
    struct gatun_pool *pool = aligned_alloc(alignof(struct gatun_pool), sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    *pool = (struct gatun_pool){.threads = threads, .started = 1};
    pool->members = aligned_alloc(alignof(struct member), sizeof(struct member) * (size_t)threads);
    if (pool->members == NULL) {
        free(pool);
        return NULL;
    }
    for (int32_t i = 0; i < threads; i++) {
        pool->members[i] = (struct member){.pool = pool};
    }
    sem_init(&pool->turn, 0, 1);
    pthread_mutex_init(&pool->sleep, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    return pool;
}

int32_t gatun_pool_create(int32_t threads, int32_t level, int32_t spin_microseconds, struct gatun_pool **pool) {
    if (pool == NULL || threads < 1 || threads > MAX_THREADS || spin_microseconds < 0) {
        return GATUN_EINVAL;
    }
    *pool = NULL;
    const struct level_ops *ops;
    int32_t code = level_find(level, &ops);
    if (code != GATUN_OK) {
        return code;
    }
    struct gatun_pool *fresh = new_pool(threads);
    if (fresh == NULL) {
        return GATUN_ENOMEM;
    }
    fresh->ops = ops;
    fresh->spin_nanoseconds = spin_time(threads, spin_microseconds);
    if (!start_threads(fresh)) {
        gatun_pool_destroy(fresh);
        return GATUN_ENOMEM;
    }
    *pool = fresh;
    return GATUN_OK;
}

void gatun_pool_destroy(struct gatun_pool *pool) {
    if (pool == NULL) {
        return;
    }
    pool_enter(pool);
    pthread_mutex_lock(&pool->sleep);
    atomic_store(&pool->stop, 1);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->sleep);
    for (int32_t i = 1; i < pool->started; i++) {
        pthread_join(pool->members[i].thread, NULL);
    }
    for (int32_t i = 0; i < pool->threads; i++) {
        free(pool->members[i].worker.scratch);
    }
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->sleep);
    sem_destroy(&pool->turn);
    free(pool->members);
    free(pool->shared);
    free(pool);
}
