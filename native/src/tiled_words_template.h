/*
 * tiled_words_template.h   the scaled inputs of a block as integers, a column in 16 bits, by products of 16 bits
 *
 * scales  of a block, with S = the largest |centre| + 2^7 * |step| of its columns, which no scale exceeds:
 *         scale = S / 32500 * (centre + (code - 2^7) * step), with code - 2^7 in the upper bits of a word
 * inputs  x = X / 32767 * word, with X = the largest |x| of the block
 * reach   the largest scale hardly ever meets the largest input, so |w| stays far below that. Where it matters (w2, whose
 *         inputs are a few large ones among many small) words become `times` as large, as large as they may be. What their
 *         largest is need not be asked of all: those of the FARTHEST columns, by the largest scale that each can have times
 *         |x|, are computed first, and no other is beyond what the next column can reach
 * narrow  tiles have an S, which no scale and no step exceeds, and an X of their own, with 2^3 for 2^7. Of a block, with
 *         L = the largest S * X of its tiles, scale = L / X / 32500 * (...): so w is in the same unit, L, for all of them
 * values  in TILED_SIXTEENS it is not tiles that have an S and an X, but each of the sixteen values of a block, which have
 *         sixteen columns of every other tile
 * words   their product w, a rounded multiplication, |w| < 32512 = 127 * 256: so of w = 256 high + low both are signed
 *         bytes
 * order   a byte of codes holds the columns 16f + n in its field f, or 16f + 64 + n if it is an odd one. So words are
 *         made in pairs of vectors, of the columns below 64 and of those from there on, whose bytes are then merged:
 *         [chunk of fields][half of n][below, above][field][n mod 8]
 * zeros   sums of zero code * w and of w in 32 bits: at most 255 * 32512 * 16 * TILED_BLOCK < 2^31
 * error   w is off by less than a unit, 2^-15 S X or 2^-15 L, or `times` less: 1e-4 to 4e-4 of the output's 2-norm where
 *         columns are alike
 */

#define VECTORS (PAIR_BYTES / (4 * LANES)) /* of one row pair's codes */
#define VECTOR_BYTES (4 * LANES)
#define INPUT_BYTES (4 * TILED_COLUMNS) /* of a tile and token */

#define LARGEST_SCALE 32500.0f
#define LARGEST_INPUT 32767.0f

/* A product's unit: a multiplication divides by 2^15. */
#define PRODUCT_UNIT (32768 / LARGEST_SCALE / LARGEST_INPUT)

/* Magnitudes below this are as good as zero, and their reciprocal may be infinite. */
#define LEAST_LARGEST 1e-30f

#define CHUNKS VECTORS /* of fields */
#define CHUNK_FIELDS (4 / CHUNKS)

_Static_assert(255LL * 32512 * 16 * TILED_BLOCK < 1LL << 31, "the sums of a block's zeros must not overflow");

/* `largest` is S, or NaN if a value is none or infinite: so it shows in all that comes of it. */
struct tiled_pairs {
    _Alignas(CACHE_LINE) int16_t step[TILED_BLOCK_COLUMNS];
    int16_t centre[TILED_BLOCK_COLUMNS];
    float largest;
};

/* Columns whose products are computed first. */
#define FARTHEST 4

/* A column of a block. */
struct column {
    int16_t tile;
    int16_t code;  /* in the tile's codes */
    int16_t place; /* in its words */
};

/* Of the columns of a block: the farthest, if there are as many, and what reach * |x| of no other exceeds. */
struct farthest {
    struct column columns[FARTHEST];
    int32_t count;
    float others;
};

/* `largest` is X, likewise: the first one of the block; or that of each narrow tile or value, zeros behind the last. */
struct tiled_inputs {
    _Alignas(CACHE_LINE) int16_t words[TILED_BLOCK_COLUMNS];
    float largest[2 * TILED_VALUES];
};

struct magnitude {
    vf largest;
    vf nothing; /* zeros, or NaN */
};

INLINE void look_at(struct magnitude *m, vf v) {
    m->largest = vf_larger_magnitude(v, m->largest);
    m->nothing = vf_fma(v, vf_zero(), m->nothing);
}

INLINE float seen_by(const struct magnitude *m) {
    return vf_largest(m->largest) + vf_sum(m->nothing);
}

INLINE float units_of(float most, float largest) {
    return largest >= LEAST_LARGEST ? most / largest : 0;
}

/* The place of a tile's column among its words; eight columns lie together. */
INLINE int64_t place_of_word(int64_t column) {
    int64_t run = column / 8;
    int64_t field = run / 2 % 4;
    int64_t at = ((field / CHUNK_FIELDS * 2 + run % 2) * 2 + run / 8) * CHUNK_FIELDS + field % CHUNK_FIELDS;
    return 8 * at + column % 8;
}

/* Rounded values of LANES columns of a tile from `column` on, a multiple of LANES, to their places in order. */
INLINE void put_words(vf v, int64_t column, int16_t *tile) {
    int16_t words[LANES];
    vi_store_words(words, vi_round(v));
    for (int i = 0; i < LANES; i += 8) {
        memcpy(tile + place_of_word(column + i), words + i, 8 * sizeof *words);
    }
}

/* Words of some columns, from `first` on, of every `step`th of some tiles, which have one unit; returns the largest. */
INLINE float write_inputs(const float *x, int64_t tiles, int64_t step, int64_t first, int64_t columns, int16_t *words) {
    struct magnitude magnitude = {vf_zero(), vf_zero()};
    for (int64_t i = 0; i < tiles; i += step) {
        for (int64_t k = first; k < first + columns; k += LANES) {
            look_at(&magnitude, vf_load(x + i * TILED_COLUMNS + k));
        }
    }
    float largest = seen_by(&magnitude);
    vf units = vf_set(units_of(LARGEST_INPUT, largest));
    for (int64_t i = 0; i < tiles; i += step) {
        for (int64_t k = first; k < first + columns; k += LANES) {
            put_words(vf_mul(vf_load(x + i * TILED_COLUMNS + k), units), k, words + i * TILED_COLUMNS);
        }
    }
    return largest;
}

/* The largest values so far, in falling order, and their columns. One more than is kept in the end. */
struct ranking {
    float values[FARTHEST + 1];
    int64_t columns[FARTHEST + 1];
};

INLINE void rank(struct ranking *r, float value, int64_t column) {
    int i = FARTHEST;
    for (; i > 0 && value > r->values[i - 1]; i--) {
        r->values[i] = r->values[i - 1];
        r->columns[i] = r->columns[i - 1];
    }
    r->values[i] = value;
    r->columns[i] = column;
}

/* What is no number is not ranked, and shows in X or in S. */
static void find_farthest(const float *x, const float *reach, int64_t tiles, void *to) {
    struct ranking ranking = {{0}, {0}};
    for (int64_t k = 0; k < tiles * TILED_COLUMNS; k += LANES) {
        vf v = vf_larger_magnitude(vf_mul(vf_load(x + k), vf_load(reach + k)), vf_zero());
        if (vf_largest(v) > ranking.values[FARTHEST]) {
            float values[LANES];
            vf_store(values, v);
            for (int i = 0; i < LANES; i++) {
                if (values[i] > ranking.values[FARTHEST]) {
                    rank(&ranking, values[i], k + i);
                }
            }
        }
    }
    struct farthest farthest = {.others = ranking.values[FARTHEST]};
    for (; farthest.count < FARTHEST && ranking.values[farthest.count] > 0; farthest.count++) {
        int64_t k = ranking.columns[farthest.count];
        int64_t code = k % TILED_COLUMNS;
        farthest.columns[farthest.count] =
            (struct column){(int16_t)(k / TILED_COLUMNS), (int16_t)code, (int16_t)place_of_word(code)};
    }
    *(struct farthest *)to = farthest;
}

static void prepare_inputs(int32_t format, const float *x, int64_t tiles, void *to) {
    struct tiled_inputs *inputs = to;
    memset(inputs->largest, 0, sizeof inputs->largest);
    switch (format) {
    case TILED_SIXTEENS:
        for (int64_t i = 0; i < 2 * TILED_VALUES; i++) {
            int64_t odd = i / TILED_VALUES;
            int64_t k = odd * TILED_COLUMNS;
            int64_t first = i % TILED_VALUES * TILED_TOGETHER;
            inputs->largest[i] = write_inputs(x + k, tiles - odd, 2, first, TILED_TOGETHER, inputs->words + k);
        }
        break;
    case GATUN_Q2N:
        for (int64_t i = 0; i < tiles; i++) {
            int64_t k = i * TILED_COLUMNS;
            inputs->largest[i] = write_inputs(x + k, 1, 1, 0, TILED_COLUMNS, inputs->words + k);
        }
        break;
    default:
        inputs->largest[0] = write_inputs(x, tiles, 1, 0, TILED_COLUMNS, inputs->words);
    }
}

/* LANES columns of a tile from `column` on. */
INLINE void put_pairs(vf centre, vf step, vf units, int64_t column, int64_t tile, struct tiled_pairs *pairs) {
    put_words(vf_mul(step, units), column, pairs->step + tile * TILED_COLUMNS);
    put_words(vf_mul(centre, units), column, pairs->centre + tile * TILED_COLUMNS);
}

/* What a centre and a scale lead to, at codes of 8 bits. A NaN may not be seen in its magnitude. */
INLINE vf reach_of(vf centre, vf scale) {
    vf magnitude = vf_larger_magnitude(centre, vf_zero());
    magnitude = vf_fma(vf_larger_magnitude(scale, vf_zero()), vf_set(128), magnitude);
    return vf_fma(centre, vf_zero(), magnitude);
}

static void prepare_pairs(const float *scale, const float *offset, int64_t tiles, void *to, float *reach) {
    struct tiled_pairs *pairs = to;
    const vf half = vf_set(128);
    struct magnitude magnitude = {vf_zero(), vf_zero()};
    for (int64_t k = 0; k < tiles * TILED_COLUMNS; k += LANES) {
        vf v = reach_of(vf_fma(vf_load(scale + k), half, vf_load(offset + k)), vf_load(scale + k));
        look_at(&magnitude, v);
        if (reach != NULL) {
            vf_store(reach + k, v);
        }
    }
    pairs->largest = seen_by(&magnitude);
    vf units = vf_set(units_of(LARGEST_SCALE, pairs->largest));
    for (int64_t k = 0; k < tiles * TILED_COLUMNS; k += LANES) {
        vf step = vf_mul(vf_load(scale + k), half);
        put_pairs(vf_add(step, vf_load(offset + k)), step, units, k % TILED_COLUMNS, k / TILED_COLUMNS, pairs);
    }
}

/* ---- narrow tiles ---- */

/*
 * By entry of two blocks: zero = code * zero + zero_offset; scale = centre + (code - 2^3) / 2^3 * step, and what its magnitude
 * may reach. Of the block that is scaled next, for each token: words of steps and centres, each twice; L, or NaN.
 */
struct narrow_block {
    _Alignas(CACHE_LINE) float zero[NARROW_ENTRIES];
    float zero_offset[NARROW_ENTRIES];
    float step[NARROW_ENTRIES];
    float centre[NARROW_ENTRIES];
    float reach[NARROW_ENTRIES];
    int32_t step_words[TILED_TOKENS][NARROW_ENTRIES];
    int32_t centre_words[TILED_TOKENS][NARROW_ENTRIES];
    float largest[TILED_TOKENS];
};

/* The largest magnitude of a scale or of a step, whose word must fit as well; NaN likewise. */
INLINE vf narrow_reach(vf centre, vf scale) {
    vf least = vf_sub(centre, vf_mul(scale, vf_set(8)));
    vf most = vf_fma(scale, vf_set(7), centre);
    vf step = vf_larger_magnitude(vf_mul(scale, vf_set(8)), vf_zero());
    vf reach = vf_larger_magnitude(least, vf_larger_magnitude(most, step));
    return vf_fma(centre, vf_zero(), reach);
}

INLINE void put_twice(vf v, int32_t *to) {
    vi words = vi_round(v);
    vi_store((uint8_t *)to, vi_pair(words, words));
}

INLINE void read_entries(int format, const struct tiled_rows *rows, struct tiled_turn turn, struct narrow_block *narrow) {
    for (int64_t i = 0; i < NARROW_ENTRIES; i += LANES) {
        struct narrow_level level = narrow_level_of(format, rows, turn, i);
        vf centre = vf_mul(vf_sub(vf_set(8), level.scale_zero), level.scale);
        vf_store(narrow->zero + i, level.zero);
        vf_store(narrow->zero_offset + i, vf_sub(vf_zero(), vf_mul(level.zero, level.zero_zero)));
        vf_store(narrow->step + i, vf_mul(level.scale, vf_set(8)));
        vf_store(narrow->centre + i, centre);
        vf_store(narrow->reach + i, narrow_reach(centre, level.scale));
    }
}

_Static_assert(TILED_BLOCK == 8, "a block of tiles has eight entries");

/* Some of a block's entries; what a vector has behind a block is zero, like the inputs there. */
INLINE vf load_entries(int format, const float *entries) {
    return format == GATUN_Q2N ? vf_load_eight(entries) : vf_load(entries);
}

/* Without their signs the bits of floats are in the order of the floats, and those of NaN come last. */
INLINE float largest_reached(int format, const float *reach, const float *x) {
    vi most = vi_set(0);
    for (int64_t i = 0; i < block_entries(format); i += LANES) {
        vi product = vi_bits(vf_mul(load_entries(format, reach + i), vf_load(x + i)));
        most = vi_max(most, vi_and(product, vi_set(INT32_MAX)));
    }
    int32_t bits = vi_largest(most);
    float largest;
    memcpy(&largest, &bits, sizeof largest);
    return largest + 0 * largest;
}

/* Words of a token. An entry without a scale has none of L, so its inputs may be any times as large. */
INLINE void make_words(int format, const float *x, int64_t first, int64_t token, struct narrow_block *narrow) {
    vf unit = vf_set(units_of(LARGEST_SCALE, narrow->largest[token]));
    for (int64_t i = 0; i < block_entries(format); i += LANES) {
        vf reach = load_entries(format, narrow->reach + first + i);
        vf units = vf_drop_below(vf_mul(unit, vf_load(x + i)), LEAST_LARGEST, reach);
        put_twice(vf_mul(load_entries(format, narrow->step + first + i), units), narrow->step_words[token] + i);
        put_twice(vf_mul(load_entries(format, narrow->centre + first + i), units), narrow->centre_words[token] + i);
    }
}

/* Each takes long from its first step to its last, so there is other work between them. */
#define NARROW_PARTS 3

/* Makes one of the parts, if there is such a one and such a block. */
INLINE void make_narrow_block(int part, int format, int tokens, const struct tiled_rows *rows, struct tiled_turn turn,
                              struct narrow_block *narrow) {
    const int64_t blocks = tiled_blocks(&rows->list);
    if (format == GATUN_Q2 || part >= NARROW_PARTS || turn.block == blocks) {
        return;
    }
    if (part == 0) {
        if (begins_entries(format, rows, turn.block)) {
            read_entries(format, rows, turn, narrow);
        }
        return;
    }
    const struct tiled_inputs *inputs = (const struct tiled_inputs *)rows->inputs + turn.block;
    const int64_t first = first_entry(format, turn.block);
    for (int t = 0; t < tokens; t++) {
        const float *x = inputs[t * blocks].largest;
        if (part == 1) {
            narrow->largest[t] = largest_reached(format, narrow->reach + first, x);
        } else {
            make_words(format, x, first, t, narrow);
        }
    }
}

INLINE void make_first_block(int format, int tokens, const struct tiled_rows *rows, struct narrow_block *narrow) {
    for (int part = 0; part < NARROW_PARTS; part++) {
        make_narrow_block(part, format, tokens, rows, (struct tiled_turn){0, 0}, narrow);
    }
}

/* ---- a block ---- */

/* Of the columns below 64, which are the even bytes, and of those from there on. */
struct words {
    vi below;
    vi above;
};

/* Half of the codes' range less, in the upper bits. */
INLINE struct words scale_codes(int format, vi bytes) {
    if (format != GATUN_Q2) {
        vi v = vi_xor(bytes, vi_bytes(0x08));
        return (struct words){vi_left16(v, 12), vi_and(vi_left16(v, 4), vi_words(0xf000))};
    }
    vi v = vi_xor(bytes, vi_bytes(0x80));
    return (struct words){vi_left16(v, 8), vi_and(v, vi_words(0xff00))};
}

INLINE struct words zero_codes(int format, vi bytes) {
    if (format != GATUN_Q2) {
        return (struct words){vi_and(vi_right16(bytes, 4), vi_words(0x000f)), vi_right16(bytes, 12)};
    }
    return (struct words){vi_and(bytes, vi_words(0x00ff)), vi_right16(bytes, 8)};
}

/* Where a half of a chunk lies in a tile's words. */
INLINE int64_t words_at(int chunk, int half) {
    return (chunk * 2 + half) * 2 * (VECTOR_BYTES / 2);
}

INLINE vi load_words(const int16_t *words) {
    return vi_load((const uint8_t *)words);
}

/* What a chunk of a tile's bytes of scales and zeros says, by half. */
struct chunk {
    struct words scales[2];
    struct words zeros[2];
};

INLINE struct chunk chunk_of(int format, const uint8_t *tile, int number) {
    struct chunk chunk;
    const uint8_t *codes = tile + TILED_CODES + number * VECTOR_BYTES;
    const uint8_t *zeros = format == GATUN_Q2 ? codes + TILED_COLUMNS : codes;
    for (int half = 0; half < 2; half++) {
        vi scale = vi_zip_bytes(vi_load(codes), vi_load(codes + TILED_COLUMNS / 2), half);
        chunk.scales[half] = scale_codes(format, scale);
        vi zero = vi_zip_bytes(vi_load(zeros), vi_load(zeros + TILED_COLUMNS / 2), half);
        chunk.zeros[half] = zero_codes(format, zero);
    }
    return chunk;
}

/* Codes of half a chunk times the steps and centres of its columns, or of a token's of a narrow tile. */
INLINE struct words wide_scales(struct words codes, const struct tiled_pairs *pairs, int64_t column) {
    const int16_t *step = pairs->step + column;
    const int16_t *centre = pairs->centre + column;
    int64_t above = VECTOR_BYTES / 2;
    return (struct words){vi_add16(vi_scale16(codes.below, load_words(step)), load_words(centre)),
                          vi_add16(vi_scale16(codes.above, load_words(step + above)), load_words(centre + above))};
}

INLINE struct words scaled_codes(struct words codes, struct words step, struct words centre) {
    return (struct words){vi_add16(vi_scale16(codes.below, step.below), centre.below),
                          vi_add16(vi_scale16(codes.above, step.above), centre.above)};
}

INLINE struct words narrow_scales(struct words codes, const struct narrow_block *narrow, int64_t token, int64_t tile) {
    vi step = vi_set(narrow->step_words[token][tile]);
    vi centre = vi_set(narrow->centre_words[token][tile]);
    return scaled_codes(codes, (struct words){step, step}, (struct words){centre, centre});
}

/* Scales times inputs of a half of a chunk. */
INLINE struct words products_of(struct words scales, const int16_t *x) {
    return (struct words){vi_scale16(scales.below, load_words(x)),
                          vi_scale16(scales.above, load_words(x + VECTOR_BYTES / 2))};
}

/* a * b * times / 2^15, rounded, where `product` is a * b / 2^15, rounded. */
INLINE vi magnified(vi product, vi a, vi b, vi times) {
    vi rest = vi_subtract16(vi_multiply16(a, b), vi_left16(product, 15));
    return vi_add16(vi_multiply16(product, times), vi_scale16(rest, times));
}

INLINE struct words magnify(struct words products, struct words scales, const int16_t *x, int times) {
    vi t = vi_words(times);
    return (struct words){magnified(products.below, scales.below, load_words(x), t),
                          magnified(products.above, scales.above, load_words(x + VECTOR_BYTES / 2), t)};
}

/* Sums over scaled inputs w: of zero codes times w, and of w. */
struct zero_sums {
    vi codes;
    vi ones;
};

INLINE void add_zeros(vi zeros, vi w, struct zero_sums *sums) {
    sums->codes = vi_add_products(zeros, w, sums->codes);
    sums->ones = vi_add_products(vi_words(1), w, sums->ones);
}

/*
 * Scaled inputs of a chunk: their upper and lower bytes go where add_row_pairs reads them. Sums are those of the columns
 * below 64 and of those from there on; they may be the same.
 */
INLINE void write_chunk(const struct words *scales, const struct words *zeros, int number, const int16_t *inputs,
                        int times, uint8_t *to, struct zero_sums *below, struct zero_sums *above) {
    vi high[2];
    vi low[2];
    for (int half = 0; half < 2; half++) {
        const int16_t *x = inputs + words_at(number, half);
        struct words w = products_of(scales[half], x);
        if (times > 1) {
            w = magnify(w, scales[half], x, times);
        }
        add_zeros(zeros[half].below, w.below, below);
        add_zeros(zeros[half].above, w.above, above);
        /* (w + 128) / 256 is the upper byte that goes with a signed lower one. */
        high[half] = vi_merge_bytes(vi_scale16(w.below, vi_words(128)), vi_add16(w.above, vi_words(128)));
        low[half] = vi_merge_bytes(w.below, vi_left16(w.above, 8));
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

/* The scaled inputs of tile `i` of a block, [token][vector][field][high, low][VECTOR_BYTES]. */
INLINE void scale_tile(int format, int tokens, const struct tiled_rows *rows, const struct narrow_block *narrow,
                       struct tiled_block *block, int64_t i, const int *times, struct zero_sums *sums) {
    const struct tiled_inputs *inputs = (const struct tiled_inputs *)rows->inputs + block->turn.block;
    const struct tiled_pairs *pairs = (const struct tiled_pairs *)rows->pairs + block->turn.block;
    int64_t blocks = tiled_blocks(&rows->list);
    for (int c = 0; c < CHUNKS; c++) {
        struct chunk chunk = chunk_of(format, block->tiles[i], c);
        struct words scales[2];
        for (int half = 0; half < 2 && format == GATUN_Q2; half++) {
            int64_t column = (block->skip + i) * TILED_COLUMNS + words_at(c, half);
            scales[half] = wide_scales(chunk.scales[half], pairs, column);
        }
        for (int t = 0; t < tokens; t++) {
            for (int half = 0; half < 2 && format == GATUN_Q2N; half++) {
                scales[half] = narrow_scales(chunk.scales[half], narrow, t, i);
            }
            uint8_t *to = (uint8_t *)block->xs + (i * tokens + t) * INPUT_BYTES;
            const int16_t *x = inputs[t * blocks].words + i * TILED_COLUMNS;
            write_chunk(scales, chunk.zeros, c, x, times[t], to, &sums[t], &sums[t]);
        }
    }
}

/* What a chunk's columns have of the entries of a tile in TILED_SIXTEENS, below and above 64; `values`: of a chunk's first. */
INLINE struct words words_of_entries(const int32_t *values) {
    return (struct words){vi_each16(values), vi_each16(values + TILED_VALUES / 2)};
}

/* The zeros of columns that have the entries from `entry` on, in units of w. */
INLINE vf zeros_of_entries(const struct narrow_block *narrow, int64_t entry, struct zero_sums sums) {
    return zero_of(sums, vf_each16(narrow->zero + entry), vf_each16(narrow->zero_offset + entry));
}

/* A token's scaled inputs of a chunk of every other tile of a block in TILED_SIXTEENS from `odd` on; returns its zeros. */
INLINE vf scale_chunks(int tokens, const struct tiled_rows *rows, const struct narrow_block *narrow,
                       struct tiled_block *block, int odd, int c, int t) {
    const struct tiled_inputs *inputs = (const struct tiled_inputs *)rows->inputs + t * tiled_blocks(&rows->list);
    int64_t entry = odd * TILED_VALUES + c * CHUNK_FIELDS;
    struct words step = words_of_entries(narrow->step_words[t] + entry);
    struct words centre = words_of_entries(narrow->centre_words[t] + entry);
    struct zero_sums below = {vi_set(0), vi_set(0)};
    struct zero_sums above = below;
    for (int64_t i = odd; i < block->count; i += 2) {
        if (c == 0 && t == 0) {
            fetch_to_scale(TILED_SIXTEENS, tokens, block, i);
        }
        struct chunk chunk = chunk_of(TILED_SIXTEENS, block->tiles[i], c);
        struct words scales[2];
        for (int half = 0; half < 2; half++) {
            scales[half] = scaled_codes(chunk.scales[half], step, centre);
        }
        uint8_t *to = (uint8_t *)block->xs + (i * tokens + t) * INPUT_BYTES;
        const int16_t *x = inputs[block->turn.block].words + i * TILED_COLUMNS;
        write_chunk(scales, chunk.zeros, c, x, 1, to, &below, &above);
    }
    return vf_add(zeros_of_entries(narrow, entry, below), zeros_of_entries(narrow, entry + TILED_VALUES / 2, above));
}

/* The largest product of a block that words of a token stand for. */
INLINE float largest_product(int format, const struct tiled_rows *rows, const struct narrow_block *narrow,
                             const struct tiled_block *block, int64_t token) {
    if (format != GATUN_Q2) {
        return narrow->largest[token];
    }
    const struct tiled_pairs *pairs = (const struct tiled_pairs *)rows->pairs + block->turn.block;
    const struct tiled_inputs *inputs = (const struct tiled_inputs *)rows->inputs + block->turn.block;
    return pairs->largest * inputs[token * tiled_blocks(&rows->list)].largest[0];
}

/* What vi_scale16 gives. */
INLINE int scaled(int a, int b) {
    return (a * b + (1 << 14)) >> 15;
}

/* The word of a column's product. */
INLINE int product_of(const struct tiled_block *block, const struct tiled_pairs *pairs, const struct tiled_inputs *inputs,
                      struct column column) {
    int64_t of_pairs = (block->skip + column.tile) * TILED_COLUMNS + column.place;
    int code = block->tiles[column.tile][TILED_CODES + column.code];
    int scale = scaled((code - 128) * 256, pairs->step[of_pairs]) + pairs->centre[of_pairs];
    return scaled(scale, inputs->words[column.tile * TILED_COLUMNS + column.place]);
}

#define LARGEST_PRODUCT 32512

/* By how much a word may be beyond the product that it stands for: scales, inputs and words are rounded. */
#define ROUNDED 3

/* How many times as large a block's words may be; `unit` is that of a word. */
INLINE int times_of(const struct tiled_rows *rows, const struct tiled_block *block, int64_t token, float unit) {
    if (rows->farthest == NULL) {
        return 1;
    }
    const struct tiled_pairs *pairs = (const struct tiled_pairs *)rows->pairs + block->turn.block;
    int64_t at = token * tiled_blocks(&rows->list) + block->turn.block;
    const struct tiled_inputs *inputs = (const struct tiled_inputs *)rows->inputs + at;
    const struct farthest *farthest = (const struct farthest *)rows->farthest + at;
    float others = farthest->others / unit;
    if (!(others < LARGEST_PRODUCT)) { /* or a NaN */
        return 1;
    }
    int most = (int)others + ROUNDED;
    for (int i = 0; i < farthest->count; i++) {
        int word = product_of(block, pairs, inputs, farthest->columns[i]);
        word = word < 0 ? -word : word;
        most = word > most ? word : most;
    }
    int times = LARGEST_PRODUCT / (most + 1);
    return times > 1 ? times : 1;
}

/* Writes the scaled inputs of a block by tile, and their unit by token. */
INLINE void scale_block(int format, int tokens, const struct tiled_rows *rows, const struct narrow_block *narrow,
                        struct tiled_block *block, float *units) {
    const struct zero_sums none = {vi_set(0), vi_set(0)};
    struct zero_sums sums[TILED_TOKENS] = {none, none, none, none};
    vf zeros[TILED_TOKENS] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    int times[TILED_TOKENS];
    for (int t = 0; t < tokens; t++) {
        units[t] = PRODUCT_UNIT * largest_product(format, rows, narrow, block, t);
        times[t] = format == GATUN_Q2 ? times_of(rows, block, t, units[t]) : 1;
        units[t] /= (float)times[t];
    }
    for (int i = 0; i < 2 * CHUNKS && format == TILED_SIXTEENS; i++) {
        for (int t = 0; t < tokens; t++) {
            zeros[t] = vf_add(zeros[t], scale_chunks(tokens, rows, narrow, block, i / CHUNKS, i % CHUNKS, t));
        }
    }
    for (int64_t i = 0; i < block->count && format != TILED_SIXTEENS; i++) {
        fetch_to_scale(format, tokens, block, i);
        scale_tile(format, tokens, rows, narrow, block, i, times, sums);
        /* Each narrow tile has a zero of zeros of its own. */
        for (int t = 0; t < tokens && format == GATUN_Q2N; t++) {
            int64_t entry = first_entry(format, block->turn.block) + i;
            vf tile = zero_of(sums[t], vf_set(narrow->zero[entry]), vf_set(narrow->zero_offset[entry]));
            zeros[t] = vf_add(zeros[t], tile);
            sums[t] = none;
        }
    }
    for (int t = 0; t < tokens; t++) {
        if (format == GATUN_Q2) {
            zeros[t] = zero_of(sums[t], vf_set(rows->zero_scale), vf_set(rows->zero_offset));
        }
        block->zeros[t] = vf_fma(zeros[t], vf_set(units[t]), block->zeros[t]);
    }
}
