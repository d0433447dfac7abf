/*
 * matvec_template.h   y[n] = sum over k of W[n][k] * x[k], one token
 *
 * dense   rows of bf16, fp16 or fp32, four at a time; every weight is read once
 * HQQ     with G = rows / group_size: byte row r of the codes, [rows * bits / 8][columns], holds the output rows
 *         r + field * rows * bits / 8; group g owns the byte rows g, g + G, g + 2G, ... and one scale and one zero per
 *         column. So the scaled inputs xs[k] = scale * x[k] and the sum of zero * xs are made once per group and block
 *         of columns, and every row of the group only adds code * xs:
 *             y = sum code * xs - sum zero * xs
 *         The second level times x (`prepared`) is made once per product and thread where its rows repeat.
 * panels  Codes are loaded four bytes to a lane, without widening: of a panel of 4 * LANES columns, vector c is loaded c
 *         bytes further on and has the columns c, c + 4, c + 8, ... in the low bytes of its lanes. The scaled inputs lie
 *         in the same order. The load reads three bytes past a panel: where the array ends there, from a copy.
 * words   2- and 4-bit codes, where a level multiplies 16-bit integers: words_template.h
 * bytes   dense: rows * columns * size; HQQ: rows * columns * (bits + 16 / group_size + 32 / (group_size *
 *         scale_group)) / 8; the inputs stay in the caches.      bound: reading memory
 * sums    LANES partial sums, of consecutive columns (dense) or of each fourth column (HQQ), per
 *         MATVEC_BLOCK columns for HQQ, added in column order
 */

/* How far ahead of the codes to prefetch: the same place in the next block, give or take. */
#define AHEAD MATVEC_BLOCK

/* Columns of a panel, and bytes that a panel's loads read past it. */
#define PANEL (4 * LANES)
#define PAST 3

/* ---- dense ---- */

#define DENSE_AHEAD 1024 /* bytes */

/* Columns [from, to) of `count` rows, prefetching `ahead` bytes on. */
INLINE void dense_columns(int dtype, int count, const char *row, int64_t stride, const float *x, int64_t from,
                          int64_t to, int64_t ahead, vf *even, vf *odd) {
    for (int64_t k = from; k < to; k += 2 * LANES) {
        vf x0 = vf_load(x + k);
        vf x1 = vf_load(x + k + LANES);
        for (int r = 0; r < count; r++) {
            const char *p = row + r * stride + k * size_of(dtype);
            __builtin_prefetch(p + ahead);
            even[r] = vf_fma(load_typed(p, dtype), x0, even[r]);
            odd[r] = vf_fma(load_typed(p + LANES * size_of(dtype), dtype), x1, odd[r]);
        }
    }
}

INLINE void dense_rows(int dtype, int count, const struct gatun_matrix *m, const float *x, int64_t first, float *y) {
    int64_t columns = m->columns;
    int64_t stride = columns * size_of(dtype);
    const char *row = (const char *)m->weights + first * stride;
    vf even[4];
    vf odd[4];
    for (int r = 0; r < count; r++) {
        even[r] = odd[r] = vf_zero();
    }
    int64_t pairs = columns / (2 * LANES) * (2 * LANES);
    int64_t inner = pairs > DENSE_AHEAD ? pairs - DENSE_AHEAD / (2 * LANES) * (2 * LANES) : 0;
    /* Near the end of a row the bytes ahead are those of the row `count` further down. */
    dense_columns(dtype, count, row, stride, x, 0, inner, DENSE_AHEAD, even, odd);
    dense_columns(dtype, count, row, stride, x, inner, pairs, DENSE_AHEAD + (count - 1) * stride, even, odd);
    int64_t k = pairs;
    for (; k < whole_vectors(columns); k += LANES) {
        vf xk = vf_load(x + k);
        for (int r = 0; r < count; r++) {
            even[r] = vf_fma(load_typed(row + r * stride + k * size_of(dtype), dtype), xk, even[r]);
        }
    }
    if (k < columns) {
        vf xk = vf_load_part(x + k, columns - k);
        for (int r = 0; r < count; r++) {
            vf w = load_typed_part(row + r * stride + k * size_of(dtype), dtype, columns - k);
            odd[r] = vf_fma(w, xk, odd[r]);
        }
    }
    for (int r = 0; r < count; r++) {
        y[first + r] = vf_sum(vf_add(even[r], odd[r]));
    }
}

INLINE void dense_range(int dtype, const struct gatun_matrix *m, const float *x, int64_t from, int64_t to, float *y) {
    int64_t row = from;
    for (; row + 4 <= to; row += 4) {
        dense_rows(dtype, 4, m, x, row, y);
    }
    for (; row < to; row++) {
        dense_rows(dtype, 1, m, x, row, y);
    }
}

static void matvec_dense(const struct gatun_matrix *m, const float *x, int64_t from, int64_t to, float *y) {
    switch (m->dtype) {
    case GATUN_F32:
        dense_range(GATUN_F32, m, x, from, to, y);
        break;
    case GATUN_F16:
        dense_range(GATUN_F16, m, x, from, to, y);
        break;
    default:
        dense_range(GATUN_BF16, m, x, from, to, y);
    }
}

/* ---- HQQ: the second level times the input ---- */

/* `n` metas from `meta` on, without wrapping. */
static void scale_inputs(const struct gatun_matrix *m, int64_t meta, const float *x, int64_t n, float *scale,
                         float *offset) {
    const uint16_t *scales = m->scale_scales + meta;
    const uint16_t *zeros = m->scale_zeros + meta;
    int64_t k = 0;
    for (; k < whole_vectors(n); k += LANES) {
        vf s = vf_mul(vf_load_f16(scales + k), vf_load(x + k));
        vf_store(scale + k, s);
        vf_store(offset + k, vf_sub(vf_zero(), vf_mul(vf_load_f16(zeros + k), s)));
    }
    if (k < n) {
        vf s = vf_mul(load_typed_part(scales + k, GATUN_F16, n - k), vf_load_part(x + k, n - k));
        vf z = load_typed_part(zeros + k, GATUN_F16, n - k);
        vf_store_part(scale + k, s, n - k);
        vf_store_part(offset + k, vf_sub(vf_zero(), vf_mul(z, s)), n - k);
    }
}

/* `n` metas from group number `group` on, wrapping, in the order of panels; zeros up to a whole panel. */
static void scale_inputs_wrapped(const struct gatun_matrix *m, int64_t group, const float *x, int64_t n, float *scale,
                                 float *offset) {
    int64_t metas = metas_of(m);
    int64_t meta = group % metas;
    for (int64_t done = 0; done < n;) {
        int64_t run = n - done < metas - meta ? n - done : metas - meta;
        scale_inputs(m, meta, x + done, run, scale + done, offset + done);
        done += run;
        meta = 0;
    }
    for (int64_t k = n; k < whole_panels(n); k++) {
        scale[k] = offset[k] = 0;
    }
    for (int64_t k = 0; k < n; k += PANEL) {
        vf_deal4(scale + k);
        vf_deal4(offset + k);
    }
}

static void prepare_hqq(const struct gatun_matrix *m, const float *x, int64_t rows, float *prepared) {
    int64_t stride = whole_panels(m->columns);
    for (int64_t r = 0; r < rows; r++) {
        scale_inputs_wrapped(m, r * m->columns, x, m->columns, prepared + 2 * r * stride,
                             prepared + (2 * r + 1) * stride);
    }
}

/* ---- HQQ: one block of columns of one group ---- */

/* How many of n columns may be loaded from where they are, the last row of them being `row` in an array up to `end`. */
INLINE int64_t direct_columns(const uint8_t *row, int64_t n, const uint8_t *end) {
    int64_t direct = n / PANEL * PANEL;
    return direct == 0 || end - (row + direct) >= PAST ? direct : direct - PANEL;
}

/* The others, at most two panels of them: copied, with zeros behind. */
struct last_columns {
    uint8_t bytes[2 * PANEL + WIDEST];
};

INLINE void copy_last(struct last_columns *to, const uint8_t *row, int64_t from, int64_t n) {
    memset(to, 0, sizeof *to);
    memcpy(to->bytes, row + from, (size_t)(n - from));
}

struct zeros {
    vf scale;
    vf offset;
    vf sum;
};

INLINE void scale_panel(const uint8_t *scale_codes, const uint8_t *zero_codes, const float *scale, const float *offset,
                        float *xs, struct zeros *zeros) {
    for (int c = 0; c < 4; c++) {
        vf v = vf_fma(code8(vi_load(scale_codes + c)), vf_load(scale + c * LANES), vf_load(offset + c * LANES));
        vf_store(xs + c * LANES, v);
        zeros->sum = vf_fma(vf_fma(code8(vi_load(zero_codes + c)), zeros->scale, zeros->offset), v, zeros->sum);
    }
}

/* xs of n columns, zeros up to a whole panel; returns the sum of zero * xs. */
INLINE vf make_scaled(const struct gatun_matrix *m, int64_t first, const float *scale, const float *offset, int64_t n,
                      float *xs) {
    int64_t total = groups_of(m) * m->columns;
    const uint8_t *scale_codes = m->scale_codes + first;
    const uint8_t *zero_codes = m->zero_codes + first;
    struct zeros zeros = {vf_set(m->zero_scale), vf_set(-m->zero_zero * m->zero_scale), vf_zero()};
    int64_t direct = direct_columns(scale_codes, n, m->scale_codes + total);
    int64_t k = 0;
    for (; k + CACHE_LINE <= direct; k += CACHE_LINE) {
        __builtin_prefetch(scale_codes + k + AHEAD);
        __builtin_prefetch(zero_codes + k + AHEAD);
        for (int64_t i = k; i < k + CACHE_LINE; i += PANEL) {
            scale_panel(scale_codes + i, zero_codes + i, scale + i, offset + i, xs + i, &zeros);
        }
    }
    for (; k < direct; k += PANEL) {
        scale_panel(scale_codes + k, zero_codes + k, scale + k, offset + k, xs + k, &zeros);
    }
    if (k < n) {
        struct last_columns last[2];
        copy_last(&last[0], scale_codes, k, n);
        copy_last(&last[1], zero_codes, k, n);
        for (int64_t i = 0; k + i < n; i += PANEL) {
            scale_panel(last[0].bytes + i, last[1].bytes + i, scale + k + i, offset + k + i, xs + k + i, &zeros);
        }
    }
    return zeros.sum;
}

INLINE vf code_of(int bits, vi v, int field) {
    return bits == 2 ? code2(v, field) : bits == 4 ? code4(v, field) : code8(v);
}

/* The sum of a field's codes from the sums that code_of led to, those of the fields of one byte row. */
INLINE float field_sum(int bits, const float *sums, int field) {
    int last = 8 / bits - 1;
    if (!NESTED_CODES || field == last) {
        return sums[field];
    }
    return (sums[field] - sums[field + 1]) / (float)(1 << bits * (last - field));
}

INLINE void add_panel(int bits, int count, const uint8_t *row, int64_t stride, const float *xs, vf *sums) {
    const int fields = 8 / bits;
    for (int c = 0; c < 4; c++) {
        vf x = vf_load(xs + c * LANES);
        for (int r = 0; r < count; r++) {
            vi codes = vi_load(row + r * stride + c);
            for (int f = 0; f < fields; f++) {
                sums[r * fields + f] = vf_fma(code_of(bits, codes, f), x, sums[r * fields + f]);
            }
        }
    }
}

/* Adds code * xs over n columns of `count` byte rows to totals[byte row][field][LANES]. */
INLINE void add_byte_rows(int bits, int count, const uint8_t *row, int64_t stride, const uint8_t *end, const float *xs,
                          int64_t n, float *totals) {
    const int fields = 8 / bits;
    vf sums[8];
    for (int i = 0; i < count * fields; i++) {
        sums[i] = vf_zero();
    }
    int64_t direct = direct_columns(row + (count - 1) * stride, n, end);
    int64_t k = 0;
    for (; k + CACHE_LINE <= direct; k += CACHE_LINE) {
        for (int r = 0; r < count; r++) {
            __builtin_prefetch(row + r * stride + k + AHEAD);
        }
#pragma GCC unroll 2
        for (int64_t i = k; i < k + CACHE_LINE; i += PANEL) {
            add_panel(bits, count, row + i, stride, xs + i, sums);
        }
    }
    for (; k < direct; k += PANEL) {
        add_panel(bits, count, row + k, stride, xs + k, sums);
    }
    if (k < n) {
        struct last_columns last[8];
        for (int r = 0; r < count; r++) {
            copy_last(&last[r], row + r * stride, k, n);
        }
        for (int64_t i = 0; k + i < n; i += PANEL) {
            add_panel(bits, count, last[0].bytes + i, sizeof last[0], xs + k + i, sums);
        }
    }
    for (int i = 0; i < count * fields; i++) {
        vf_store(totals + i * LANES, vf_add(vf_load(totals + i * LANES), sums[i]));
    }
}

INLINE void add_group(int bits, const struct gatun_matrix *m, int64_t first, const float *xs, int64_t n,
                      float *totals) {
    const int fields = 8 / bits;
    const int together = 8 / fields;
    int64_t byte_rows = m->group_size / fields;
    int64_t stride = groups_of(m) * m->columns;
    const uint8_t *codes = (const uint8_t *)m->weights + first;
    const uint8_t *end = (const uint8_t *)m->weights + byte_rows * stride;
    int64_t r = 0;
    for (; r + together <= byte_rows; r += together) {
        add_byte_rows(bits, together, codes + r * stride, stride, end, xs, n, totals + r * fields * LANES);
    }
    for (; r < byte_rows; r++) {
        add_byte_rows(bits, 1, codes + r * stride, stride, end, xs, n, totals + r * fields * LANES);
    }
}

#if WORD_SUMS
#include "words_template.h"
#endif

/* ---- HQQ: a group, a range of groups ---- */

struct hqq_scratch {
    float *scale;
    float *offset;
    float *xs;
    float *totals;
};

INLINE void write_group(int bits, const struct gatun_matrix *m, int64_t group, const float *totals, vf zeros,
                        float *y) {
    const int fields = 8 / bits;
    int64_t groups = groups_of(m);
    int64_t byte_rows = m->group_size / fields;
    float zero = vf_sum(zeros);
    for (int64_t r = 0; r < byte_rows; r++) {
        float sums[8 / 2];
        for (int f = 0; f < fields; f++) {
            sums[f] = vf_sum(vf_load(totals + (r * fields + f) * LANES));
        }
        for (int f = 0; f < fields; f++) {
            float sum = WORD_SUMS && bits < 8 ? sums[f] : field_sum(bits, sums, f);
            y[group + groups * (r + f * byte_rows)] = sum - zero;
        }
    }
}

INLINE void hqq_group(int bits, const struct gatun_matrix *m, const float *x, const float *prepared, int64_t group,
                      const struct hqq_scratch *s, float *y) {
    int64_t columns = m->columns;
    vf zeros = vf_zero();
    for (int64_t i = 0; i < m->group_size; i++) {
        vf_store(s->totals + i * LANES, vf_zero());
    }
    for (int64_t k = 0; k < columns; k += MATVEC_BLOCK) {
        int64_t n = columns - k < MATVEC_BLOCK ? columns - k : MATVEC_BLOCK;
        int64_t first = group * columns + k;
        const float *scale = s->scale;
        const float *offset = s->offset;
        if (prepared != NULL) {
            scale = prepared + k;
            offset = prepared + whole_panels(columns) + k;
        } else {
            scale_inputs_wrapped(m, first, x + k, n, s->scale, s->offset);
        }
#if WORD_SUMS
        if (bits < 8) {
            add_word_block(bits, m, first, scale, offset, n, s->xs, s->totals);
            continue;
        }
#endif
        zeros = vf_add(zeros, make_scaled(m, first, scale, offset, n, s->xs));
        add_group(bits, m, first, s->xs, n, s->totals);
    }
    write_group(bits, m, group, s->totals, zeros, y);
}

INLINE void hqq_range(int bits, const struct gatun_matrix *m, const float *x, const float *prepared,
                      int64_t prepared_rows, int64_t from, int64_t to, const struct hqq_scratch *s, float *y) {
    for (int64_t g = from; g < to; g++) {
        const float *row = prepared == NULL ? NULL : prepared + g % prepared_rows * 2 * whole_panels(m->columns);
        hqq_group(bits, m, x, row, g, s, y);
    }
}

static void matvec_hqq(const struct gatun_matrix *m, const float *x, const float *prepared, int64_t prepared_rows,
                       int64_t from, int64_t to, float *scratch, float *y) {
    struct hqq_scratch s = {scratch, scratch + MATVEC_BLOCK, scratch + 2 * MATVEC_BLOCK, scratch + 3 * MATVEC_BLOCK};
    switch (m->bits) {
    case 2:
        hqq_range(2, m, x, prepared, prepared_rows, from, to, &s, y);
        break;
    case 4:
        hqq_range(4, m, x, prepared, prepared_rows, from, to, &s, y);
        break;
    default:
        hqq_range(8, m, x, prepared, prepared_rows, from, to, &s, y);
    }
}
