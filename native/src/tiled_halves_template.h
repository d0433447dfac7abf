/*
 * tiled_halves_template.h   words of scaled inputs by binary16, with the roundings of the GPU's kernels
 *
 * The kernels of kernels/q2_stream.cuh round scale * x to binary16, and how does not depend on the powers of two that
 * are taken out. Here these make |w| <= 32512, one for a quarter of a block's columns, and w is what comes of it rounded to
 * an integer:
 * wide    w = code * slope + offset, rounded once, with slope = scale * x and offset = -zero * scale * x of a column and token
 * narrow  s = code * slope + offset, rounded, of a tile: so there are sixteen, which are looked up; w = s * x, rounded
 * error   against that of the GPU half a unit, and none where |w| >= 1024
 */

#define PAIRS_WITH_INPUTS 1

_Static_assert(LANES == 16, "a vector is a table of sixteen scales, twice");

/* The codes of narrow scales, twice. */
static const uint16_t CODES[2 * LANES] = {
    0x0000, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600, 0x4700, 0x4800, 0x4880, 0x4900, 0x4980, 0x4a00, 0x4a80, 0x4b00,
    0x4b80, 0x0000, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600, 0x4700, 0x4800, 0x4880, 0x4900, 0x4980, 0x4a00, 0x4a80,
    0x4b00, 0x4b80,
};

#define LARGEST_WORD_OF_BLOCK 32512.0f

/* Narrow: |x| <= 256 and |s| <= 127. */
#define LARGEST_INPUT 256.0f
#define LARGEST_SCALE 127.0f

/* `units` are powers of two; or zero, or NaN if a value is none or infinite: so it shows in all that comes of it. */
struct tiled_pairs {
    _Alignas(64) int16_t numbers[2][BLOCK_COLUMNS]; /* slopes, offsets */
    float units[SUMS][LANES];
};

struct tiled_inputs {
    _Alignas(64) int16_t x[BLOCK_COLUMNS];
    float units[SUMS][LANES];
};

/* The largest power of two that takes `largest` to `most` at most; zero for what is as good as zero, and for NaN. */
INLINE float power_of(float most, float largest) {
    float quotient = largest >= LEAST_LARGEST ? most / largest : 0;
    int32_t bits;
    memcpy(&bits, &quotient, sizeof bits);
    bits &= 0x7f800000;
    memcpy(&quotient, &bits, sizeof bits);
    return quotient;
}

/* What was taken out with that power. */
INLINE float unit_from(float power, float largest) {
    return power > 0 ? 1 / power : 0 * largest;
}

/* The powers of columns that lie in lanes, by what was seen of the columns there; and what was taken out, by lanes of sums. */
static vf take_out(const struct magnitude *seen, float most, float (*units)[LANES]) {
    float largest[LANES];
    float nothing[LANES];
    float powers[LANES];
    vf_store(largest, seen->largest);
    vf_store(nothing, seen->nothing);
    for (int i = 0; i < LANES; i++) {
        int first = i / 2 % UNITS * 2;
        float all = 0;
        float none = 0;
        for (int j = first; j < LANES; j += 2 * UNITS) {
            all = fmaxf(all, fmaxf(largest[j], largest[j + 1]));
            none += nothing[j] + nothing[j + 1];
        }
        powers[i] = power_of(most, all + none);
        units[OF_CODES][i] = unit_from(powers[i], all + none);
    }
    for (int i = 0; i < LANES; i++) {
        units[OF_ZEROS][i] = units[OF_CODES][i % UNITS * 2];
    }
    return vf_load(powers);
}

INLINE void put_halves(vf v, int64_t column, int16_t *tile) {
    uint16_t halves[LANES];
    vf_store_f16(halves, v);
    put_words((const int16_t *)halves, column, tile);
}

static void prepare_inputs(const float *x, int64_t tiles, void *to) {
    struct tiled_inputs *inputs = to;
    struct magnitude magnitude = {vf_zero(), vf_zero()};
    for (int64_t k = 0; k < tiles * TILED_COLUMNS; k += LANES) {
        look_at(&magnitude, vf_load(x + k));
    }
    vf powers = take_out(&magnitude, LARGEST_INPUT, inputs->units);
    for (int64_t tile = 0; tile < tiles; tile++) {
        int64_t k = tile * TILED_COLUMNS;
        for (int64_t c = 0; c < TILED_COLUMNS; c += LANES) {
            put_halves(vf_mul(vf_load(x + k + c), powers), c, inputs->x + k);
        }
    }
}

/* What no code up to `most` leads beyond, with what roundings of a slope and an offset may add. */
INLINE vf magnitude_at_most(vf slope, vf offset, float most) {
    vf end = vf_mul(slope, vf_set(most));
    vf exact = vf_larger_magnitude(vf_add(end, offset), offset);
    return vf_fma(vf_add(magnitude_of(end), magnitude_of(offset)), vf_set(1.0f / 512), magnitude_of(exact));
}

static void prepare_pairs(const float *scale, const float *offset, const float *x, int64_t tiles, void *to) {
    struct tiled_pairs *pairs = to;
    struct magnitude magnitude = {vf_zero(), vf_zero()};
    for (int64_t k = 0; k < tiles * TILED_COLUMNS; k += LANES) {
        vf slope = vf_mul(vf_load(scale + k), vf_load(x + k));
        vf shift = vf_mul(vf_load(offset + k), vf_load(x + k));
        look_at(&magnitude, vf_add(slope, shift)); /* a NaN may not be seen in its magnitude */
        look_at(&magnitude, magnitude_at_most(slope, shift, 255));
    }
    vf powers = take_out(&magnitude, LARGEST_WORD_OF_BLOCK, pairs->units);
    for (int64_t tile = 0; tile < tiles; tile++) {
        int64_t k = tile * TILED_COLUMNS;
        for (int64_t c = 0; c < TILED_COLUMNS; c += LANES) {
            vf times = vf_mul(vf_load(x + k + c), powers);
            put_halves(vf_mul(vf_load(scale + k + c), times), c, pairs->numbers[0] + k);
            put_halves(vf_mul(vf_load(offset + k + c), times), c, pairs->numbers[1] + k);
        }
    }
}

/* By tile: halves, each twice; the zeros of zeros. By block: what was taken out. */
struct narrow_row {
    const int32_t *slope;
    const int32_t *offset;
    const float *zero;
    const float *zero_offset;
    const float *unit;
};

/* v, rounded as the GPU does, times the powers. */
INLINE void put_twice(vf v, const float *powers, float *to) {
    uint16_t halves[LANES];
    vf_store_f16(halves, v);
    vf_store_f16(halves, vf_mul(vf_load_f16(halves), vf_load(powers)));
    for (int i = 0; i < LANES; i++) {
        uint16_t twice[2] = {halves[i], halves[i]};
        memcpy(to + i, twice, sizeof twice);
    }
}

static struct narrow_row narrow_row_of(const struct tiled_row *row, float *memory) {
    int64_t count = row->list.count;
    int64_t room = padded_to(count, WIDEST);
    float *slope = memory;
    float *offset = memory + room;
    float *zero = memory + 2 * room;
    float *zero_offset = memory + 3 * room;
    float *powers = memory + 4 * room; /* of its block; before, the tile's magnitude */
    float *unit = memory + 5 * room;
    for (int64_t i = 0; i < count; i += LANES) {
        struct narrow_level level = narrow_level_of(row, i);
        vf shift = vf_sub(vf_zero(), vf_mul(level.scale, level.scale_zero));
        vf_store(slope + i, level.scale);
        vf_store(offset + i, shift);
        store_zeros(level, zero + i, zero_offset + i);
        vf_store(powers + i, vf_fma(shift, vf_zero(), magnitude_at_most(level.scale, shift, 15)));
    }
    for (int64_t i = 0; i < count; i += TILED_BLOCK) {
        float most = largest_in(powers + i);
        float power = power_of(LARGEST_SCALE, most);
        unit[i / TILED_BLOCK] = unit_from(power, most);
        fill_block(powers + i, power);
    }
    for (int64_t i = 0; i < count; i += LANES) {
        put_twice(vf_load(slope + i), powers + i, slope + i);
        put_twice(vf_load(offset + i), powers + i, offset + i);
    }
    return (struct narrow_row){(const int32_t *)slope, (const int32_t *)offset, zero, zero_offset, unit};
}

/* Wide: codes. Narrow: scales of a tile, by tables whose halves are alike, since a fifth bit says nothing of a code. */
INLINE struct words scales_of(int format, const struct tiled_row *row, const struct narrow_row *narrow,
                              const struct tiled_block *block, int64_t i, int64_t at, vi bytes) {
    (void)row;
    (void)at;
    if (format == GATUN_Q2N) {
        int64_t tile = block->first + i;
        vi scales = vh_fma(vi_load((const uint8_t *)CODES), vi_set(narrow->slope[tile]), vi_set(narrow->offset[tile]));
        return (struct words){vi_look_up16(scales, bytes), vi_look_up16(scales, vi_right16(bytes, 8))};
    }
    return (struct words){vh_from_words(vi_and(bytes, vi_words(0x00ff))), vh_from_words(vi_right16(bytes, 8))};
}

/* A token's numbers at a block, as word_of takes them. */
INLINE const int16_t *token_of(int format, const struct tiled_row *row, int64_t number, int token) {
    int64_t at = number + token * tiled_blocks(row->list.count);
    return format == GATUN_Q2N ? ((const struct tiled_inputs *)row->inputs + at)->x
                               : ((const struct tiled_pairs *)row->pairs + at)->numbers[0];
}

INLINE vi word_of(int format, vi scale, const int16_t *token) {
    if (format == GATUN_Q2N) {
        return vh_round(vh_mul(scale, load_words(token)));
    }
    return vh_round(vh_fma(scale, load_words(token), load_words(token + BLOCK_COLUMNS)));
}

INLINE vf units_of(int format, const struct tiled_row *row, const struct narrow_row *narrow, int64_t number, int token,
                   enum sums sums) {
    int64_t at = number + token * tiled_blocks(row->list.count);
    if (format == GATUN_Q2N) {
        return vf_mul(vf_load(((const struct tiled_inputs *)row->inputs + at)->units[sums]), vf_set(narrow->unit[number]));
    }
    return vf_load(((const struct tiled_pairs *)row->pairs + at)->units[sums]);
}
