/*
 * vec_halves.h: AVX512-FP16 on top of vec_avx512.h: vectors of 2 * LANES binary16 numbers, held as integers of 16 bits. Each
 * operation rounds once, to nearest even; there are subnormal numbers.
 */
#define HALF_WORDS 1

/* Of unsigned 16-bit integers. */
INLINE vi vh_from_words(vi words) {
    return _mm512_castph_si512(_mm512_cvtepu16_ph(words));
}

/* To signed 16-bit integers. */
INLINE vi vh_round(vi v) {
    return _mm512_cvtph_epi16(_mm512_castsi512_ph(v));
}

INLINE vi vh_mul(vi a, vi b) {
    return _mm512_castph_si512(_mm512_mul_ph(_mm512_castsi512_ph(a), _mm512_castsi512_ph(b)));
}

INLINE vi vh_fma(vi a, vi b, vi c) {
    return _mm512_castph_si512(
        _mm512_fmadd_ph(_mm512_castsi512_ph(a), _mm512_castsi512_ph(b), _mm512_castsi512_ph(c)));
}
