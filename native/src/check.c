/* check.c: see check.h. */
#include "check.h"

#include <stddef.h>

#include "level.h"

/* The most elements an array may have: their bytes, and sums of a few such numbers, stay within 63 bits. */
#define MOST ((int64_t)1 << 56)

static int sound_size(int64_t rows, int64_t columns) {
    int64_t size;
    return rows >= 0 && columns >= 0 && rows <= MOST && columns <= MOST
           && !__builtin_mul_overflow(rows, columns, &size) && size <= MOST;
}

int check_array(const void *data, int64_t rows, int64_t columns, int64_t ld) {
    if (!sound_size(rows, columns) || ld < columns || !sound_size(rows, ld)) {
        return 0;
    }
    return data != NULL || rows == 0 || columns == 0;
}

int check_dense(const struct gatun_matrix *m) {
    return m != NULL && m->kind == GATUN_DENSE && m->dtype >= GATUN_F32 && m->dtype <= GATUN_BF16
           && check_array(m->weights, m->rows, m->columns, m->columns);
}

static int check_hqq(const struct gatun_matrix *m) {
    if (m->bits != 2 && m->bits != 4 && m->bits != 8) {
        return 0;
    }
    if (!sound_size(m->rows, m->columns) || m->group_size <= 0 || m->scale_group < 0) {
        return 0;
    }
    if (m->group_size % (8 / m->bits) != 0 || m->rows % m->group_size != 0) {
        return 0;
    }
    int64_t groups = m->rows / m->group_size * m->columns;
    int common = m->weights != NULL && m->scale_codes != NULL && m->scale_scales != NULL;
    if (is_narrow(m)) {
        return groups == 0 || common;
    }
    return groups % m->scale_group == 0
           && (groups == 0 || (common && m->scale_zeros != NULL && m->zero_codes != NULL));
}

int check_matrix(const struct gatun_matrix *m) {
    if (m == NULL) {
        return 0;
    }
    return m->kind == GATUN_HQQ ? check_hqq(m) : check_dense(m);
}

int check_product(const struct gatun_product *p) {
    return check_matrix(p->matrix) && check_array(p->x, p->tokens, p->matrix->columns, p->ldx)
           && check_array(p->y, p->tokens, p->matrix->rows, p->ldy);
}

int check_kv(const struct gatun_kv *kv, int64_t position, int64_t tokens) {
    if (kv == NULL || kv->kv_heads <= 0 || kv->head_size <= 0 || kv->head_size % 2 != 0 || kv->capacity < 0) {
        return 0;
    }
    if (kv->dtype != GATUN_F16 && kv->dtype != GATUN_F32) {
        return 0;
    }
    if (!sound_size(kv->capacity, (int64_t)kv->kv_heads * kv->head_size)) {
        return 0;
    }
    if (position < 0 || tokens < 0 || tokens > kv->capacity || position > kv->capacity - tokens) {
        return 0;
    }
    return kv->capacity == 0 || (kv->keys != NULL && kv->values != NULL);
}
