/*
 * pool.h: a team of threads that runs one job at a time, and the scratch memory that belongs to it.
 *
 * A job is a function called once for every chunk in [0, chunks). Which thread takes which chunk is decided while the
 * job runs, so a chunk's result must depend on its number alone. Functions marked "locked" are called between
 * pool_enter and pool_leave.
 */
#ifndef GATUN_POOL_H
#define GATUN_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "level.h"

struct gatun_pool;

/* What a chunk may use of the thread that runs it. */
struct worker {
    void *scratch;      /* at least what pool_reserve was asked for, aligned to 64 bytes */
    int64_t prepared;   /* a job's note to itself about what `scratch` holds; -1 when a job starts */
};

typedef void (*chunk_fn)(const void *job, int64_t chunk, struct worker *worker);

/* Take and release the pool; calls from several threads take turns. */
void pool_enter(struct gatun_pool *pool);
int32_t pool_leave(struct gatun_pool *pool, int32_t result);

/* Locked. Makes every thread's scratch at least `bytes`: GATUN_OK or GATUN_ENOMEM. */
int32_t pool_reserve(struct gatun_pool *pool, size_t bytes);

/* Locked. Memory shared by the phases of one operation, at least `bytes`, aligned to 64; NULL when there is none. */
void *pool_shared(struct gatun_pool *pool, size_t bytes);

/* Locked. Runs the job and returns when all chunks are done. One chunk, or `alone`, keeps it on the calling thread. */
void pool_run(struct gatun_pool *pool, chunk_fn function, const void *job, int64_t chunks, int alone);

/* Threads, the caller's included. */
int32_t pool_threads(const struct gatun_pool *pool);

const struct level_ops *pool_level(const struct gatun_pool *pool);

#endif
