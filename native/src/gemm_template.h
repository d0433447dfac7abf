/*
 * gemm_template.h   y[t][n] = sum over k of W[n][k] * x[t][k], several tokens
 *
 * A tile of TILE_ROWS rows by GEMM_COLUMNS columns is widened (dense) or dequantized (HQQ: the rows of one group, which
 * share scale and zero) to float32 in the level-one cache, then multiplied with every token: four rows by GEMM_TOKENS
 * tokens in registers, lanes along the columns, so nothing is transposed.
 *
 * bound   multiply-adds; per tile and token 4 bytes of x are read for TILE_ROWS multiply-adds
 * sums    LANES partial sums of consecutive columns, per GEMM_COLUMNS columns, added in column order
 */

/* ---- registers: 4 rows by `tokens` tokens; c[t * ldc + r] gets or adds the sums ---- */

INLINE void dot_tile(int tokens, const float *w, int64_t ldw, const float *x, int64_t ldx, int64_t n, float *c,
                     int64_t ldc, int add) {
    vf sums[4][GEMM_TOKENS];
    for (int r = 0; r < 4; r++) {
        for (int t = 0; t < tokens; t++) {
            sums[r][t] = vf_zero();
        }
    }
    vf xs[GEMM_TOKENS];
    int64_t k = 0;
    for (; k < whole_vectors(n); k += LANES) {
        for (int t = 0; t < tokens; t++) {
            xs[t] = vf_load(x + t * ldx + k);
        }
        for (int r = 0; r < 4; r++) {
            vf row = vf_load(w + r * ldw + k);
            for (int t = 0; t < tokens; t++) {
                sums[r][t] = vf_fma(row, xs[t], sums[r][t]);
            }
        }
    }
    if (k < n) {
        for (int t = 0; t < tokens; t++) {
            vf last = vf_load_part(x + t * ldx + k, n - k);
            for (int r = 0; r < 4; r++) {
                sums[r][t] = vf_fma(vf_load(w + r * ldw + k), last, sums[r][t]);
            }
        }
    }
    for (int t = 0; t < tokens; t++) {
        float four[4];
        vf_sum4(sums[0][t], sums[1][t], sums[2][t], sums[3][t], four);
        for (int r = 0; r < 4; r++) {
            c[t * ldc + r] = add ? c[t * ldc + r] + four[r] : four[r];
        }
    }
}

/* All of `rows` (a multiple of four; rows of w are padded to whole vectors) by all tokens. */
static void dot_rows(const float *w, int64_t ldw, int64_t rows, const float *x, int64_t ldx, int64_t tokens, int64_t n,
                     float *c, int64_t ldc, int add) {
    int64_t t = 0;
    for (; t + GEMM_TOKENS <= tokens; t += GEMM_TOKENS) {
        for (int64_t r = 0; r < rows; r += 4) {
            dot_tile(GEMM_TOKENS, w + r * ldw, ldw, x + t * ldx, ldx, n, c + t * ldc + r, ldc, add);
        }
    }
    for (; t < tokens; t++) {
        for (int64_t r = 0; r < rows; r += 4) {
            dot_tile(1, w + r * ldw, ldw, x + t * ldx, ldx, n, c + t * ldc + r, ldc, add);
        }
    }
}

/* ---- tiles ---- */

/* Columns that share a second-level entry of 4-bit scales; whole vectors. */
#define NARROW_COLUMNS 128

INLINE void widen_as(int dtype, const void *from, int64_t n, float *to) {
    const char *p = from;
    int64_t k = 0;
    for (; k < whole_vectors(n); k += LANES) {
        vf_store(to + k, load_typed(p + k * size_of(dtype), dtype));
    }
    if (k < n) {
        vf_store_part(to + k, load_typed_part(p + k * size_of(dtype), dtype, n - k), n - k);
    }
}

static void widen(const void *from, int32_t dtype, int64_t n, float *to) {
    switch (dtype) {
    case GATUN_F32:
        widen_as(GATUN_F32, from, n, to);
        break;
    case GATUN_F16:
        widen_as(GATUN_F16, from, n, to);
        break;
    default:
        widen_as(GATUN_BF16, from, n, to);
    }
}

INLINE void clear(float *p, int64_t n) {
    memset(p, 0, (size_t)n * sizeof *p);
}

static void fill_dense(const struct gatun_matrix *m, const struct tile *tile, int64_t k, int64_t n, float *w) {
    int64_t size = size_of(m->dtype);
    for (int64_t r = 0; r < tile->rows; r++) {
        const char *row = (const char *)m->weights + ((tile->first + r) * m->columns + k) * size;
        widen(row, m->dtype, n, w + r * GEMM_COLUMNS);
        clear(w + r * GEMM_COLUMNS + n, padded(n) - n);
    }
}

/* The first level of n columns, exactly as written in gatun_cpu.h; zeros up to a whole vector. */
static void first_level(const struct gatun_matrix *m, int64_t group, int64_t n, float *scale, float *zero) {
    int64_t metas = metas_of(m);
    int64_t meta = group % metas;
    clear(scale, padded(n));
    clear(zero, padded(n));
    for (int64_t done = 0; done < n;) {
        int64_t run = n - done < metas - meta ? n - done : metas - meta;
        widen_as(GATUN_F16, m->scale_scales + meta, run, scale + done);
        widen_as(GATUN_F16, m->scale_zeros + meta, run, zero + done);
        done += run;
        meta = 0;
    }
    const uint8_t *scale_codes = m->scale_codes + group;
    const uint8_t *zero_codes = m->zero_codes + group;
    vf zero_zero = vf_set(m->zero_zero);
    vf zero_scale = vf_set(m->zero_scale);
    for (int64_t k = 0; k < n; k += LANES) {
        int64_t left = n - k;
        vi s = left < LANES ? vi_load_u8_part(scale_codes + k, left) : vi_load_u8(scale_codes + k);
        vi z = left < LANES ? vi_load_u8_part(zero_codes + k, left) : vi_load_u8(zero_codes + k);
        vf_store(scale + k, vf_mul(vf_sub(vf_from_int(s), vf_load(zero + k)), vf_load(scale + k)));
        vf_store(zero + k, vf_mul(vf_sub(vf_from_int(z), zero_zero), zero_scale));
    }
}

/* The same of scales and zeros of 4 bits, for n columns from k on. */
static void narrow_level(const struct gatun_matrix *m, int64_t group_row, int64_t k, int64_t n, float *scale, float *zero) {
    const uint8_t *metas = m->scale_codes + group_row * m->columns + k;
    const uint16_t *pairs = m->scale_scales + group_row * ((m->columns + NARROW_COLUMNS - 1) / NARROW_COLUMNS) * 4;
    for (int64_t i = 0; i < n; i += LANES) {
        float pair[4];
        widen_as(GATUN_F16, pairs + (k + i) / NARROW_COLUMNS * 4, 4, pair);
        vi meta = n - i < LANES ? vi_load_u8_part(metas + i, n - i) : vi_load_u8(metas + i);
        vf_store(scale + i, vf_mul(vf_sub(code_alone(meta, 0, 4), vf_set(pair[1])), vf_set(pair[0])));
        vf_store(zero + i, vf_mul(vf_sub(code_alone(meta, 4, 4), vf_set(pair[3])), vf_set(pair[2])));
    }
}

/* One byte row to its fields' rows of the tile, `apart` floats apart. */
INLINE void dequantize(int bits, const uint8_t *codes, const float *scale, const float *zero, int64_t n, float *w,
                       int64_t apart) {
    for (int64_t k = 0; k < n; k += LANES) {
        vi v = n - k < LANES ? vi_load_u8_part(codes + k, n - k) : vi_load_u8(codes + k);
        vf s = vf_load(scale + k);
        vf z = vf_load(zero + k);
        for (int f = 0; f < 8 / bits; f++) {
            vf code = code_alone(v, 8 - bits * (f + 1), bits);
            vf_store(w + f * apart + k, vf_mul(vf_sub(code, z), s));
        }
    }
}

static void fill_hqq(const struct gatun_matrix *m, const struct tile *tile, int64_t k, int64_t n, float *w,
                     float *scale, float *zero) {
    int64_t byte_rows = tile->rows / fields_of(m);
    int64_t group = tile->first * m->columns + k;
    if (is_narrow(m)) {
        narrow_level(m, tile->first, k, n, scale, zero);
    } else {
        first_level(m, group, n, scale, zero);
    }
    for (int64_t r = 0; r < byte_rows; r++) {
        const uint8_t *codes = (const uint8_t *)m->weights + (tile->from + r) * groups_of(m) * m->columns + group;
        float *row = w + r * GEMM_COLUMNS;
        switch (m->bits) {
        case 2:
            dequantize(2, codes, scale, zero, n, row, byte_rows * GEMM_COLUMNS);
            break;
        case 4:
            dequantize(4, codes, scale, zero, n, row, byte_rows * GEMM_COLUMNS);
            break;
        default:
            dequantize(8, codes, scale, zero, n, row, byte_rows * GEMM_COLUMNS);
        }
    }
}

/* ---- a tile by all tokens ---- */

/* The output row of row r of the tile. */
INLINE int64_t output_row(const struct gatun_matrix *m, const struct tile *tile, int64_t r) {
    if (m->kind == GATUN_DENSE) {
        return tile->first + r;
    }
    int64_t byte_rows = tile->rows / fields_of(m);
    return tile->first + groups_of(m) * (tile->from + r % byte_rows + r / byte_rows * byte_rows_of(m));
}

static void write_tile(const struct gatun_matrix *m, const struct tile *tile, const float *sums, int64_t tokens,
                       float *y, int64_t ldy) {
    int64_t rows[TILE_ROWS];
    for (int64_t r = 0; r < tile->rows; r++) {
        rows[r] = output_row(m, tile, r);
    }
    for (int64_t t = 0; t < tokens; t++) {
        for (int64_t r = 0; r < tile->rows; r++) {
            y[t * ldy + rows[r]] = sums[t * TILE_ROWS + r];
        }
    }
}

static void multiply_tile(const struct gatun_matrix *m, const struct tile *tile, const float *x, int64_t ldx,
                          int64_t tokens, float *y, int64_t ldy, float *scratch) {
    float *w = scratch;
    float *scale = w + TILE_ROWS * TILE_COLUMNS;
    float *zero = scale + TILE_COLUMNS;
    float *sums = zero + TILE_COLUMNS;
    int64_t rows = (tile->rows + 3) / 4 * 4;
    clear(w + tile->rows * GEMM_COLUMNS, (rows - tile->rows) * GEMM_COLUMNS);
    for (int64_t k = 0; k < m->columns; k += GEMM_COLUMNS) {
        int64_t n = m->columns - k < GEMM_COLUMNS ? m->columns - k : GEMM_COLUMNS;
        if (m->kind == GATUN_DENSE) {
            fill_dense(m, tile, k, n, w);
        } else {
            fill_hqq(m, tile, k, n, w, scale, zero);
        }
        dot_rows(w, GEMM_COLUMNS, rows, x + k, ldx, tokens, n, sums, TILE_ROWS, k > 0);
    }
    write_tile(m, tile, sums, tokens, y, ldy);
}
