/* level_avx512.c: the inner loops with the vectors of vec_avx512.h. */
#include "vec_avx512.h"

#define LEVEL level_avx512
#include "level_template.h"
