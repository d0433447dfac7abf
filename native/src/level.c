/* level.c: the inner loops of a level by its number. */
#include "level.h"

static const struct level_ops *const LEVELS[] = {
    [GATUN_PORTABLE] = &level_portable,
    [GATUN_AVX2] = &level_avx2,
    [GATUN_AVX512] = &level_avx512,
    [GATUN_AVX512VNNI] = &level_avx512vnni,
};

int32_t level_find(int32_t level, const struct level_ops **ops) {
    if (level < GATUN_PORTABLE || level > GATUN_AVX512VNNI) {
        return GATUN_EINVAL;
    }
    if (level > gatun_cpu_best_level()) {
        return GATUN_ELEVEL;
    }
    *ops = LEVELS[level];
    return GATUN_OK;
}
