/* read.c: gatun_read. Each chunk is XORed into the sum as it ends: the order does not matter. */
#include <stdatomic.h>
#include <string.h>

#include "gatun_cpu.h"
#include "pool.h"

#define CHUNK_BYTES ((int64_t)512 * 1024)

struct read_job {
    const struct level_ops *ops;
    const char *data;
    int64_t bytes;
    atomic_uint_fast64_t *sum;
};

static void read_chunk(const void *argument, int64_t chunk, struct worker *worker) {
    (void)worker;
    const struct read_job *job = argument;
    int64_t from = chunk * CHUNK_BYTES;
    int64_t bytes = job->bytes - from < CHUNK_BYTES ? job->bytes - from : CHUNK_BYTES;
    uint64_t sum = job->ops->read(job->data + from, bytes / 8);
    uint64_t last = 0;
    memcpy(&last, job->data + from + bytes / 8 * 8, (size_t)(bytes % 8));
    atomic_fetch_xor_explicit(job->sum, sum ^ last, memory_order_relaxed);
}

int32_t gatun_read(struct gatun_pool *pool, const void *data, int64_t bytes, uint64_t *checksum) {
    if (pool == NULL || checksum == NULL || bytes < 0 || (bytes > 0 && data == NULL)) {
        return GATUN_EINVAL;
    }
    atomic_uint_fast64_t sum = 0;
    pool_enter(pool);
    struct read_job job = {pool_level(pool), data, bytes, &sum};
    pool_run(pool, read_chunk, &job, bytes / CHUNK_BYTES + (bytes % CHUNK_BYTES != 0), 0);
    *checksum = atomic_load(&sum);
    return pool_leave(pool, GATUN_OK);
}
