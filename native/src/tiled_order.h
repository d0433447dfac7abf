/* tiled_order.h: in which order the group rows of a matrix are computed, and which of them go together. */
#ifndef GATUN_TILED_ORDER_H
#define GATUN_TILED_ORDER_H

#include <stdint.h>

/* Places in an order. */
struct range {
    int64_t from;
    int64_t to;
};

/*
 * The places of a chunk, or an empty range behind the last: a chunk for each thread, which together are half of all places,
 * then again half of the rest, and so on to single ones. So threads stream through long runs and still end together.
 */
static inline struct range range_of(int64_t count, int32_t threads, int64_t chunk) {
    int64_t from = 0;
    while (from < count) {
        int64_t step = (count - from) / (2 * (int64_t)threads);
        step = step < 1 ? 1 : step;
        if (chunk < threads) {
            int64_t first = from + chunk * step;
            return (struct range){first < count ? first : count, first + step < count ? first + step : count};
        }
        chunk -= threads;
        from += threads * step;
    }
    return (struct range){count, count};
}

/* How many chunks there are. */
static inline int64_t ranges_of(int64_t count, int32_t threads) {
    int64_t chunks = 0;
    while (range_of(count, threads, chunks).from < count) {
        chunks += threads;
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
