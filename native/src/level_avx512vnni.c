/* level_avx512vnni.c: the inner loops with the vectors of vec_avx512.h and its dot products of bytes. */
#include "vec_avx512.h"

#define LEVEL level_avx512vnni
#include "level_template.h"
