/* level_avx2.c: the inner loops with the vectors of vec_avx2.h. */
#include "vec_avx2.h"

#define LEVEL level_avx2
#include "level_template.h"
