/* vec_avx512.h: sixteen lanes of AVX-512 F, BW, DQ, VL. The names are those of vec_portable.h. */
#include <immintrin.h>
#include <stdint.h>

#define LANES 16
#define GEMM_TOKENS 6
#define GEMM_COLUMNS 512
#define INLINE static inline __attribute__((always_inline))

typedef __m512 vf;
typedef __m512i vi;

INLINE vf vf_zero(void) {
    return _mm512_setzero_ps();
}

INLINE vf vf_set(float a) {
    return _mm512_set1_ps(a);
}

INLINE vf vf_load(const float *p) {
    return _mm512_loadu_ps(p);
}

/* Eight, with zeros behind them. */
INLINE vf vf_load_eight(const float *p) {
    return _mm512_zextps256_ps512(_mm256_loadu_ps(p));
}

INLINE void vf_store(float *p, vf v) {
    _mm512_storeu_ps(p, v);
}

INLINE vf vf_add(vf a, vf b) {
    return _mm512_add_ps(a, b);
}

INLINE vf vf_sub(vf a, vf b) {
    return _mm512_sub_ps(a, b);
}

INLINE vf vf_mul(vf a, vf b) {
    return _mm512_mul_ps(a, b);
}

INLINE vf vf_div(vf a, vf b) {
    return _mm512_div_ps(a, b);
}

INLINE vf vf_fma(vf a, vf b, vf c) {
    return _mm512_fmadd_ps(a, b, c);
}

INLINE vf vf_max(vf a, vf b) {
    return _mm512_max_ps(a, b);
}

INLINE vf vf_min(vf a, vf b) {
    return _mm512_min_ps(a, b);
}

INLINE vf vf_drop_below(vf v, float limit, vf from) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(from, vf_set(limit), _CMP_NLT_UQ), v);
}

INLINE vf vf_round(vf v) {
    return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

INLINE vf vf_power2(vf n) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23));
}

INLINE __m256 lower(vf v) {
    return _mm512_castps512_ps256(v);
}

INLINE __m256 upper(vf v) {
    return _mm512_extractf32x8_ps(v, 1);
}

INLINE float vf_sum(vf v) {
    __m256 h = _mm256_add_ps(lower(v), upper(v));
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

INLINE float vf_largest(vf v) {
    __m256 h = _mm256_max_ps(lower(v), upper(v));
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

INLINE void vf_sum4(vf a, vf b, vf c, vf d, float *out) {
    __m256 ab = _mm256_hadd_ps(_mm256_add_ps(lower(a), upper(a)), _mm256_add_ps(lower(b), upper(b)));
    __m256 cd = _mm256_hadd_ps(_mm256_add_ps(lower(c), upper(c)), _mm256_add_ps(lower(d), upper(d)));
    __m256 s = _mm256_hadd_ps(ab, cd);
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1)));
}

INLINE vi vi_load_u8(const uint8_t *p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}

INLINE vf vf_from_int(vi v) {
    return _mm512_cvtepi32_ps(v);
}

INLINE vf vf_load_f16(const uint16_t *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

INLINE vf vf_load_bf16(const uint16_t *p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16));
}

INLINE void vf_store_f16(uint16_t *p, vf v) {
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

INLINE vi vi_load(const uint8_t *p) {
    return _mm512_loadu_si512(p);
}

INLINE void vf_deal4(float *p) {
    vf a = vf_load(p);
    vf b = vf_load(p + 16);
    vf c = vf_load(p + 32);
    vf d = vf_load(p + 48);
    for (int i = 0; i < 4; i++) {
        vi places = _mm512_add_epi32(_mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28),
                                     _mm512_set1_epi32(i));
        vf ab = _mm512_permutex2var_ps(a, places, b);
        vf cd = _mm512_permutex2var_ps(c, places, d);
        vf_store(p + 16 * i, _mm512_mask_mov_ps(ab, 0xff00, cd));
    }
}

/* A permutation of sixteen looks at four bits: it takes either field of a nibble, or the nibble, without a mask. */
#define NESTED_CODES 0

INLINE vf code2(vi v, int field) {
    vf lows = _mm512_setr_ps(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
    vf highs = _mm512_setr_ps(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    vi nibble = field < 2 ? _mm512_srli_epi32(v, 4) : v;
    return _mm512_permutexvar_ps(nibble, field % 2 == 0 ? highs : lows);
}

INLINE vf code4(vi v, int field) {
    vf values = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_permutexvar_ps(field == 0 ? _mm512_srli_epi32(v, 4) : v, values);
}

INLINE vf code8(vi v) {
    return vf_from_int(_mm512_and_si512(v, _mm512_set1_epi32(0xff)));
}

INLINE vf code_alone(vi v, int shift, int bits) {
    return vf_from_int(_mm512_and_si512(_mm512_srli_epi32(v, (unsigned)shift), _mm512_set1_epi32((1 << bits) - 1)));
}

/* 16-bit integers, two to a lane. */
#define WORD_SUMS 1

INLINE vi vi_set(int32_t a) {
    return _mm512_set1_epi32(a);
}

/* Numbers, each four times: a sixteen bytes of its own. */
INLINE vi vi_each16(const int32_t *p) {
    vi places = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    return _mm512_permutexvar_epi32(places, _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)p)));
}

INLINE vf vf_each16(const float *p) {
    vi places = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    return _mm512_permutexvar_ps(places, _mm512_castps128_ps512(_mm_loadu_ps(p)));
}

INLINE vi vi_and(vi a, vi b) {
    return _mm512_and_si512(a, b);
}

INLINE vi vi_max(vi a, vi b) {
    return _mm512_max_epi32(a, b);
}

INLINE int32_t vi_largest(vi v) {
    return _mm512_reduce_max_epi32(v);
}

INLINE vi vi_bits(vf v) {
    return _mm512_castps_si512(v);
}

INLINE vi vi_round(vf v) {
    return _mm512_cvtps_epi32(v);
}

INLINE void vi_store(uint8_t *p, vi v) {
    _mm512_storeu_si512(p, v);
}

INLINE vi vi_pair(vi low, vi high) {
    return _mm512_mask_blend_epi16(0xaaaaaaaa, low, _mm512_slli_epi32(high, 16));
}

INLINE vi vi_add_products(vi a, vi b, vi sum) {
#ifdef __AVX512VNNI__
    return _mm512_dpwssd_epi32(sum, a, b);
#else
    return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
#endif
}

/* Holds a value in a register: the compiler would load it again for each use, and regroup sums until they spill. */
INLINE vi vi_keep(vi v) {
    __asm__("" : "+v"(v));
    return v;
}

/* Bytes, four to a lane; see tiled_bytes_template.h. */
#define BYTE_SUMS 1
#define BYTE_REGISTERS 32

INLINE vi vi_xor(vi a, vi b) {
    return _mm512_xor_si512(a, b);
}

/* 16-bit integers to the right by `n` bits. */
INLINE vi vi_right16(vi v, int n) {
    return _mm512_srli_epi16(v, (unsigned)n);
}

INLINE vi vi_left16(vi v, int n) {
    return _mm512_slli_epi16(v, (unsigned)n);
}

INLINE vi vi_words(int word) {
    return _mm512_set1_epi16((short)word);
}

INLINE vi vi_add16(vi a, vi b) {
    return _mm512_add_epi16(a, b);
}

/* a * b / 2^15, rounded, of 16-bit integers. */
INLINE vi vi_scale16(vi a, vi b) {
    return _mm512_mulhrs_epi16(a, b);
}

/* The lower 16 bits of a * b. */
INLINE vi vi_multiply16(vi a, vi b) {
    return _mm512_mullo_epi16(a, b);
}

INLINE vi vi_subtract16(vi a, vi b) {
    return _mm512_sub_epi16(a, b);
}

/* The lower 16 bits of each lane, one after the other. */
INLINE void vi_store_words(int16_t *p, vi v) {
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtepi32_epi16(v));
}

/* Bytes of a and b in turn, of the lower or upper half of each sixteen. */
INLINE vi vi_zip_bytes(vi a, vi b, int half) {
    return half == 0 ? _mm512_unpacklo_epi8(a, b) : _mm512_unpackhi_epi8(a, b);
}

/* Even bytes of one, odd bytes of the other. */
INLINE vi vi_merge_bytes(vi even, vi odd) {
    return _mm512_mask_blend_epi8(0xaaaaaaaaaaaaaaaa, even, odd);
}

/* The lanes of sixteen bytes, number `f`, of `low` and of `high`, each twice; a smaller vector's half `v` of these. */
INLINE vi vi_spread(vi low, vi high, int f, int v) {
    (void)v;
    vi places = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 16, 16, 17, 17, 18, 18, 19, 19);
    return _mm512_permutex2var_epi32(low, _mm512_add_epi32(places, _mm512_set1_epi32(4 * f)), high);
}

/* The larger magnitude; a NaN is passed over. */
INLINE vf vf_larger_magnitude(vf a, vf b) {
    return _mm512_range_ps(a, b, 0x0b);
}

#ifdef __AVX512VNNI__

/* With few tokens there are registers for a sum of each field, or of the even and the odd ones, and fewer shifts. */
INLINE int byte_parts(int tokens) {
    return tokens == 1 ? 4 : tokens == 2 ? 2 : 1;
}

INLINE vi vi_add_bytes(vi codes, vi words, vi sum) {
    return _mm512_dpbusd_epi32(sum, codes, words);
}

INLINE vi vi_whole_sum(vi sum) {
    return sum;
}

#else

INLINE int byte_parts(int tokens) {
    (void)tokens;
    return 1;
}

/* In 16 bits, two to a lane. */
INLINE vi vi_add_bytes(vi codes, vi words, vi sum) {
    return _mm512_add_epi16(sum, _mm512_maddubs_epi16(codes, words));
}

INLINE vi vi_whole_sum(vi sum) {
    return _mm512_madd_epi16(sum, _mm512_set1_epi16(1));
}

#endif

INLINE vi vi_bytes(int byte) {
    return _mm512_set1_epi8((char)byte);
}

INLINE vi vi_add(vi a, vi b) {
    return _mm512_add_epi32(a, b);
}

/* With the sign. */
INLINE vi vi_divide(vi v, int shift) {
    return _mm512_srai_epi32(v, (unsigned)shift);
}

/* 256 * high + low. */
INLINE vi vi_join(vi high, vi low) {
    return _mm512_add_epi32(_mm512_slli_epi32(high, 8), low);
}

#define VB_ROWS 4

typedef uint64_t vb __attribute__((vector_size(64)));

INLINE __m128i vb_piece(const uint8_t *p) {
    return _mm_loadu_si128((const __m128i *)p);
}

/* Masked broadcasts need no unit that moves bytes between lanes. */
INLINE vb vb_load(const uint8_t *p, int64_t stride) {
    __m512i v = _mm512_broadcast_i32x4(vb_piece(p));
    v = _mm512_mask_broadcast_i32x4(v, 0x00f0, vb_piece(p + stride));
    v = _mm512_mask_broadcast_i32x4(v, 0x0f00, vb_piece(p + 2 * stride));
    return (vb)_mm512_mask_broadcast_i32x4(v, 0xf000, vb_piece(p + 3 * stride));
}

INLINE vb vb_low_bytes(vb a, vb b) {
    return (vb)_mm512_unpacklo_epi8((__m512i)a, (__m512i)b);
}

INLINE vb vb_high_bytes(vb a, vb b) {
    return (vb)_mm512_unpackhi_epi8((__m512i)a, (__m512i)b);
}

INLINE vb vb_low_words(vb a, vb b) {
    return (vb)_mm512_unpacklo_epi32((__m512i)a, (__m512i)b);
}

INLINE vb vb_high_words(vb a, vb b) {
    return (vb)_mm512_unpackhi_epi32((__m512i)a, (__m512i)b);
}

INLINE vb vb_load_whole(const uint8_t *p) {
    return (vb)_mm512_loadu_si512(p);
}

INLINE void vb_store(uint8_t *p, vb v, int past_caches) {
    if (past_caches) {
        _mm512_stream_si512((__m512i *)p, (__m512i)v);
    } else {
        _mm512_storeu_si512(p, (__m512i)v);
    }
}

/* Stores of pieces a0 b0 c0 d0, then of a1 b1 c1 d1, and so on. */
INLINE void vb_store_four(uint8_t *p, vb a, vb b, vb c, vb d, int past_caches) {
    __m512i lower_ab = _mm512_shuffle_i32x4((__m512i)a, (__m512i)b, 0x44); /* a0 a1 b0 b1 */
    __m512i lower_cd = _mm512_shuffle_i32x4((__m512i)c, (__m512i)d, 0x44);
    __m512i upper_ab = _mm512_shuffle_i32x4((__m512i)a, (__m512i)b, 0xee); /* a2 a3 b2 b3 */
    __m512i upper_cd = _mm512_shuffle_i32x4((__m512i)c, (__m512i)d, 0xee);
    vb_store(p, (vb)_mm512_shuffle_i32x4(lower_ab, lower_cd, 0x88), past_caches);
    vb_store(p + sizeof(vb), (vb)_mm512_shuffle_i32x4(lower_ab, lower_cd, 0xdd), past_caches);
    vb_store(p + 2 * sizeof(vb), (vb)_mm512_shuffle_i32x4(upper_ab, upper_cd, 0x88), past_caches);
    vb_store(p + 3 * sizeof(vb), (vb)_mm512_shuffle_i32x4(upper_ab, upper_cd, 0xdd), past_caches);
}
