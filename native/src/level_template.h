/*
 * level_template.h: the inner loops of a level. Whoever includes it has included the vectors before, and defined LEVEL as
 * the name of the table that others find the loops through.
 */
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

const struct level_ops LEVEL = {
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
    .prepare_pairs = prepare_pairs,
    .prepare_inputs = prepare_inputs,
    .pairs_bytes = sizeof(struct tiled_pairs),
    .inputs_bytes = sizeof(struct tiled_inputs),
#if BYTE_SUMS
    .find_farthest = find_farthest,
    .farthest_bytes = sizeof(struct farthest),
#endif
    .tiled_rows = tiled_rows,
    .tile_row = tile_row,
};
