/*
 * pool.h: a team of threads that runs one job at a time, and the scratch memory that belongs to it.
 *
 * A job is a function that every thread calls once, or misses if it wakes too late: threads claim the job's chunks, by
 * their numbers from 0 on. Which thread takes which chunk is decided while the job runs, so a chunk's result must depend
 * on its number alone. A chunk may wait for those claimed before it. Functions marked "locked" are called between
 * pool_enter and pool_leave.
 */
#ifndef GATUN_POOL_H
#define GATUN_POOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "level.h"

struct gatun_pool;

/* What a job may use of the thread that runs it. */
struct worker {
    void *scratch;      /* at least what pool_reserve was asked for, aligned to 64 bytes */
    int64_t prepared;   /* pool_run: a job's note to itself about what `scratch` holds; -1 when a job starts */
};

typedef void (*team_fn)(const void *job, struct worker *worker);
typedef void (*chunk_fn)(const void *job, int64_t chunk, struct worker *worker);

/* Take and release the pool; calls from several threads take turns. Another thread may release it. */
void pool_enter(struct gatun_pool *pool);
int32_t pool_leave(struct gatun_pool *pool, int32_t result);

/* Locked. Makes every thread's scratch at least `bytes`: GATUN_OK or GATUN_ENOMEM. */
int32_t pool_reserve(struct gatun_pool *pool, size_t bytes);

/* Locked. Memory shared by the phases of one operation, at least `bytes`, aligned to 64; NULL when there is none. */
void *pool_shared(struct gatun_pool *pool, size_t bytes);

/*
 * Locked. The other threads start on the job at once, unless it is to be done `alone`; pool_close works on it too and
 * returns when all is done. The job must live until then.
 */
void pool_open(struct gatun_pool *pool, team_fn function, const void *job, int alone);
void pool_close(struct gatun_pool *pool);

/* Locked. Whether a job was opened and not closed. */
int pool_is_open(const struct gatun_pool *pool);

/* In a job: the number of a chunk that nobody else has. */
int64_t pool_claim(struct gatun_pool *pool);

/* In a job: returns when the value, which others only raise, is at least `least`; their writes before that are seen. */
void pool_await(const struct gatun_pool *pool, const atomic_int_fast64_t *value, int64_t least);

/*
 * Locked. Runs the function once for each chunk in [0, chunks) and returns when all are done. One chunk, or `alone`, keeps
 * it on the calling thread.
 */
void pool_run(struct gatun_pool *pool, chunk_fn function, const void *job, int64_t chunks, int alone);

/* Threads, the caller's included. */
int32_t pool_threads(const struct gatun_pool *pool);

const struct level_ops *pool_level(const struct gatun_pool *pool);

#endif
