/* level_portable.c: the inner loops with the vectors of vec_portable.h. */
#include "vec_portable.h"

#define LEVEL level_portable
#include "level_template.h"
