/*
 * vec_portable.h: four lanes of the compiler's generic vectors. A multiply-add rounds twice here.
 *
 * Each vec_*.h defines the same names: vf (floats), vi (32-bit integers), LANES and the operations below, so that the
 * templates are written once. code2 and code4 take a field (0 is the highest) out of the lowest byte of each lane: alone,
 * or, with NESTED_CODES, as the number that it and the lower fields make. GEMM_TOKENS and GEMM_COLUMNS are the batch path's
 * register and cache blocking.
 */
#include <stdint.h>
#include <string.h>

#include "half.h"

#define LANES 4
#define GEMM_TOKENS 2
#define GEMM_COLUMNS 256
#define INLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((vector_size(16)));
typedef int32_t vi __attribute__((vector_size(16)));

INLINE vf vf_zero(void) {
    return (vf){0};
}

INLINE vf vf_set(float a) {
    return (vf){a, a, a, a};
}

INLINE vf vf_load(const float *p) {
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void vf_store(float *p, vf v) {
    memcpy(p, &v, sizeof v);
}

INLINE vf vf_add(vf a, vf b) {
    return a + b;
}

INLINE vf vf_sub(vf a, vf b) {
    return a - b;
}

INLINE vf vf_mul(vf a, vf b) {
    return a * b;
}

INLINE vf vf_div(vf a, vf b) {
    return a / b;
}

INLINE vf vf_fma(vf a, vf b, vf c) {
    return a * b + c;
}

INLINE vf vf_select(vi mask, vf a, vf b) {
    return (vf)((mask & (vi)a) | (~mask & (vi)b));
}

/* The larger; b where either is NaN. */
INLINE vf vf_max(vf a, vf b) {
    return vf_select(a > b, a, b);
}

INLINE vf vf_min(vf a, vf b) {
    return vf_select(a < b, a, b);
}

/* v where v >= limit, else zero. */
INLINE vf vf_drop_below(vf v, float limit, vf from) {
    return vf_select(from < vf_set(limit), vf_zero(), v);
}

/* To the nearest whole number, for |v| < 2^22. */
INLINE vf vf_round(vf v) {
    vf big = vf_set(12582912.0f);
    return (v + big) - big;
}

/* 2^n for whole n in [-126, 127]. */
INLINE vf vf_power2(vf n) {
    return (vf)((__builtin_convertvector(n, vi) + 127) << 23);
}

INLINE float vf_sum(vf v) {
    return (v[0] + v[2]) + (v[1] + v[3]);
}

INLINE float vf_largest(vf v) {
    vf m = vf_max(v, (vf){v[2], v[3], v[0], v[1]});
    return m[0] > m[1] ? m[0] : m[1];
}

/* The sums of four vectors. */
INLINE void vf_sum4(vf a, vf b, vf c, vf d, float *out) {
    vf ab = __builtin_shuffle(a, b, (vi){0, 4, 1, 5}) + __builtin_shuffle(a, b, (vi){2, 6, 3, 7});
    vf cd = __builtin_shuffle(c, d, (vi){0, 4, 1, 5}) + __builtin_shuffle(c, d, (vi){2, 6, 3, 7});
    vf_store(out, __builtin_shuffle(ab, cd, (vi){0, 1, 4, 5}) + __builtin_shuffle(ab, cd, (vi){2, 3, 6, 7}));
}

INLINE vi vi_load_u8(const uint8_t *p) {
    typedef uint8_t bytes __attribute__((vector_size(16)));
    uint32_t four;
    memcpy(&four, p, sizeof four);
    bytes v = (bytes)(vi){(int32_t)four, 0, 0, 0};
    bytes zero = {0};
    bytes half = __builtin_shuffle(v, zero, (bytes){0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23});
    return (vi)__builtin_shuffle(half, zero, (bytes){0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23});
}

INLINE vf vf_from_int(vi v) {
    return __builtin_convertvector(v, vf);
}

INLINE vi load_u16(const uint16_t *p) {
    typedef uint16_t words __attribute__((vector_size(16)));
    uint64_t four;
    memcpy(&four, p, sizeof four);
    words v = (words)(vi){(int32_t)four, (int32_t)(four >> 32), 0, 0};
    return (vi)__builtin_shuffle(v, (words){0}, (words){0, 8, 1, 9, 2, 10, 3, 11});
}

/* A product with 2^112 moves the exponent and makes subnormals normal; infinities and NaN get theirs by hand. */
INLINE vf vf_load_f16(const uint16_t *p) {
    vi bits = load_u16(p);
    vi magnitude = bits & 0x7fff;
    vf scaled = (vf)(magnitude << 13) * vf_set(0x1p112f);
    vi special = (magnitude > 0x7bff) & 0x7f800000;
    return (vf)((vi)scaled | special | (bits & 0x8000) << 16);
}

INLINE vf vf_load_bf16(const uint16_t *p) {
    return (vf)(load_u16(p) << 16);
}

INLINE void vf_store_f16(uint16_t *p, vf v) {
    for (int i = 0; i < LANES; i++) {
        p[i] = half_from_float(v[i]);
    }
}

/* Four bytes to a lane; the code is in the lowest. */
INLINE vi vi_load(const uint8_t *p) {
    vi v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Deals 4 * LANES floats, in place, to four vectors: 0, 4, 8, ..., then 1, 5, 9, ..., and so on. */
INLINE void vf_deal4(float *p) {
    vf a = vf_load(p);
    vf b = vf_load(p + 4);
    vf c = vf_load(p + 8);
    vf d = vf_load(p + 12);
    vf ab = __builtin_shuffle(a, b, (vi){0, 4, 1, 5});
    vf cd = __builtin_shuffle(c, d, (vi){0, 4, 1, 5});
    vf ab2 = __builtin_shuffle(a, b, (vi){2, 6, 3, 7});
    vf cd2 = __builtin_shuffle(c, d, (vi){2, 6, 3, 7});
    vf_store(p, __builtin_shuffle(ab, cd, (vi){0, 1, 4, 5}));
    vf_store(p + 4, __builtin_shuffle(ab, cd, (vi){2, 3, 6, 7}));
    vf_store(p + 8, __builtin_shuffle(ab2, cd2, (vi){0, 1, 4, 5}));
    vf_store(p + 12, __builtin_shuffle(ab2, cd2, (vi){2, 3, 6, 7}));
}

/* Fields are left with the lower fields below them. */
#define NESTED_CODES 1

/* Generic vectors have no 16-bit products. */
#define WORD_SUMS 0

/* Nor dot products of bytes. */
#define BYTE_SUMS 0
#define TABLES 0

INLINE vf code2(vi v, int field) {
    return vf_from_int(v & (0xff >> 2 * field));
}

INLINE vf code4(vi v, int field) {
    return vf_from_int(v & (0xff >> 4 * field));
}

INLINE vf code8(vi v) {
    return vf_from_int(v & 0xff);
}

/* Of a zero-extended byte: the field at bit `shift`, `bits` wide, alone and in units of one. */
INLINE vf code_alone(vi v, int shift, int bits) {
    return vf_from_int(v >> shift & ((1 << bits) - 1));
}

/* The two bits at `shift` of each lane. */
INLINE vf code_at(vi v, int shift) {
    return vf_from_int(v >> shift & 3);
}

/*
 * vb: VB_ROWS pieces of 16 bytes. Interleaving is of the lower or upper halves of each piece, by bytes or by words of four;
 * four vectors are stored piece by piece: the first piece of each, then the second of each, and so on. With `past_caches`, a
 * constant once inlined, stores to whole vectors' multiples may leave the caches out.
 */
#define VB_ROWS 1

typedef uint64_t vb __attribute__((vector_size(16)));
typedef uint8_t vb_bytes __attribute__((vector_size(16)));
typedef uint32_t vb_words __attribute__((vector_size(16)));

INLINE vb vb_load(const uint8_t *p, int64_t stride) {
    (void)stride;
    vb v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE vb vb_low_bytes(vb a, vb b) {
    const vb_bytes order = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23};
    return (vb)__builtin_shuffle((vb_bytes)a, (vb_bytes)b, order);
}

INLINE vb vb_high_bytes(vb a, vb b) {
    const vb_bytes order = {8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    return (vb)__builtin_shuffle((vb_bytes)a, (vb_bytes)b, order);
}

INLINE vb vb_low_words(vb a, vb b) {
    return (vb)__builtin_shuffle((vb_words)a, (vb_words)b, (vb_words){0, 4, 1, 5});
}

INLINE vb vb_high_words(vb a, vb b) {
    return (vb)__builtin_shuffle((vb_words)a, (vb_words)b, (vb_words){2, 6, 3, 7});
}

INLINE vb vb_load_whole(const uint8_t *p) {
    return vb_load(p, 0);
}

INLINE void vb_store(uint8_t *p, vb v, int past_caches) {
    (void)past_caches;
    memcpy(p, &v, sizeof v);
}

INLINE void vb_store_four(uint8_t *p, vb a, vb b, vb c, vb d, int past_caches) {
    vb_store(p, a, past_caches);
    vb_store(p + sizeof(vb), b, past_caches);
    vb_store(p + 2 * sizeof(vb), c, past_caches);
    vb_store(p + 3 * sizeof(vb), d, past_caches);
}
