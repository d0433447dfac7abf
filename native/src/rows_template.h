/* rows_template.h: the operations on single rows of activations. Bound: the level-one cache. */

/* e^v within 2 units in the last place; zero below -87.33 (where float32 ends), the value at 88.37 above it. */
INLINE vf vf_exp(vf v) {
    vf x = vf_max(vf_set(-87.33f), vf_min(vf_set(88.37f), v));
    vf n = vf_round(vf_mul(x, vf_set(1.44269504f)));
    vf r = vf_fma(n, vf_set(-0.693359375f), x); /* ln 2 in two parts, the first exact in products with n */
    r = vf_fma(n, vf_set(2.12194440e-4f), r);
    vf p = vf_set(1.9875691500e-4f);
    p = vf_fma(p, r, vf_set(1.3981999507e-3f));
    p = vf_fma(p, r, vf_set(8.3334519073e-3f));
    p = vf_fma(p, r, vf_set(4.1665795894e-2f));
    p = vf_fma(p, r, vf_set(1.6666665459e-1f));
    p = vf_fma(p, r, vf_set(5.0000001201e-1f));
    p = vf_add(vf_fma(p, vf_mul(r, r), r), vf_set(1));
    return vf_drop_below(vf_mul(p, vf_power2(n)), -87.33f, v);
}

INLINE void narrow_as(int dtype, vf v, void *to, int64_t k, int64_t n) {
    uint16_t halves[LANES];
    if (dtype == GATUN_F32) {
        vf_store_part((float *)to + k, v, n);
    } else {
        vf_store_f16(halves, v);
        memcpy((uint16_t *)to + k, halves, (size_t)n * sizeof *halves);
    }
}

static void narrow(const float *from, int64_t n, int32_t dtype, void *to) {
    if (dtype == GATUN_F32) {
        memcpy(to, from, (size_t)n * sizeof *from);
        return;
    }
    int64_t k = 0;
    for (; k < whole_vectors(n); k += LANES) {
        vf_store_f16((uint16_t *)to + k, vf_load(from + k));
    }
    if (k < n) {
        narrow_as(dtype, vf_load_part(from + k, n - k), to, k, n - k);
    }
}

static float sum_of_squares(const float *x, int64_t n) {
    vf sum = vf_zero();
    int64_t k = 0;
    for (; k < whole_vectors(n); k += LANES) {
        vf v = vf_load(x + k);
        sum = vf_fma(v, v, sum);
    }
    if (k < n) {
        vf v = vf_load_part(x + k, n - k);
        sum = vf_fma(v, v, sum);
    }
    return vf_sum(sum);
}

INLINE void norm_as(int dtype, const float *x, const char *weight, int64_t n, vf factor, float *y) {
    int64_t k = 0;
    for (; k < whole_vectors(n); k += LANES) {
        vf w = load_typed(weight + k * size_of(dtype), dtype);
        vf_store(y + k, vf_mul(vf_mul(vf_load(x + k), factor), w));
    }
    if (k < n) {
        vf w = load_typed_part(weight + k * size_of(dtype), dtype, n - k);
        vf_store_part(y + k, vf_mul(vf_mul(vf_load_part(x + k, n - k), factor), w), n - k);
    }
}

static void rms_norm(const float *x, const void *weight, int32_t dtype, int64_t n, float epsilon, float *y) {
    vf factor = vf_set(1.0f / sqrtf(sum_of_squares(x, n) / (float)n + epsilon));
    switch (dtype) {
    case GATUN_F32:
        norm_as(GATUN_F32, x, weight, n, factor, y);
        break;
    case GATUN_F16:
        norm_as(GATUN_F16, x, weight, n, factor, y);
        break;
    default:
        norm_as(GATUN_BF16, x, weight, n, factor, y);
    }
}

static void add(const float *x, float factor, int64_t n, float *y) {
    vf f = vf_set(factor);
    int64_t k = 0;
    for (; k < whole_vectors(n); k += LANES) {
        vf_store(y + k, vf_fma(f, vf_load(x + k), vf_load(y + k)));
    }
    if (k < n) {
        vf_store_part(y + k, vf_fma(f, vf_load_part(x + k, n - k), vf_load_part(y + k, n - k)), n - k);
    }
}

/* Pairs (x[i], x[i + half]) turn by the angles whose cosines and sines are given. */
static void turn(float *x, int64_t half, const float *cosines, const float *sines) {
    int64_t k = 0;
    for (; k < whole_vectors(half); k += LANES) {
        vf a = vf_load(x + k);
        vf b = vf_load(x + half + k);
        vf c = vf_load(cosines + k);
        vf s = vf_load(sines + k);
        vf_store(x + k, vf_sub(vf_mul(a, c), vf_mul(b, s)));
        vf_store(x + half + k, vf_add(vf_mul(b, c), vf_mul(a, s)));
    }
    for (; k < half; k++) {
        float a = x[k];
        float b = x[half + k];
        x[k] = a * cosines[k] - b * sines[k];
        x[half + k] = b * cosines[k] + a * sines[k];
    }
}

INLINE vf silu_times(vf gate, vf up) {
    vf one = vf_set(1);
    return vf_mul(vf_div(gate, vf_add(one, vf_exp(vf_sub(vf_zero(), gate)))), up);
}

static void swiglu(float *gate, const float *up, int64_t n) {
    int64_t k = 0;
    for (; k < whole_vectors(n); k += LANES) {
        vf_store(gate + k, silu_times(vf_load(gate + k), vf_load(up + k)));
    }
    if (k < n) {
        vf_store_part(gate + k, silu_times(vf_load_part(gate + k, n - k), vf_load_part(up + k, n - k)), n - k);
    }
}
