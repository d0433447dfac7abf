/*
 * vec_halves_emulated.h: what vec_halves.h has, through float32, for tests on processors without AVX512-FP16. A product of two
 * binary16 numbers is exact in float32; a sum is rounded there first, which changes the result in one of thousands of sums.
 */
#define HALF_WORDS 1

INLINE __m256i lower_half(vi v) {
    return _mm512_castsi512_si256(v);
}

INLINE __m256i upper_half(vi v) {
    return _mm512_extracti64x4_epi64(v, 1);
}

INLINE vi of_halves(__m256i low, __m256i high) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

INLINE vf widened(__m256i halves) {
    return _mm512_cvtph_ps(halves);
}

INLINE __m256i narrowed(vf v) {
    return _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT);
}

INLINE vi vh_from_words(vi words) {
    return of_halves(narrowed(_mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(lower_half(words)))),
                     narrowed(_mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(upper_half(words)))));
}

INLINE vi vh_round(vi v) {
    return of_halves(_mm512_cvtepi32_epi16(_mm512_cvtps_epi32(widened(lower_half(v)))),
                     _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(widened(upper_half(v)))));
}

INLINE vi vh_fma(vi a, vi b, vi c) {
    return of_halves(
        narrowed(_mm512_fmadd_ps(widened(lower_half(a)), widened(lower_half(b)), widened(lower_half(c)))),
        narrowed(_mm512_fmadd_ps(widened(upper_half(a)), widened(upper_half(b)), widened(upper_half(c)))));
}

INLINE vi vh_mul(vi a, vi b) {
    return of_halves(narrowed(_mm512_mul_ps(widened(lower_half(a)), widened(lower_half(b)))),
                     narrowed(_mm512_mul_ps(widened(upper_half(a)), widened(upper_half(b)))));
}
