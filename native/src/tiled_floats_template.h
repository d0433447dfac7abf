/*
 * tiled_floats_template.h   the codes of a block against its scaled inputs in float32, for vectors of four lanes:
 * sixteen bytes of codes at a time, whose lanes are the rows r, r + 8, r, r + 8
 * inputs  of a tile and token: [sixteen bytes l = 0..3][p = 0..7][h = 0..1][lane]
 */

_Static_assert(LANES == 4, "a vector of codes is what sixteen bytes hold");

#define FIELDS 16

_Static_assert(4 * FIELDS * LANES <= TILED_ORDERED, "room for the inputs of a tile and token");

/* Floats need no common unit. */
struct magnitude {
    vf unused;
};

INLINE struct magnitude no_magnitude(void) {
    return (struct magnitude){vf_zero()};
}

INLINE struct magnitude with_value(struct magnitude m, vf v) {
    (void)v;
    return m;
}

INLINE float magnitude_of(struct magnitude m) {
    (void)m;
    return 0;
}

static void order_inputs(const float *xs, float *ordered) {
    for (int i = 0; i < 4 * FIELDS; i++) {
        const float *x = xs + 16 * (i / 2 % 8) + 4 * (i / FIELDS) + i % 2;
        vf_store(ordered + i * LANES, (vf){x[0], x[0], x[2], x[2]});
    }
}

static void add_codes(int tokens, struct tiled_block *block, float *totals) {
    for (int64_t i = 0; i < block->count; i++) {
        fetch_ahead(&block->ahead, ROW_PAIRS);
        for (int t = 0; t < tokens; t++) {
            order_inputs(block->xs + (i * tokens + t) * TILED_COLUMNS, block->ordered);
            for (int r = 0; r < ROW_PAIRS; r++) {
                const uint8_t *codes = block->tiles[i] + r * PAIR_BYTES;
                float *total = totals + (r * tokens + t) * LANES;
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
}
