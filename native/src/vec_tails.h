/* vec_tails.h: the last n < LANES values of a row, and loads by type; written on top of a vec_*.h. */
#include <string.h>

INLINE vf vf_load_part(const float *p, int64_t n) {
    float whole[LANES] = {0};
    memcpy(whole, p, (size_t)n * sizeof *p);
    return vf_load(whole);
}

INLINE void vf_store_part(float *p, vf v, int64_t n) {
    float whole[LANES];
    vf_store(whole, v);
    memcpy(p, whole, (size_t)n * sizeof *p);
}

INLINE vi vi_load_u8_part(const uint8_t *p, int64_t n) {
    uint8_t whole[LANES] = {0};
    memcpy(whole, p, (size_t)n);
    return vi_load_u8(whole);
}

INLINE int64_t size_of(int dtype) {
    return dtype == GATUN_F32 ? 4 : 2;
}

/* LANES values of `dtype`, a constant once inlined. */
INLINE vf load_typed(const void *p, int dtype) {
    if (dtype == GATUN_F32) {
        return vf_load(p);
    }
    return dtype == GATUN_F16 ? vf_load_f16(p) : vf_load_bf16(p);
}

INLINE vf load_typed_part(const void *p, int dtype, int64_t n) {
    float whole[LANES] = {0};
    memcpy(whole, p, (size_t)(n * size_of(dtype)));
    return load_typed(whole, dtype);
}

INLINE int64_t whole_vectors(int64_t n) {
    return n / LANES * LANES;
}
