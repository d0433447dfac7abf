/* tiled_order.h: in which order the group rows of a matrix are computed, and which of them go together. */
#ifndef GATUN_TILED_ORDER_H
#define GATUN_TILED_ORDER_H

#include <stdint.h>

/* Places in an order. */
struct range {
    int64_t from;
    int64_t to;
};

/* Places of each chunk of a round, for each thread one, which together are half of the rest. */
static inline int64_t step_of(int64_t rest, int32_t threads) {
    int64_t step = rest / (2 * (int64_t)threads);
    return step < 1 ? 1 : step;
}

/*
 * The places of a chunk: a chunk for each thread, which together are half of all places, then again half of the rest, and so
 * on to single ones. So threads stream through long runs and still end together.
 */
static inline struct range range_of(int64_t count, int32_t threads, int64_t chunk) {
    int64_t from = 0;
    int64_t step = step_of(count, threads);
    for (; chunk >= threads; chunk -= threads) {
        from += threads * step;
        step = step_of(count - from, threads);
    }
    return (struct range){from + chunk * step, from + (chunk + 1) * step};
}

/* How many chunks there are. */
static inline int64_t ranges_of(int64_t count, int32_t threads) {
    int64_t chunks = 0;
    for (int64_t rest = count; rest > 0; rest -= threads * step_of(rest, threads)) {
        chunks += rest < threads ? rest : threads;
    }
    return chunks;
}

/*
 * The group row at a place in the order that brings those with the same pairs together: 0, period, 2 period, ...; then
 * 1, period + 1, ....
 */
static inline int64_t row_at(int64_t count, int64_t period, int64_t place) {
    int64_t fewest = count / period;
    int64_t longer = count % period; /* residues with one row more */
    if (place < longer * (fewest + 1)) {
        return place / (fewest + 1) + period * (place % (fewest + 1));
    }
    int64_t rest = place - longer * (fewest + 1);
    return longer + rest / fewest + period * (rest % fewest);
}

#endif
