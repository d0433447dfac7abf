/* layout.c: where the compiler put every field of the header, for the caller's own check. */
#include <stddef.h>

#include "gatun_cpu.h"

#define WHOLE(type) {#type, 0, sizeof(struct type)}
#define FIELD(type, field) {#type "." #field, offsetof(struct type, field), sizeof(((struct type *)0)->field)}

static const struct gatun_field LAYOUT[] = {
    WHOLE(gatun_matrix),
    FIELD(gatun_matrix, kind),
    FIELD(gatun_matrix, dtype),
    FIELD(gatun_matrix, rows),
    FIELD(gatun_matrix, columns),
    FIELD(gatun_matrix, weights),
    FIELD(gatun_matrix, bits),
    FIELD(gatun_matrix, group_size),
    FIELD(gatun_matrix, scale_group),
    FIELD(gatun_matrix, scale_codes),
    FIELD(gatun_matrix, scale_scales),
    FIELD(gatun_matrix, scale_zeros),
    FIELD(gatun_matrix, zero_codes),
    FIELD(gatun_matrix, zero_scale),
    FIELD(gatun_matrix, zero_zero),
    WHOLE(gatun_product),
    FIELD(gatun_product, matrix),
    FIELD(gatun_product, x),
    FIELD(gatun_product, y),
    FIELD(gatun_product, ldx),
    FIELD(gatun_product, ldy),
    FIELD(gatun_product, tokens),
    WHOLE(gatun_expert),
    FIELD(gatun_expert, gate),
    FIELD(gatun_expert, up),
    FIELD(gatun_expert, down),
    WHOLE(gatun_tiled_expert),
    FIELD(gatun_tiled_expert, block),
    FIELD(gatun_tiled_expert, hidden),
    FIELD(gatun_tiled_expert, inner),
    FIELD(gatun_tiled_expert, wide_pairs),
    FIELD(gatun_tiled_expert, down_pairs),
    FIELD(gatun_tiled_expert, format),
    FIELD(gatun_tiled_expert, down_order),
    WHOLE(gatun_tiled_item),
    FIELD(gatun_tiled_item, expert),
    FIELD(gatun_tiled_item, pairs),
    FIELD(gatun_tiled_item, from),
    FIELD(gatun_tiled_item, to),
    FIELD(gatun_tiled_item, tokens),
    FIELD(gatun_tiled_item, x),
    FIELD(gatun_tiled_item, ldx),
    FIELD(gatun_tiled_item, weights),
    FIELD(gatun_tiled_item, y),
    FIELD(gatun_tiled_item, ldy),
    WHOLE(gatun_kv),
    FIELD(gatun_kv, keys),
    FIELD(gatun_kv, values),
    FIELD(gatun_kv, capacity),
    FIELD(gatun_kv, kv_heads),
    FIELD(gatun_kv, head_size),
    FIELD(gatun_kv, dtype),
    FIELD(gatun_kv, reserved),
    WHOLE(gatun_field),
    FIELD(gatun_field, name),
    FIELD(gatun_field, offset),
    FIELD(gatun_field, size),
    {NULL, 0, 0},
};

int32_t gatun_cpu_abi(void) {
    return GATUN_CPU_ABI;
}

const struct gatun_field *gatun_cpu_layout(void) {
    return LAYOUT;
}
