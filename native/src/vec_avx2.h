/* vec_avx2.h: eight lanes of AVX2 with FMA and F16C. The names are those of vec_portable.h. */
#include <immintrin.h>
#include <stdint.h>

#define LANES 8
#define GEMM_TOKENS 3
#define GEMM_COLUMNS 256
#define INLINE static inline __attribute__((always_inline))

typedef __m256 vf;
typedef __m256i vi;

INLINE vf vf_zero(void) {
    return _mm256_setzero_ps();
}

INLINE vf vf_set(float a) {
    return _mm256_set1_ps(a);
}

INLINE vf vf_load(const float *p) {
    return _mm256_loadu_ps(p);
}

/* Eight; wider vectors have zeros behind them. */
INLINE vf vf_load_eight(const float *p) {
    return vf_load(p);
}

INLINE void vf_store(float *p, vf v) {
    _mm256_storeu_ps(p, v);
}

INLINE vf vf_add(vf a, vf b) {
    return _mm256_add_ps(a, b);
}

INLINE vf vf_sub(vf a, vf b) {
    return _mm256_sub_ps(a, b);
}

INLINE vf vf_mul(vf a, vf b) {
    return _mm256_mul_ps(a, b);
}

INLINE vf vf_div(vf a, vf b) {
    return _mm256_div_ps(a, b);
}

INLINE vf vf_fma(vf a, vf b, vf c) {
    return _mm256_fmadd_ps(a, b, c);
}

INLINE vf vf_max(vf a, vf b) {
    return _mm256_max_ps(a, b);
}

INLINE vf vf_min(vf a, vf b) {
    return _mm256_min_ps(a, b);
}

INLINE vf vf_drop_below(vf v, float limit, vf from) {
    return _mm256_andnot_ps(_mm256_cmp_ps(from, vf_set(limit), _CMP_LT_OQ), v);
}

INLINE vf vf_round(vf v) {
    return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

INLINE vf vf_power2(vf n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
}

INLINE float vf_sum(vf v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

INLINE float vf_largest(vf v) {
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

INLINE void vf_sum4(vf a, vf b, vf c, vf d, float *out) {
    vf s = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1)));
}

INLINE vi vi_load_u8(const uint8_t *p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}

INLINE vf vf_from_int(vi v) {
    return _mm256_cvtepi32_ps(v);
}

INLINE vf vf_load_f16(const uint16_t *p) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

INLINE vf vf_load_bf16(const uint16_t *p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16));
}

INLINE void vf_store_f16(uint16_t *p, vf v) {
    _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

INLINE vi vi_load(const uint8_t *p) {
    return _mm256_loadu_si256((const __m256i *)p);
}

INLINE vf load_halves(const float *p, const float *upper) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(upper), 1);
}

INLINE void vf_deal4(float *p) {
    vf a = load_halves(p, p + 16);
    vf b = load_halves(p + 4, p + 20);
    vf c = load_halves(p + 8, p + 24);
    vf d = load_halves(p + 12, p + 28);
    __m256d ab = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
    __m256d cd = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
    __m256d ab2 = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
    __m256d cd2 = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
    vf_store(p, _mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd)));
    vf_store(p + 8, _mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd)));
    vf_store(p + 16, _mm256_castpd_ps(_mm256_unpacklo_pd(ab2, cd2)));
    vf_store(p + 24, _mm256_castpd_ps(_mm256_unpackhi_pd(ab2, cd2)));
}

INLINE vf masked(vi v, int mask) {
    return vf_from_int(_mm256_and_si256(v, _mm256_set1_epi32(mask)));
}

/* The lowest field is taken by a permutation, which looks at two bits; the others keep the lower ones below them. */
#define NESTED_CODES 1

INLINE vf code2(vi v, int field) {
    if (field == 3) {
        return _mm256_permutevar_ps(_mm256_setr_ps(0, 1, 2, 3, 0, 1, 2, 3), v);
    }
    return masked(v, 0xff >> 2 * field);
}

INLINE vf code4(vi v, int field) {
    return masked(v, 0xff >> 4 * field);
}

INLINE vf code8(vi v) {
    return masked(v, 0xff);
}

INLINE vf code_alone(vi v, int shift, int bits) {
    return masked(_mm256_srli_epi32(v, shift), (1 << bits) - 1);
}

/* 16-bit integers, two to a lane. */
#define WORD_SUMS 1

INLINE vi vi_set(int32_t a) {
    return _mm256_set1_epi32(a);
}

/* Numbers, each four times: a sixteen bytes of its own. */
INLINE vi vi_each16(const int32_t *p) {
    return _mm256_setr_m128i(_mm_set1_epi32(p[0]), _mm_set1_epi32(p[1]));
}

INLINE vf vf_each16(const float *p) {
    return _mm256_setr_m128(_mm_set1_ps(p[0]), _mm_set1_ps(p[1]));
}

INLINE vi vi_and(vi a, vi b) {
    return _mm256_and_si256(a, b);
}

INLINE vi vi_max(vi a, vi b) {
    return _mm256_max_epi32(a, b);
}

INLINE int32_t vi_largest(vi v) {
    __m128i s = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_max_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

INLINE vi vi_bits(vf v) {
    return _mm256_castps_si256(v);
}

INLINE vi vi_round(vf v) {
    return _mm256_cvtps_epi32(v);
}

INLINE void vi_store(uint8_t *p, vi v) {
    _mm256_storeu_si256((__m256i *)p, v);
}

INLINE vi vi_pair(vi low, vi high) {
    return _mm256_blend_epi16(low, _mm256_slli_epi32(high, 16), 0xaa);
}

INLINE vi vi_add_products(vi a, vi b, vi sum) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}

/* Holds a value in a register: the compiler would load it again for each use, and regroup sums until they spill. */
INLINE vi vi_keep(vi v) {
    __asm__("" : "+x"(v));
    return v;
}

/* Bytes, four to a lane; see tiled_bytes_template.h. */
#define BYTE_SUMS 1
#define BYTE_REGISTERS 16

INLINE vi vi_xor(vi a, vi b) {
    return _mm256_xor_si256(a, b);
}

/* 16-bit integers to the right by `n` bits. */
INLINE vi vi_right16(vi v, int n) {
    return _mm256_srli_epi16(v, n);
}

INLINE vi vi_left16(vi v, int n) {
    return _mm256_slli_epi16(v, n);
}

INLINE vi vi_words(int word) {
    return _mm256_set1_epi16((short)word);
}

INLINE vi vi_add16(vi a, vi b) {
    return _mm256_add_epi16(a, b);
}

/* a * b / 2^15, rounded, of 16-bit integers. */
INLINE vi vi_scale16(vi a, vi b) {
    return _mm256_mulhrs_epi16(a, b);
}

/* The lower 16 bits of a * b. */
INLINE vi vi_multiply16(vi a, vi b) {
    return _mm256_mullo_epi16(a, b);
}

INLINE vi vi_subtract16(vi a, vi b) {
    return _mm256_sub_epi16(a, b);
}

/* The lower 16 bits of each lane, one after the other; each is a signed 16-bit integer. */
INLINE void vi_store_words(int16_t *p, vi v) {
    __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    _mm_storeu_si128((__m128i *)p, words);
}

/* Bytes of a and b in turn, of the lower or upper half of each sixteen. */
INLINE vi vi_zip_bytes(vi a, vi b, int half) {
    return half == 0 ? _mm256_unpacklo_epi8(a, b) : _mm256_unpackhi_epi8(a, b);
}

/* Even bytes of one, odd bytes of the other. */
INLINE vi vi_merge_bytes(vi even, vi odd) {
    return _mm256_blendv_epi8(even, odd, _mm256_set1_epi16((short)0xff00));
}

/* Half `v` of: the lanes of sixteen bytes, number `f`, of `low` and of `high`, each twice. */
INLINE vi vi_spread(vi low, vi high, int f, int v) {
    vi places = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
    return _mm256_permutevar8x32_epi32(v == 0 ? low : high, _mm256_add_epi32(places, _mm256_set1_epi32(4 * f)));
}

/* The larger magnitude, where b is not negative; b where either is NaN. */
INLINE vf vf_larger_magnitude(vf a, vf b) {
    return _mm256_max_ps(_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a), b);
}

INLINE int byte_parts(int tokens) {
    (void)tokens;
    return 1;
}

/* In 16 bits, two to a lane. */
INLINE vi vi_add_bytes(vi codes, vi words, vi sum) {
    return _mm256_add_epi16(sum, _mm256_maddubs_epi16(codes, words));
}

INLINE vi vi_whole_sum(vi sum) {
    return _mm256_madd_epi16(sum, _mm256_set1_epi16(1));
}

INLINE vi vi_bytes(int byte) {
    return _mm256_set1_epi8((char)byte);
}

INLINE vi vi_add(vi a, vi b) {
    return _mm256_add_epi32(a, b);
}

/* With the sign. */
INLINE vi vi_divide(vi v, int shift) {
    return _mm256_srai_epi32(v, shift);
}

/* 256 * high + low. */
INLINE vi vi_join(vi high, vi low) {
    return _mm256_add_epi32(_mm256_slli_epi32(high, 8), low);
}

#define VB_ROWS 2

typedef uint64_t vb __attribute__((vector_size(32)));

INLINE vb vb_load(const uint8_t *p, int64_t stride) {
    return (vb)_mm256_loadu2_m128i((const __m128i *)(p + stride), (const __m128i *)p);
}

INLINE vb vb_low_bytes(vb a, vb b) {
    return (vb)_mm256_unpacklo_epi8((__m256i)a, (__m256i)b);
}

INLINE vb vb_high_bytes(vb a, vb b) {
    return (vb)_mm256_unpackhi_epi8((__m256i)a, (__m256i)b);
}

INLINE vb vb_low_words(vb a, vb b) {
    return (vb)_mm256_unpacklo_epi32((__m256i)a, (__m256i)b);
}

INLINE vb vb_high_words(vb a, vb b) {
    return (vb)_mm256_unpackhi_epi32((__m256i)a, (__m256i)b);
}

INLINE vb vb_load_whole(const uint8_t *p) {
    return (vb)_mm256_loadu_si256((const __m256i *)p);
}

INLINE void vb_store(uint8_t *p, vb v, int past_caches) {
    if (past_caches) {
        _mm256_stream_si256((__m256i *)p, (__m256i)v);
    } else {
        _mm256_storeu_si256((__m256i *)p, (__m256i)v);
    }
}

/* Of both, the first pieces or the second ones. */
INLINE vb vb_firsts(vb a, vb b) {
    return (vb)_mm256_permute2x128_si256((__m256i)a, (__m256i)b, 0x20);
}

INLINE vb vb_seconds(vb a, vb b) {
    return (vb)_mm256_permute2x128_si256((__m256i)a, (__m256i)b, 0x31);
}

INLINE void vb_store_four(uint8_t *p, vb a, vb b, vb c, vb d, int past_caches) {
    vb_store(p, vb_firsts(a, b), past_caches);
    vb_store(p + sizeof(vb), vb_firsts(c, d), past_caches);
    vb_store(p + 2 * sizeof(vb), vb_seconds(a, b), past_caches);
    vb_store(p + 3 * sizeof(vb), vb_seconds(c, d), past_caches);
}
