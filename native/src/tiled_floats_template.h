/*
 * tiled_floats_template.h   scaled inputs and sums of codes in float32, for vectors of four lanes: sixteen bytes of codes at
 * a time, whose lanes are the rows r, r + 8, r, r + 8
 * inputs  of a tile and token: [sixteen bytes l = 0..3][p = 0..7][h = 0..1][lane]
 */

_Static_assert(LANES == 4, "a vector of codes is what sixteen bytes hold");

#define FIELDS 16

_Static_assert(4 * FIELDS * LANES <= TILED_ORDERED, "room for the inputs of a tile and token");

struct tiled_pairs {
    float scale[TILED_BLOCK_COLUMNS];
    float offset[TILED_BLOCK_COLUMNS];
};

struct tiled_inputs {
    float x[TILED_BLOCK_COLUMNS];
};

static void prepare_pairs(const float *scale, const float *offset, int64_t tiles, void *to, float *reach) {
    (void)reach;
    struct tiled_pairs *pairs = to;
    memcpy(pairs->scale, scale, (size_t)(tiles * TILED_COLUMNS) * sizeof *scale);
    memcpy(pairs->offset, offset, (size_t)(tiles * TILED_COLUMNS) * sizeof *offset);
}

static void prepare_inputs(int32_t format, const float *x, int64_t tiles, void *to) {
    (void)format;
    memcpy(((struct tiled_inputs *)to)->x, x, (size_t)(tiles * TILED_COLUMNS) * sizeof *x);
}

/* By entry of two blocks: scale = code * scale + scale_offset, zero likewise. */
struct narrow_block {
    float scale[NARROW_ENTRIES];
    float scale_offset[NARROW_ENTRIES];
    float zero[NARROW_ENTRIES];
    float zero_offset[NARROW_ENTRIES];
};

/* It is made when it is needed. */
INLINE void make_first_block(int format, int tokens, const struct tiled_rows *rows, struct narrow_block *narrow) {
    (void)format;
    (void)tokens;
    (void)rows;
    (void)narrow;
}

INLINE void make_narrow_block(int format, const struct tiled_rows *rows, struct tiled_turn turn,
                              struct narrow_block *narrow) {
    if (format == GATUN_Q2 || !begins_entries(format, rows, turn.block)) {
        return;
    }
    for (int64_t i = 0; i < NARROW_ENTRIES; i += LANES) {
        struct narrow_level level = narrow_level_of(format, rows, turn, i);
        vf_store(narrow->scale + i, level.scale);
        vf_store(narrow->scale_offset + i, vf_sub(vf_zero(), vf_mul(level.scale, level.scale_zero)));
        vf_store(narrow->zero + i, level.zero);
        vf_store(narrow->zero_offset + i, vf_sub(vf_zero(), vf_mul(level.zero, level.zero_zero)));
    }
}

struct affine {
    vf factor;
    vf offset;
};

INLINE vf apply(struct affine a, vf code) {
    return vf_fma(code, a.factor, a.offset);
}

/* Of LANES columns: their codes of scale and zero, and what makes numbers of these. */
struct column_metas {
    vf scale;
    vf zero;
};

/* Which entry column `column` of tile `i` of a block has. */
INLINE int64_t entry_of(int format, const struct tiled_block *block, int64_t i, int64_t column) {
    int64_t value = i % 2 * TILED_VALUES + column / TILED_TOGETHER;
    return first_entry(format, block->turn.block) + (format == TILED_SIXTEENS ? value : i);
}

INLINE struct column_metas narrow_metas(const struct narrow_block *narrow, int64_t entry, const uint8_t *codes) {
    vi code = vi_load_u8(codes);
    struct affine scale = {vf_set(narrow->scale[entry]), vf_set(narrow->scale_offset[entry])};
    struct affine zero = {vf_set(narrow->zero[entry]), vf_set(narrow->zero_offset[entry])};
    return (struct column_metas){apply(scale, code_alone(code, 0, 4)), apply(zero, code_alone(code, 4, 4))};
}

INLINE struct column_metas wide_metas(const struct tiled_rows *rows, int64_t block, int64_t column,
                                      const uint8_t *codes) {
    const struct tiled_pairs *pairs = (const struct tiled_pairs *)rows->pairs + block;
    struct affine scale = {vf_load(pairs->scale + column), vf_load(pairs->offset + column)};
    struct affine zero = {vf_set(rows->zero_scale), vf_set(rows->zero_offset)};
    return (struct column_metas){apply(scale, vf_from_int(vi_load_u8(codes))),
                                 apply(zero, vf_from_int(vi_load_u8(codes + TILED_COLUMNS)))};
}

/* The scaled inputs of tile `i` of a block. */
INLINE void scale_tile(int format, int tokens, const struct tiled_rows *rows, const struct narrow_block *narrow,
                       struct tiled_block *block, int64_t i) {
    const uint8_t *codes = block->tiles[i] + TILED_CODES;
    const struct tiled_inputs *inputs = rows->inputs;
    int64_t blocks = tiled_blocks(&rows->list);
    int64_t at = block->turn.block;
    float *xs = block->xs + i * tokens * TILED_COLUMNS;
    for (int64_t c = 0; c < TILED_COLUMNS; c += LANES) {
        struct column_metas metas = format == GATUN_Q2
                                        ? wide_metas(rows, at, (block->skip + i) * TILED_COLUMNS + c, codes + c)
                                        : narrow_metas(narrow, entry_of(format, block, i, c), codes + c);
        for (int t = 0; t < tokens; t++) {
            vf v = vf_mul(metas.scale, vf_load(inputs[t * blocks + at].x + i * TILED_COLUMNS + c));
            vf_store(xs + t * TILED_COLUMNS + c, v);
            block->zeros[t] = vf_fma(metas.zero, v, block->zeros[t]);
        }
    }
}

static void order_inputs(const float *xs, float *ordered) {
    for (int i = 0; i < 4 * FIELDS; i++) {
        const float *x = xs + 16 * (i / 2 % 8) + 4 * (i / FIELDS) + i % 2;
        vf_store(ordered + i * LANES, (vf){x[0], x[0], x[2], x[2]});
    }
}

static void add_codes(int tokens, const struct tiled_block *block, int64_t i) {
    for (int t = 0; t < tokens; t++) {
        order_inputs(block->xs + (i * tokens + t) * TILED_COLUMNS, block->ordered);
        for (int r = 0; r < ROW_PAIRS; r++) {
            const uint8_t *codes = block->tiles[i] + r * PAIR_BYTES;
            float *total = block->totals + (r * tokens + t) * LANES;
            vf sum = vf_load(total);
            for (int l = 0; l < 4; l++) {
                vi v = vi_load(codes + 16 * l);
                const float *x = block->ordered + l * FIELDS * LANES;
#pragma GCC unroll 16
                for (int f = 0; f < FIELDS; f++) {
                    sum = vf_fma(code_at(v, f / 2 * 2 + f % 2 * 16), vf_load(x + f * LANES), sum);
                }
            }
            vf_store(total, sum);
        }
    }
}

INLINE void add_block(int format, int tokens, const struct tiled_rows *rows, struct narrow_block *narrow,
                      struct tiled_block *block) {
    make_narrow_block(format, rows, block->turn, narrow);
    for (int64_t i = 0; i < block->count; i++) {
        fetch_lines(block->tiles[i + TILED_AHEAD], 0, CODE_LINES + meta_lines(format));
        scale_tile(format, tokens, rows, narrow, block, i);
        add_codes(tokens, block, i);
    }
}
