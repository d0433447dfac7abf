/* tiling.c: gatun_tile. The work of one group row is the level's; here is where each part lies. */
#include <string.h>

#include "check.h"
#include "features.h"
#include "gatun_cpu.h"
#include "level.h"

#define CODES_IN_BYTE 4

struct place {
    int64_t second;
    int64_t bytes;
};

static struct place place_of(const struct gatun_matrix *m) {
    int64_t second = TILED_HEADER + groups_of(m) * tiles_of(m->columns) * TILED_WIDE;
    return (struct place){second, padded_to(second + metas_of(m) * 4, TILED_ALIGNMENT)};
}

static int sound_tiling(const struct gatun_matrix *m, const void *tiles, int64_t bytes) {
    return check_matrix(m) && m->kind == GATUN_HQQ && !is_narrow(m) && m->bits == 8 / CODES_IN_BYTE && m->group_size == TILED_ROWS
           && m->rows > 0 && m->columns > 0 && tiles != NULL && bytes == place_of(m).bytes;
}

static void write_header(const struct gatun_matrix *m, uint8_t *to) {
    memset(to, 0, TILED_HEADER);
    memcpy(to, &m->zero_scale, sizeof m->zero_scale);
    memcpy(to + sizeof m->zero_scale, &m->zero_zero, sizeof m->zero_zero);
}

/* Either may lie at any address. */
static void write_pairs(const struct gatun_matrix *m, uint8_t *to) {
    const uint8_t *scales = (const uint8_t *)m->scale_scales;
    const uint8_t *zeros = (const uint8_t *)m->scale_zeros;
    for (int64_t i = 0; i < metas_of(m); i++) {
        memcpy(to + 4 * i, scales + 2 * i, 2);
        memcpy(to + 4 * i + 2, zeros + 2 * i, 2);
    }
}

int32_t gatun_tile(int32_t level, const struct gatun_matrix *matrix, void *tiles, int64_t bytes) {
    const struct level_ops *ops;
    int32_t code = level_find(level, &ops);
    if (code != GATUN_OK) {
        return code;
    }
    if (!sound_tiling(matrix, tiles, bytes)) {
        return GATUN_EINVAL;
    }
    uint8_t *to = tiles;
    int64_t groups = groups_of(matrix);
    int64_t columns = matrix->columns;
    struct place place = place_of(matrix);
    write_header(matrix, to);
    for (int64_t g = 0; g < groups; g++) {
        ops->tile_row(&(struct tiling_row){
            .codes = (const uint8_t *)matrix->weights + g * columns,
            .stride = groups * columns,
            .scales = matrix->scale_codes + g * columns,
            .zeros = matrix->zero_codes + g * columns,
            .columns = columns,
            .tiles = to + TILED_HEADER + g * tiles_of(columns) * TILED_WIDE,
        });
    }
    cpu_store_fence();
    write_pairs(matrix, to + place.second);
    int64_t end = place.second + 4 * metas_of(matrix);
    memset(to + end, 0, (size_t)(bytes - end));
    return GATUN_OK;
}
