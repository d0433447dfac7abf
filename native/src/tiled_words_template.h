/*
 * tiled_words_template.h   the scaled inputs of a block as integers, a column in 16 bits
 *
 * words   w of unit * w = scale * x, |w| <= 32512 = 127 * 256: so of w = 256 high + low both are signed bytes. What they are
 *         made by is in tiled_products_template.h and, where a level computes in binary16, tiled_halves_template.h
 * units   columns c with the same c / 2 % UNITS may share one of their own: in sums of zeros these are every UNITS-th lane, in
 *         sums of codes two neighbours among 2 * UNITS
 * order   a byte of codes holds the columns 16f + n in its field f, or 16f + 64 + n if it is an odd one. So words are
 *         made in pairs of vectors, of the columns below 64 and of those from there on, whose bytes are then merged:
 *         [chunk of fields][half of n][below, above][field][n mod 8]
 * zeros   sums of zero code * w and of w in 32 bits: at most 255 * 32512 * 16 * TILED_BLOCK < 2^31
 */

#define VECTORS (PAIR_BYTES / (4 * LANES)) /* of one row pair's codes */
#define VECTOR_BYTES (4 * LANES)
#define INPUT_BYTES (4 * TILED_COLUMNS) /* of a tile and token */

/* Magnitudes below this are as good as zero, and their reciprocal may be infinite. */
#define LEAST_LARGEST 1e-30f

#define UNITS 4

#define CHUNKS VECTORS /* of fields */
#define CHUNK_FIELDS (4 / CHUNKS)

#define BLOCK_COLUMNS (TILED_BLOCK * TILED_COLUMNS)

_Static_assert(255LL * 32512 * 16 * TILED_BLOCK < 1LL << 31, "the sums of a block's zeros must not overflow");

enum sums { OF_ZEROS, OF_CODES, SUMS };

struct magnitude {
    vf largest;
    vf nothing; /* zeros, or NaN */
};

INLINE void look_at(struct magnitude *m, vf v) {
    m->largest = vf_larger_magnitude(v, m->largest);
    m->nothing = vf_fma(v, vf_zero(), m->nothing);
}

/* The largest magnitude, or NaN if a value is none or infinite: so it shows in all that comes of it. */
INLINE float seen_by(const struct magnitude *m) {
    return vf_largest(m->largest) + vf_sum(m->nothing);
}

INLINE vf magnitude_of(vf v) {
    return vf_larger_magnitude(v, vf_zero());
}

/* The 16-bit numbers of LANES columns of a tile from `column` on, a multiple of LANES, to their places in order. */
INLINE void put_words(const int16_t *words, int64_t column, int16_t *tile) {
    for (int i = 0; i < LANES; i += 8) {
        int64_t run = (column + i) / 8;
        int64_t field = run / 2 % 4;
        int64_t at = ((field / CHUNK_FIELDS * 2 + run % 2) * 2 + run / 8) * CHUNK_FIELDS + field % CHUNK_FIELDS;
        memcpy(tile + 8 * at, words + i, 8 * sizeof *words);
    }
}

/* Where a half of a chunk lies in a tile's words. */
INLINE int64_t words_at(int chunk, int half) {
    return (chunk * 2 + half) * 2 * (VECTOR_BYTES / 2);
}

INLINE vi load_words(const int16_t *words) {
    return vi_load((const uint8_t *)words);
}

/* Of the columns below 64, which are the even bytes, and of those from there on. */
struct words {
    vi below;
    vi above;
};

/*
 * The largest magnitude of a block's tiles, or NaN. Without their signs the bits of floats are in the order of the floats, and
 * those of NaN come last.
 */
static float largest_in(const float *magnitudes) {
    int32_t most = 0;
    for (int i = 0; i < TILED_BLOCK; i++) {
        int32_t bits;
        memcpy(&bits, magnitudes + i, sizeof bits);
        bits &= INT32_MAX;
        most = bits > most ? bits : most;
    }
    float largest;
    memcpy(&largest, &most, sizeof largest);
    return largest + 0 * largest;
}

_Static_assert(WIDEST % TILED_BLOCK == 0, "zeros lie behind the tiles of the last block");

INLINE void fill_block(float *tiles, float value) {
    for (int i = 0; i < TILED_BLOCK; i++) {
        tiles[i] = value;
    }
}

/* The zeros of the zeros of narrow tiles: zero = code * zero + zero_offset. */
INLINE void store_zeros(struct narrow_level level, float *zero, float *zero_offset) {
    vf_store(zero, level.zero);
    vf_store(zero_offset, vf_sub(vf_zero(), vf_mul(level.zero, level.zero_zero)));
}

/*
 * What makes the words: struct tiled_pairs and struct tiled_inputs with prepare_pairs and prepare_inputs; struct narrow_row
 * with narrow_row_of; scales_of, what tokens have in common; token_of and word_of, what they do not; and units_of, the units of a
 * token's block by the lanes of sums of zeros or of codes.
 */
#if HALF_WORDS
#include "tiled_halves_template.h"
#else
#include "tiled_products_template.h"
#endif

/* ---- a block ---- */

INLINE struct words zero_codes(int format, vi bytes) {
    if (format == GATUN_Q2N) {
        return (struct words){vi_and(vi_right16(bytes, 4), vi_words(0x000f)), vi_right16(bytes, 12)};
    }
    return (struct words){vi_and(bytes, vi_words(0x00ff)), vi_right16(bytes, 8)};
}

/* What a chunk of a tile's bytes of scales and zeros says: of each half, scales and codes of zeros. */
struct chunk {
    struct words scales[2];
    struct words zeros[2];
};

INLINE struct chunk chunk_of(int format, const struct tiled_row *row, const struct narrow_row *narrow,
                             const struct tiled_block *block, int64_t i, int number) {
    struct chunk chunk;
    const uint8_t *codes = block->tiles[i] + TILED_CODES + number * VECTOR_BYTES;
    const uint8_t *zeros = format == GATUN_Q2N ? codes : codes + TILED_COLUMNS;
    for (int half = 0; half < 2; half++) {
        vi bytes = vi_zip_bytes(vi_load(codes), vi_load(codes + TILED_COLUMNS / 2), half);
        chunk.scales[half] = scales_of(format, row, narrow, block, i, words_at(number, half), bytes);
        vi zero = vi_zip_bytes(vi_load(zeros), vi_load(zeros + TILED_COLUMNS / 2), half);
        chunk.zeros[half] = zero_codes(format, zero);
    }
    return chunk;
}

/* Sums over scaled inputs w: of zero codes times w, and of w. */
struct zero_sums {
    vi codes;
    vi ones;
};

/* Scaled inputs of a chunk, of a token's tile: their upper and lower bytes go where add_row_pairs reads them. */
INLINE void write_chunk(int format, const struct chunk *chunk, int number, const int16_t *token, uint8_t *to,
                        struct zero_sums *sums) {
    vi high[2];
    vi low[2];
    for (int half = 0; half < 2; half++) {
        const int16_t *numbers = token + words_at(number, half);
        vi below = word_of(format, chunk->scales[half].below, numbers);
        vi above = word_of(format, chunk->scales[half].above, numbers + VECTOR_BYTES / 2);
        sums->codes = vi_add_products(chunk->zeros[half].below, below, sums->codes);
        sums->codes = vi_add_products(chunk->zeros[half].above, above, sums->codes);
        sums->ones = vi_add_products(vi_words(1), below, sums->ones);
        sums->ones = vi_add_products(vi_words(1), above, sums->ones);
        /* (w + 128) / 256 is the upper byte that goes with a signed lower one. */
        high[half] = vi_merge_bytes(vi_scale16(below, vi_words(128)), vi_add16(above, vi_words(128)));
        low[half] = vi_merge_bytes(below, vi_left16(above, 8));
    }
    for (int f = 0; f < CHUNK_FIELDS; f++) {
        for (int v = 0; v < VECTORS; v++) {
            uint8_t *at = to + (v * 4 + number * CHUNK_FIELDS + f) * 2 * VECTOR_BYTES;
            vi_store(at, vi_spread(high[0], high[1], f, v));
            vi_store(at + VECTOR_BYTES, vi_spread(low[0], low[1], f, v));
        }
    }
}

INLINE vf zero_of(struct zero_sums sums, vf zero, vf zero_offset) {
    return vf_fma(vf_from_int(sums.codes), zero, vf_mul(vf_from_int(sums.ones), zero_offset));
}

/* Writes the bytes of the scaled inputs, [tile][token][vector][field][high, low][VECTOR_BYTES], and their units by token. */
INLINE void scale_block(int format, int tokens, const struct tiled_row *row, const struct narrow_row *narrow,
                        struct tiled_block *block, vf *units) {
    int64_t number = block->first / TILED_BLOCK;
    const struct zero_sums none = {vi_set(0), vi_set(0)};
    struct zero_sums sums[TILED_TOKENS] = {none, none, none, none};
    vf zeros[TILED_TOKENS] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    for (int64_t i = 0; i < block->count; i++) {
        fetch_ahead(&block->ahead, meta_lines(format));
        for (int c = 0; c < CHUNKS; c++) {
            struct chunk chunk = chunk_of(format, row, narrow, block, i, c);
            for (int t = 0; t < tokens; t++) {
                uint8_t *to = (uint8_t *)block->xs + (i * tokens + t) * INPUT_BYTES;
                const int16_t *token = token_of(format, row, number, t) + i * TILED_COLUMNS;
                write_chunk(format, &chunk, c, token, to, &sums[t]);
            }
        }
        /* Each narrow tile has a zero of zeros of its own. */
        for (int t = 0; t < tokens && format == GATUN_Q2N; t++) {
            vf offset = vf_set(narrow->zero_offset[block->first + i]);
            vf tile = zero_of(sums[t], vf_set(narrow->zero[block->first + i]), offset);
            zeros[t] = vf_add(zeros[t], tile);
            sums[t] = none;
        }
    }
    for (int t = 0; t < tokens; t++) {
        if (format == GATUN_Q2) {
            zeros[t] = zero_of(sums[t], vf_set(row->zero_scale), vf_set(row->zero_offset));
        }
        units[t] = units_of(format, row, narrow, number, t, OF_CODES);
        block->zeros[t] = vf_fma(zeros[t], units_of(format, row, narrow, number, t, OF_ZEROS), block->zeros[t]);
    }
}
