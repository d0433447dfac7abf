/* level_avx512fp16.c: the inner loops with the vectors of vec_avx512.h, its dot products of bytes, and binary16. */
#include "vec_avx512.h"
#if EMULATE_HALVES
#include "vec_halves_emulated.h"
#else
#include "vec_halves.h"
#endif

#define LEVEL level_avx512fp16
#include "level_template.h"
