/* check.h: shapes checked against each other before anything is read or written. All return 1 when sound. */
#ifndef GATUN_CHECK_H
#define GATUN_CHECK_H

#include <stdint.h>

#include "gatun_cpu.h"

int check_dense(const struct gatun_matrix *m);
int check_matrix(const struct gatun_matrix *m);
int check_product(const struct gatun_product *p);

/* An array of `rows` rows of `columns` values, `ld` apart: sizes not negative, addressable, and not NULL if not empty. */
int check_array(const void *data, int64_t rows, int64_t columns, int64_t ld);

int check_kv(const struct gatun_kv *kv, int64_t position, int64_t tokens);

#endif
