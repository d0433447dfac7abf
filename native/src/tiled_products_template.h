/*
 * tiled_products_template.h   words of scaled inputs by rounded products of 16-bit integers
 *
 * scales  of a block, with S = the largest |centre| + half * |step| of its columns (narrow: of its tiles), which no scale
 *         exceeds: scale = S / 32500 * (centre + (code - half) * step), with code - half in the upper bits of a word and
 *         half = 2^7 or 2^3
 * inputs  x = X / 32767 * word, with X = the largest |x| of the block
 * error   w is off by less than a unit, 2^-15 S X: about 1e-4 of the output's 2-norm
 */

#define LARGEST_SCALE 32500.0f
#define LARGEST_INPUT 32767.0f

/* A product's unit: a multiplication divides by 2^15. */
#define PRODUCT_UNIT (32768 / LARGEST_SCALE / LARGEST_INPUT)

#define PAIRS_WITH_INPUTS 0

/* `largest` is S or X. */
struct tiled_pairs {
    _Alignas(64) int16_t step[BLOCK_COLUMNS];
    int16_t centre[BLOCK_COLUMNS];
    float largest;
};

struct tiled_inputs {
    _Alignas(64) int16_t words[BLOCK_COLUMNS];
    float largest;
};

INLINE float quotient_of(float most, float largest) {
    return largest >= LEAST_LARGEST ? most / largest : 0;
}

INLINE void put_rounded(vf v, int64_t column, int16_t *tile) {
    int16_t words[LANES];
    vi_store_words(words, vi_round(v));
    put_words(words, column, tile);
}

static void prepare_inputs(const float *x, int64_t tiles, void *to) {
    struct tiled_inputs *inputs = to;
    struct magnitude magnitude = {vf_zero(), vf_zero()};
    for (int64_t k = 0; k < tiles * TILED_COLUMNS; k += LANES) {
        look_at(&magnitude, vf_load(x + k));
    }
    inputs->largest = seen_by(&magnitude);
    vf units = vf_set(quotient_of(LARGEST_INPUT, inputs->largest));
    for (int64_t tile = 0; tile < tiles; tile++) {
        for (int64_t c = 0; c < TILED_COLUMNS; c += LANES) {
            int64_t k = tile * TILED_COLUMNS;
            put_rounded(vf_mul(vf_load(x + k + c), units), c, inputs->words + k);
        }
    }
}

/* What a centre and a step lead to, at codes of twice `half` values. */
INLINE vf magnitude_about(vf centre, vf step, float half) {
    return vf_fma(magnitude_of(step), vf_set(half), magnitude_of(centre));
}

static void prepare_pairs(const float *scale, const float *offset, const float *x, int64_t tiles, void *to) {
    (void)x;
    struct tiled_pairs *pairs = to;
    const float half = 128;
    struct magnitude magnitude = {vf_zero(), vf_zero()};
    for (int64_t k = 0; k < tiles * TILED_COLUMNS; k += LANES) {
        vf centre = vf_fma(vf_load(scale + k), vf_set(half), vf_load(offset + k));
        look_at(&magnitude, centre); /* a NaN may not be seen in its magnitude */
        look_at(&magnitude, magnitude_about(centre, vf_load(scale + k), half));
    }
    pairs->largest = seen_by(&magnitude);
    vf units = vf_set(quotient_of(LARGEST_SCALE, pairs->largest));
    for (int64_t tile = 0; tile < tiles; tile++) {
        int64_t k = tile * TILED_COLUMNS;
        for (int64_t c = 0; c < TILED_COLUMNS; c += LANES) {
            vf step = vf_mul(vf_load(scale + k + c), vf_set(half));
            vf centre = vf_add(step, vf_load(offset + k + c));
            put_rounded(vf_mul(step, units), c, pairs->step + k);
            put_rounded(vf_mul(centre, units), c, pairs->centre + k);
        }
    }
}

/* By tile: words, each twice; the zeros of zeros. By block: the largest, as in tiled_pairs. */
struct narrow_row {
    const int32_t *step;
    const int32_t *centre;
    const float *zero;
    const float *zero_offset;
    const float *largest;
};

INLINE void put_twice(vf v, float *to) {
    vi words = vi_round(v);
    vi_store((uint8_t *)to, vi_pair(words, words));
}

static struct narrow_row narrow_row_of(const struct tiled_row *row, float *memory) {
    int64_t count = row->list.count;
    int64_t room = padded_to(count, WIDEST);
    float *step = memory;
    float *centre = memory + room;
    float *zero = memory + 2 * room;
    float *zero_offset = memory + 3 * room;
    float *units = memory + 4 * room; /* of its block; before, the tile's magnitude */
    float *largest = memory + 5 * room;
    for (int64_t i = 0; i < count; i += LANES) {
        struct narrow_level level = narrow_level_of(row, i);
        vf middle = vf_mul(vf_sub(vf_set(8), level.scale_zero), level.scale);
        vf_store(step + i, vf_mul(level.scale, vf_set(8)));
        vf_store(centre + i, middle);
        store_zeros(level, zero + i, zero_offset + i);
        vf_store(units + i, vf_fma(middle, vf_zero(), magnitude_about(middle, level.scale, 8)));
    }
    for (int64_t i = 0; i < count; i += TILED_BLOCK) {
        float most = largest_in(units + i);
        largest[i / TILED_BLOCK] = most;
        fill_block(units + i, quotient_of(LARGEST_SCALE, most));
    }
    for (int64_t i = 0; i < count; i += LANES) {
        put_twice(vf_mul(vf_load(step + i), vf_load(units + i)), step + i);
        put_twice(vf_mul(vf_load(centre + i), vf_load(units + i)), centre + i);
    }
    return (struct narrow_row){(const int32_t *)step, (const int32_t *)centre, zero, zero_offset, largest};
}

/* Half of the codes' range less, in the upper bits. */
INLINE struct words scale_codes(int format, vi bytes) {
    if (format == GATUN_Q2N) {
        vi v = vi_xor(bytes, vi_bytes(0x08));
        return (struct words){vi_left16(v, 12), vi_and(vi_left16(v, 4), vi_words(0xf000))};
    }
    vi v = vi_xor(bytes, vi_bytes(0x80));
    return (struct words){vi_left16(v, 8), vi_and(v, vi_words(0xff00))};
}

/* Codes times steps and centres of the columns from `at` on of tile `i` of a block. */
INLINE struct words scales_of(int format, const struct tiled_row *row, const struct narrow_row *narrow,
                              const struct tiled_block *block, int64_t i, int64_t at, vi bytes) {
    struct words codes = scale_codes(format, bytes);
    if (format == GATUN_Q2N) {
        vi step = vi_set(narrow->step[block->first + i]);
        vi centre = vi_set(narrow->centre[block->first + i]);
        return (struct words){vi_add16(vi_scale16(codes.below, step), centre),
                              vi_add16(vi_scale16(codes.above, step), centre)};
    }
    const struct tiled_pairs *pairs = (const struct tiled_pairs *)row->pairs + block->first / TILED_BLOCK;
    const int16_t *step = pairs->step + i * TILED_COLUMNS + at;
    const int16_t *centre = pairs->centre + i * TILED_COLUMNS + at;
    int64_t above = VECTOR_BYTES / 2;
    return (struct words){vi_add16(vi_scale16(codes.below, load_words(step)), load_words(centre)),
                          vi_add16(vi_scale16(codes.above, load_words(step + above)), load_words(centre + above))};
}

INLINE const struct tiled_inputs *inputs_of(const struct tiled_row *row, int64_t number, int token) {
    return (const struct tiled_inputs *)row->inputs + number + token * tiled_blocks(row->list.count);
}

/* A token's numbers at a block, as word_of takes them. */
INLINE const int16_t *token_of(int format, const struct tiled_row *row, int64_t number, int token) {
    (void)format;
    return inputs_of(row, number, token)->words;
}

INLINE vi word_of(int format, vi scale, const int16_t *token) {
    (void)format;
    return vi_scale16(scale, load_words(token));
}

INLINE vf units_of(int format, const struct tiled_row *row, const struct narrow_row *narrow, int64_t number, int token,
                   enum sums sums) {
    (void)sums;
    const struct tiled_pairs *pairs = (const struct tiled_pairs *)row->pairs + number;
    float largest = format == GATUN_Q2N ? narrow->largest[number] : pairs->largest;
    return vf_set(PRODUCT_UNIT * largest * inputs_of(row, number, token)->largest);
}
