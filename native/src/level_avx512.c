/* level_avx512.c: the inner loops with the vectors of vec_avx512.h. */
#include "vec_avx512.h"

#include <math.h>

#include "level.h"
#include "vec_tails.h"

#include "matvec_template.h"

#include "gemm_template.h"

#include "rows_template.h"

#include "attention_template.h"

#include "read_template.h"

#include "tiled_template.h"

#include "tiling_template.h"

const struct level_ops level_avx512 = {
    .read = read_words,
    .widen = widen,
    .narrow = narrow,
    .matvec_dense = matvec_dense,
    .prepare_hqq = prepare_hqq,
    .matvec_hqq = matvec_hqq,
    .multiply_tile = multiply_tile,
    .rms_norm = rms_norm,
    .add = add,
    .turn = turn,
    .swiglu = swiglu,
    .attend = attend,
    .widen_pairs = widen_pairs,
    .tiled_row = tiled_row,
    .tile_row = tile_row,
};
