/* multiply.h: products as jobs of a pool. */
#ifndef GATUN_MULTIPLY_H
#define GATUN_MULTIPLY_H

#include <stdint.h>

#include "gatun_cpu.h"
#include "pool.h"

/*
 * Locked. All products (checked by the caller) in one job; GATUN_ENOMEM before anything is written. `batch` makes a
 * product of one token sum in the order of several.
 */
int32_t multiply_all(struct gatun_pool *pool, const struct gatun_product *products, int32_t count, int batch);

/* Locked. The scratch that multiply_all needs for batches of at most `tokens`, ahead of it: GATUN_OK or GATUN_ENOMEM. */
int32_t reserve_batch(struct gatun_pool *pool, int64_t tokens);

#endif
