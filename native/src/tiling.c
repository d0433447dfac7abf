/* tiling.c: gatun_tile. The work of one group row is the level's; here is where each part lies. */
#include <string.h>

#include "check.h"
#include "features.h"
#include "gatun_cpu.h"
#include "level.h"

#define CODES_IN_BYTE 4

/* What of a matrix in tiles its order decides. */
struct tiling {
    int64_t slices; /* 0: the columns keep their order */
    int64_t pairs;
    int64_t second; /* where the second level begins */
    int64_t bytes;
};

static struct tiling tiling_of(const struct gatun_matrix *m, int32_t order) {
    struct tiling tiling = {.pairs = metas_of(m)};
    if (order == GATUN_SLICES) {
        tiling.slices = m->columns / TILED_ROWS;
        tiling.pairs = tiling.pairs / greatest_common_divisor(tiling.pairs, m->columns) * m->columns;
    }
    tiling.second = TILED_HEADER + groups_of(m) * tiles_of(m->columns) * TILED_WIDE;
    tiling.bytes = padded_to(tiling.second + tiling.pairs * 4, TILED_ALIGNMENT);
    return tiling;
}

static int sound_order(const struct gatun_matrix *m, int32_t order) {
    return order == GATUN_NATURAL || (order == GATUN_SLICES && m->columns % TILED_ROWS == 0);
}

static int sound_tiling(const struct gatun_matrix *m, int32_t order, const void *tiles, int64_t bytes) {
    return check_matrix(m) && m->kind == GATUN_HQQ && !is_narrow(m) && m->bits == 8 / CODES_IN_BYTE
           && m->group_size == TILED_ROWS && m->rows > 0 && m->columns > 0 && sound_order(m, order) && tiles != NULL
           && bytes == tiling_of(m, order).bytes;
}

static void write_header(const struct gatun_matrix *m, uint8_t *to) {
    memset(to, 0, TILED_HEADER);
    memcpy(to, &m->zero_scale, sizeof m->zero_scale);
    memcpy(to + sizeof m->zero_scale, &m->zero_zero, sizeof m->zero_zero);
}

/* Which of the matrix's pairs comes to a place. */
static int64_t pair_at(const struct gatun_matrix *m, const struct tiling *tiling, int64_t place) {
    if (tiling->slices == 0) {
        return place;
    }
    int64_t column = place % m->columns;
    return (place - column + tiled_source(tiling->slices, column)) % metas_of(m);
}

/* Either may lie at any address. */
static void write_pairs(const struct gatun_matrix *m, const struct tiling *tiling, uint8_t *to) {
    const uint8_t *scales = (const uint8_t *)m->scale_scales;
    const uint8_t *zeros = (const uint8_t *)m->scale_zeros;
    for (int64_t i = 0; i < tiling->pairs; i++) {
        int64_t pair = pair_at(m, tiling, i);
        memcpy(to + 4 * i, scales + 2 * pair, 2);
        memcpy(to + 4 * i + 2, zeros + 2 * pair, 2);
    }
}

int32_t gatun_tile(int32_t level, const struct gatun_matrix *matrix, int32_t order, void *tiles, int64_t bytes) {
    const struct level_ops *ops;
    int32_t code = level_find(level, &ops);
    if (code != GATUN_OK) {
        return code;
    }
    if (!sound_tiling(matrix, order, tiles, bytes)) {
        return GATUN_EINVAL;
    }
    uint8_t *to = tiles;
    int64_t groups = groups_of(matrix);
    int64_t columns = matrix->columns;
    struct tiling tiling = tiling_of(matrix, order);
    write_header(matrix, to);
    for (int64_t g = 0; g < groups; g++) {
        ops->tile_row(&(struct tiling_row){
            .codes = (const uint8_t *)matrix->weights + g * columns,
            .stride = groups * columns,
            .scales = matrix->scale_codes + g * columns,
            .zeros = matrix->zero_codes + g * columns,
            .columns = columns,
            .slices = tiling.slices,
            .tiles = to + TILED_HEADER + g * tiles_of(columns) * TILED_WIDE,
        });
    }
    cpu_store_fence();
    write_pairs(matrix, &tiling, to + tiling.second);
    int64_t end = tiling.second + 4 * tiling.pairs;
    memset(to + end, 0, (size_t)(bytes - end));
    return GATUN_OK;
}
