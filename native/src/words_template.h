/*
 * words_template.h   the one-token path of 2- and 4-bit HQQ in 16-bit integers, where a level multiplies those
 *
 * Per group and block of columns the scaled inputs are rounded to 16 bits of the largest of them, and codes and zeros
 * are summed as integers, exactly:
 *     y = step * (sum code * w - sum zero * w)    with w = round(xs / step), step = largest |xs| / 32767
 * That takes three instructions for 2 * LANES weights: the fields of a byte are masked where they are, since the sums of
 * a field that stands higher in the byte are just that power of two larger.
 * error   about 5e-5 of the output's 2-norm: a unit in 32767 of the block's largest input, rounded
 * panels  the low bytes of the 16-bit lanes of a load: columns 0, 2, 4, ... of a panel, and one byte further on columns
 *         1, 3, 5, .... The words lie so: those of the even columns, then those of the odd ones
 * bounds  a lane's |sum| <= 255 * 32767 * MATVEC_BLOCK / LANES < 2^31, so that none overflows
 */

#define LARGEST_WORD 32767

_Static_assert((int64_t)255 * LARGEST_WORD * MATVEC_BLOCK / LANES < INT32_MAX, "a lane's sum must fit 32 bits");

/* What a block's zeros come to, for all rows of the group alike: zero = (code - zero_zero) * zero_scale. */
struct word_zeros {
    vi codes; /* sum of zero code * word */
    vi words; /* sum of words */
};

/* xs of a panel, and the largest magnitude; as integers, whose order is that of the floats, and where NaN is largest. */
INLINE vi scale_word_panel(const uint8_t *scale_codes, const float *scale, const float *offset, float *xs, vi largest) {
    for (int c = 0; c < 4; c++) {
        vf v = vf_fma(code8(vi_load(scale_codes + c)), vf_load(scale + c * LANES), vf_load(offset + c * LANES));
        vf_store(xs + c * LANES, v);
        largest = vi_max(largest, vi_and(vi_bits(v), vi_set(0x7fffffff)));
    }
    return largest;
}

/* xs of n columns, zeros up to a whole panel; returns the largest magnitude, or NaN if one is not finite. */
INLINE float make_word_inputs(const struct gatun_matrix *m, int64_t first, const float *scale, const float *offset,
                              int64_t n, float *xs) {
    const uint8_t *scale_codes = m->scale_codes + first;
    int64_t direct = direct_columns(scale_codes, n, m->scale_codes + groups_of(m) * m->columns);
    vi largest = vi_set(0);
    int64_t k = 0;
    for (; k < direct; k += PANEL) {
        __builtin_prefetch(scale_codes + k + AHEAD);
        largest = scale_word_panel(scale_codes + k, scale + k, offset + k, xs + k, largest);
    }
    if (k < n) {
        struct last_columns last;
        copy_last(&last, scale_codes, k, n);
        for (int64_t i = 0; k + i < n; i += PANEL) {
            largest = scale_word_panel(last.bytes + i, scale + k + i, offset + k + i, xs + k + i, largest);
        }
    }
    int32_t bits = vi_largest(largest);
    float value;
    memcpy(&value, &bits, sizeof value);
    return isfinite(value) ? value : NAN;
}

/* The words of n columns, in place of the xs they are made of: they take half the room. */
INLINE void round_to_words(float *xs, int64_t n, float largest) {
    uint8_t *words = (uint8_t *)xs;
    vf units = vf_set(largest > 0 ? LARGEST_WORD / largest : 0);
    for (int64_t k = 0; k < n; k += PANEL) {
        vi v[4];
        for (int c = 0; c < 4; c++) {
            v[c] = vi_round(vf_mul(vf_load(xs + k + c * LANES), units));
        }
        vi_store(words + 2 * k, vi_pair(v[0], v[2]));
        vi_store(words + 2 * k + PANEL, vi_pair(v[1], v[3]));
    }
}

INLINE struct word_zeros add_zero_panel(const uint8_t *zero_codes, const uint8_t *words, struct word_zeros sums) {
    for (int odd = 0; odd < 2; odd++) {
        vi w = vi_load(words + odd * PANEL);
        sums.codes = vi_add_products(vi_and(vi_load(zero_codes + odd), vi_set(0x00ff00ff)), w, sums.codes);
        sums.words = vi_add_products(vi_set(0x00010001), w, sums.words);
    }
    return sums;
}

/* The sum of zero * word over n columns, in float lanes. */
INLINE vf sum_zeros(const struct gatun_matrix *m, int64_t first, const uint8_t *words, int64_t n) {
    const uint8_t *zero_codes = m->zero_codes + first;
    int64_t direct = direct_columns(zero_codes, n, m->zero_codes + groups_of(m) * m->columns);
    struct word_zeros sums = {vi_set(0), vi_set(0)};
    int64_t k = 0;
    for (; k < direct; k += PANEL) {
        __builtin_prefetch(zero_codes + k + AHEAD);
        sums = add_zero_panel(zero_codes + k, words + 2 * k, sums);
    }
    if (k < n) {
        struct last_columns last;
        copy_last(&last, zero_codes, k, n);
        for (int64_t i = 0; k + i < n; i += PANEL) {
            sums = add_zero_panel(last.bytes + i, words + 2 * (k + i), sums);
        }
    }
    return vf_fma(vf_from_int(sums.codes), vf_set(m->zero_scale),
                  vf_mul(vf_from_int(sums.words), vf_set(-m->zero_zero * m->zero_scale)));
}

/* The mask of a field, in the low byte of each 16-bit lane; its sums are 2^shift too large. */
INLINE int field_shift(int bits, int field) {
    return bits * (8 / bits - 1 - field);
}

INLINE void add_word_panel(int bits, int count, const uint8_t *row, int64_t stride, const uint8_t *words, vi *sums) {
    const int fields = 8 / bits;
    for (int odd = 0; odd < 2; odd++) {
        vi w = vi_load(words + odd * PANEL);
        for (int r = 0; r < count; r++) {
            vi codes = vi_keep(vi_load(row + r * stride + odd));
            for (int f = 0; f < fields; f++) {
                int mask = ((1 << bits) - 1) << field_shift(bits, f);
                vi *sum = &sums[r * fields + f];
                *sum = vi_keep(vi_add_products(vi_and(codes, vi_set(mask << 16 | mask)), w, *sum));
            }
        }
    }
}

/* Adds step * (code sums - zeros) over n columns of `count` byte rows to totals[byte row][field][LANES]. */
INLINE void add_word_rows(int bits, int count, const uint8_t *row, int64_t stride, const uint8_t *end,
                          const uint8_t *words, int64_t n, float step, vf zeros, float *totals) {
    const int fields = 8 / bits;
    vi sums[8];
    for (int i = 0; i < count * fields; i++) {
        sums[i] = vi_set(0);
    }
    int64_t direct = direct_columns(row + (count - 1) * stride, n, end);
    int64_t k = 0;
    for (; k + CACHE_LINE <= direct; k += CACHE_LINE) {
        for (int r = 0; r < count; r++) {
            __builtin_prefetch(row + r * stride + k + AHEAD);
        }
        for (int64_t i = k; i < k + CACHE_LINE; i += PANEL) {
            add_word_panel(bits, count, row + i, stride, words + 2 * i, sums);
        }
    }
    for (; k < direct; k += PANEL) {
        add_word_panel(bits, count, row + k, stride, words + 2 * k, sums);
    }
    if (k < n) {
        struct last_columns last[8];
        for (int r = 0; r < count; r++) {
            copy_last(&last[r], row + r * stride, k, n);
        }
        for (int64_t i = 0; k + i < n; i += PANEL) {
            add_word_panel(bits, count, last[0].bytes + i, sizeof last[0], words + 2 * (k + i), sums);
        }
    }
    for (int i = 0; i < count * fields; i++) {
        float unit = 1.0f / (float)(1 << field_shift(bits, i % fields));
        vf total = vf_sub(vf_mul(vf_from_int(sums[i]), vf_set(unit)), zeros);
        vf_store(totals + i * LANES, vf_fma(total, vf_set(step), vf_load(totals + i * LANES)));
    }
}

/* A block of n columns of one group, whose metas times the input are `scale` and `offset`. */
INLINE void add_word_block(int bits, const struct gatun_matrix *m, int64_t first, const float *scale,
                           const float *offset, int64_t n, float *xs, float *totals) {
    const int fields = 8 / bits;
    const int together = 8 / fields;
    int64_t byte_rows = byte_rows_of(m);
    int64_t stride = groups_of(m) * m->columns;
    const uint8_t *codes = (const uint8_t *)m->weights + first;
    const uint8_t *end = (const uint8_t *)m->weights + byte_rows * stride;
    const uint8_t *words = (const uint8_t *)xs;
    float largest = make_word_inputs(m, first, scale, offset, n, xs);
    round_to_words(xs, n, largest);
    float step = largest / LARGEST_WORD;
    vf zeros = sum_zeros(m, first, words, n);
    int64_t r = 0;
    for (; r + together <= byte_rows; r += together) {
        add_word_rows(bits, together, codes + r * stride, stride, end, words, n, step, zeros,
                      totals + r * fields * LANES);
    }
    for (; r < byte_rows; r++) {
        add_word_rows(bits, 1, codes + r * stride, stride, end, words, n, step, zeros, totals + r * fields * LANES);
    }
}
