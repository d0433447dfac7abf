/*
 * tiled_template.h   sums[t][i] = sum over k of W[g + G*i][k] * x[t][k] for the 16 rows of a group row g of 2-bit tiles
 *
 * The 16 rows share one scale and one zero for each column, so the scaled inputs xs = scale * x are made once and
 *     sums = sum code * xs - sum zero * xs        where the second sum is the same for all rows.
 * blocks  TILED_BLOCK tiles at a time: their scaled inputs, then the codes of all rows against them
 * codes   64 bytes of a tile hold all 128 columns of the rows r and r + 8, in 32-bit lanes that alternate between the
 *         two: bits 2p + 16h of lane j of sixteen bytes l are column 16p + 4l + 2(j / 2) + h, row r + 8(j mod 2). So the
 *         scaled inputs are brought into that order, each twice, and a vector of totals has row r in its even lanes and
 *         row r + 8 in its odd ones
 * ahead   while a block is computed, as many lines are prefetched, TILED_AHEAD tiles ahead
 * bytes   768 or 640 a tile, read once          bound: reading memory
 * sums    lanes of totals block by block, then their lanes; in that order at any number of tokens
 */

#define ROW_PAIRS (TILED_ROWS / 2)
#define PAIR_BYTES (TILED_CODES / ROW_PAIRS)
#define LINE_BYTES 64

/*
 * The lines that will be read in a while, one after the other: in order, as the processor's own prefetcher expects it;
 * to the level-two cache, since what is in use fills the first.
 */
struct ahead {
    const uint8_t *const *tile;
    int64_t at;
    int64_t tile_bytes;
};

INLINE void fetch_ahead(struct ahead *ahead, int lines) {
    for (int i = 0; i < lines; i++) {
        __builtin_prefetch(*ahead->tile + ahead->at, 0, 2);
        ahead->at += LINE_BYTES;
        if (ahead->at == ahead->tile_bytes) {
            ahead->at = 0;
            ahead->tile++;
        }
    }
}

/* What a block's scaled inputs are and lead to; by token. */
struct tiled_block {
    const uint8_t *const *tiles;
    struct ahead ahead;
    int64_t count;
    float *xs;      /* [count][tokens][TILED_COLUMNS] */
    float *ordered; /* room for those of a tile and token as the level's add_codes wants them */
    vf *zeros;
    float largest[TILED_TOKENS];
};

/* LANES pairs; the loops are over constants, so that they become vectors. */
INLINE void widen_lanes(const uint16_t *pairs, float *scale, float *offset) {
    float values[2 * LANES];
    vf_store(values, vf_load_f16(pairs));
    vf_store(values + LANES, vf_load_f16(pairs + LANES));
    for (int i = 0; i < LANES; i++) {
        scale[i] = values[2 * i];
        offset[i] = -values[2 * i + 1] * values[2 * i];
    }
}

static void widen_pairs(const uint16_t *pairs, int64_t n, float *restrict scale, float *restrict offset) {
    int64_t i = 0;
    for (; i < whole_vectors(n); i += LANES) {
        widen_lanes(pairs + 2 * i, scale + i, offset + i);
    }
    if (i < n) {
        uint16_t halves[2 * LANES] = {0};
        float last[2][LANES];
        memcpy(halves, pairs + 2 * i, (size_t)(n - i) * 2 * sizeof *halves);
        widen_lanes(halves, last[0], last[1]);
        memcpy(scale + i, last[0], (size_t)(n - i) * sizeof *scale);
        memcpy(offset + i, last[1], (size_t)(n - i) * sizeof *offset);
    }
}

/* ---- scales and zeros ---- */

struct affine {
    vf factor;
    vf offset;
};

/* Of a tile: how codes become zeros, and for narrow tiles scales; there, as tables of all sixteen if there are such. */
struct tile_metas {
    struct affine scale;
    struct affine zero;
#if TABLES
    vf scales;
    vf zeros;
#endif
};

struct column_metas {
    vf scale;
    vf zero;
};

INLINE vf apply(struct affine a, vf code) {
    return vf_fma(code, a.factor, a.offset);
}

#if TABLES
static const float SIXTEEN[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#endif

INLINE struct tile_metas metas_of_tile(int format, const struct tiled_row *row, const float *entry) {
    struct tile_metas metas;
    if (format == GATUN_Q2N) {
        metas.scale = (struct affine){vf_set(entry[0]), vf_set(-entry[1] * entry[0])};
        metas.zero = (struct affine){vf_set(entry[2]), vf_set(-entry[3] * entry[2])};
#if TABLES
        vf codes = vf_load(SIXTEEN);
        metas.scales = apply(metas.scale, codes);
        metas.zeros = apply(metas.zero, codes);
#endif
    } else {
        metas.scale = (struct affine){vf_zero(), vf_zero()};
        metas.zero = (struct affine){vf_set(row->zero_scale), vf_set(row->zero_offset)};
    }
    return metas;
}

/* Of LANES columns of a tile, whose codes are at `codes`; they are columns from `k` on of the matrix. */
INLINE struct column_metas metas_of_columns(int format, const struct tiled_row *row, const struct tile_metas *tile,
                                            const uint8_t *codes, int64_t k) {
    vi code = vi_load_u8(codes);
    if (format == GATUN_Q2N) {
#if TABLES
        return (struct column_metas){vf_entry(tile->scales, code), vf_entry(tile->zeros, vi_right(code, 4))};
#else
        return (struct column_metas){apply(tile->scale, code_alone(code, 0, 4)),
                                     apply(tile->zero, code_alone(code, 4, 4))};
#endif
    }
    struct affine scale = {vf_load(row->scale + k), vf_load(row->offset + k)};
    vf zero = vf_from_int(vi_load_u8(codes + TILED_COLUMNS));
    return (struct column_metas){apply(scale, vf_from_int(code)), apply(tile->zero, zero)};
}

/* The second level of all narrow tiles of the row. */
static void widen_entries(const struct tiled_row *row, float *entries) {
    for (int64_t i = 0; i < row->count; i += LANES / TILED_ENTRY) {
        uint16_t halves[LANES] = {0};
        for (int64_t j = 0; j < LANES / TILED_ENTRY && i + j < row->count; j++) {
            memcpy(halves + j * TILED_ENTRY, row->second + (int64_t)row->numbers[i + j] * TILED_ENTRY,
                   TILED_ENTRY * sizeof *halves);
        }
        vf_store(entries + i * TILED_ENTRY, vf_load_f16(halves));
    }
}

#if BYTE_SUMS
#include "tiled_bytes_template.h"
#else
#include "tiled_floats_template.h"
#endif

/* The scaled inputs of a tile, number `i` of the block. */
INLINE void scale_tile(int format, int tokens, const struct tiled_row *row, const float *entry, int64_t number,
                       struct tiled_block *block, int64_t i, struct magnitude *largest) {
    struct tile_metas tile = metas_of_tile(format, row, entry);
    const uint8_t *codes = block->tiles[i] + TILED_CODES;
    float *xs = block->xs + i * tokens * TILED_COLUMNS;
    fetch_ahead(&block->ahead, format == GATUN_Q2N ? 2 : 4);
    for (int64_t c = 0; c < TILED_COLUMNS; c += LANES) {
        int64_t k = number * TILED_COLUMNS + c;
        struct column_metas metas = metas_of_columns(format, row, &tile, codes + c, k);
        for (int t = 0; t < tokens; t++) {
            vf v = vf_mul(metas.scale, vf_load(row->x + t * row->ldx + k));
            vf_store(xs + t * TILED_COLUMNS + c, v);
            block->zeros[t] = vf_fma(metas.zero, v, block->zeros[t]);
            largest[t] = with_value(largest[t], v);
        }
    }
}

INLINE void scale_block(int format, int tokens, const struct tiled_row *row, const float *entries, int64_t first,
                        struct tiled_block *block) {
    struct magnitude largest[TILED_TOKENS] = {no_magnitude(), no_magnitude(), no_magnitude(), no_magnitude()};
    for (int64_t i = 0; i < block->count; i++) {
        const float *entry = entries + (first + i) * TILED_ENTRY;
        scale_tile(format, tokens, row, entry, row->numbers[first + i], block, i, largest);
    }
    for (int t = 0; t < tokens; t++) {
        block->largest[t] = magnitude_of(largest[t]);
    }
}

/* Even lanes are row r, odd ones row r + 8. */
INLINE void write_sums(int tokens, const float *totals, const vf *zeros, float *sums) {
    for (int t = 0; t < tokens; t++) {
        float zero = vf_sum(zeros[t]);
        for (int r = 0; r < ROW_PAIRS; r++) {
            const float *lanes = totals + (r * tokens + t) * LANES;
            float even = 0;
            float odd = 0;
            for (int i = 0; i < LANES; i += 2) {
                even += lanes[i];
                odd += lanes[i + 1];
            }
            sums[t * TILED_ROWS + r] = even - zero;
            sums[t * TILED_ROWS + r + ROW_PAIRS] = odd - zero;
        }
    }
}

INLINE void row_of(int format, int tokens, const struct tiled_row *given) {
    const struct tiled_row copy = *given; /* in registers: stores of floats could not change it */
    const struct tiled_row *row = &copy;
    float *xs = row->scratch;
    float *ordered = xs + tiled_inputs();
    float *totals = ordered + TILED_ORDERED;
    float *entries = totals + TILED_TOKENS * ROW_PAIRS * WIDEST;
    vf zeros[TILED_TOKENS] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    memset(totals, 0, (size_t)(tokens * ROW_PAIRS * LANES) * sizeof *totals);
    if (format == GATUN_Q2N) {
        widen_entries(given, entries);
    }
    for (int64_t first = 0; first < row->count; first += TILED_BLOCK) {
        struct tiled_block block = {.tiles = row->tiles + first, .xs = xs, .ordered = ordered, .zeros = zeros};
        block.count = row->count - first < TILED_BLOCK ? row->count - first : TILED_BLOCK;
        block.ahead = (struct ahead){block.tiles + TILED_AHEAD, 0, tiled_bytes(format)};
        scale_block(format, tokens, row, entries, first, &block);
        add_codes(tokens, &block, totals);
    }
    write_sums(tokens, totals, zeros, row->sums);
}

INLINE void row_of_format(int format, const struct tiled_row *row) {
    switch (row->tokens) {
    case 1:
        row_of(format, 1, row);
        break;
    case 2:
        row_of(format, 2, row);
        break;
    case 3:
        row_of(format, 3, row);
        break;
    default:
        row_of(format, 4, row);
    }
}

static void tiled_row(const struct tiled_row *row) {
    if (row->format == GATUN_Q2N) {
        row_of_format(GATUN_Q2N, row);
    } else {
        row_of_format(GATUN_Q2, row);
    }
}
