/*
 * attention_template.h   y = softmax(q K' / sqrt(head_size)) V over the keys each query sees
 *
 * One key-value head at a time with all the query heads that share it, and one block of KEY_BLOCK keys at a time, at
 * positions that are multiples of KEY_BLOCK: keys and values are widened to float32 once for all these queries.
 * The softmax is rescaled as larger scores appear; a block in which a query sees nothing leaves it untouched.
 *
 * bytes   2 * context * head_size * size per key-value head      bound: reading the cache (decode), multiply-adds
 */

struct attend_rows {
    float *q;      /* [rows][stride] */
    float *values; /* [rows][stride], sums of weight * value */
    float *tile;   /* [KEY_BLOCK][stride] */
    float *scores; /* [rows][KEY_BLOCK] */
    float *largest;
    float *weights;
    int64_t stride;
    int64_t rows;
};

static struct attend_rows lay_out(const struct attend *task) {
    int64_t stride = padded(task->kv->head_size);
    int64_t rows = task->tokens * task->group;
    float *q = task->scratch;
    float *values = q + rows * stride;
    float *tile = values + rows * stride;
    float *scores = tile + KEY_BLOCK * stride;
    float *largest = scores + rows * KEY_BLOCK;
    return (struct attend_rows){q, values, tile, scores, largest, largest + rows, stride, rows};
}

static void begin_rows(const struct attend *task, const struct attend_rows *a) {
    int64_t size = task->kv->head_size;
    clear(a->q, a->rows * a->stride);
    clear(a->values, a->rows * a->stride);
    for (int64_t r = 0; r < a->rows; r++) {
        const float *q = task->q + r / task->group * task->ldq + r % task->group * size;
        memcpy(a->q + r * a->stride, q, (size_t)size * sizeof *q);
        a->largest[r] = -INFINITY;
        a->weights[r] = 0;
    }
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t first_seen(const struct attend *task, int64_t token) {
    int64_t position = task->position + token;
    return task->window > 0 && task->window <= position ? position - task->window + 1 : 0;
}

/* Keys or values [from, from + n) of the head, zeros up to four rows. */
static void widen_block(const struct attend *task, const void *cache, int64_t from, int64_t n, float *to,
                        int64_t stride) {
    const struct gatun_kv *kv = task->kv;
    int64_t size = kv->head_size;
    const char *p = (const char *)cache + (task->kv_head * kv->capacity + from) * size * size_of(kv->dtype);
    for (int64_t i = 0; i < n; i++) {
        widen(p + i * size * size_of(kv->dtype), kv->dtype, size, to + i * stride);
        clear(to + i * stride + size, stride - size);
    }
    clear(to + n * stride, ((n + 3) / 4 * 4 - n) * stride);
}

static float largest_of(const float *scores, int64_t n) {
    vf m = vf_set(-INFINITY);
    int64_t k = 0;
    for (; k < whole_vectors(n); k += LANES) {
        m = vf_max(vf_load(scores + k), m);
    }
    float best = vf_largest(m);
    for (; k < n; k++) {
        best = scores[k] > best ? scores[k] : best;
    }
    return best;
}

/* scores to exp(scale * score - top) in place; returns their sum. */
static float exponentials(float *scores, int64_t n, float scale, float top) {
    vf s = vf_set(scale);
    vf m = vf_set(top);
    vf sum = vf_zero();
    int64_t k = 0;
    for (; k < whole_vectors(n); k += LANES) {
        vf e = vf_exp(vf_sub(vf_mul(vf_load(scores + k), s), m));
        vf_store(scores + k, e);
        sum = vf_add(sum, e);
    }
    float total = vf_sum(sum);
    if (k < n) {
        float last[LANES];
        vf_store(last, vf_exp(vf_sub(vf_mul(vf_load_part(scores + k, n - k), s), m)));
        for (int64_t i = 0; i < n - k; i++) {
            scores[k + i] = last[i];
            total += last[i];
        }
    }
    return total;
}

/* Takes the scores of one query into its running softmax. */
static void take_scores(const struct attend_rows *a, int64_t row, float *scores, int64_t n, float scale) {
    float top = largest_of(scores, n) * scale;
    top = top > a->largest[row] ? top : a->largest[row];
    float base = top == -INFINITY ? 0 : top; /* all scores -inf so far: exp(-inf - 0) = 0 */
    float sum = exponentials(scores, n, scale, base);
    if (top != a->largest[row]) {
        float shrink = expf(a->largest[row] - base);
        a->weights[row] *= shrink;
        float *values = a->values + row * a->stride;
        for (int64_t k = 0; k < a->stride; k += LANES) {
            vf_store(values + k, vf_mul(vf_load(values + k), vf_set(shrink)));
        }
        a->largest[row] = top;
    }
    a->weights[row] += sum;
}

/* sums[r][c] += weights[r][key] * values[key][c] for `rows` rows and `vectors` vectors of columns. */
INLINE void weigh(int rows, int vectors, const float *weights, const float *values, int64_t stride, int64_t keys,
                  float *sums) {
    vf acc[4][4];
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < vectors; c++) {
            acc[r][c] = vf_load(sums + r * stride + c * LANES);
        }
    }
    for (int64_t j = 0; j < keys; j++) {
        vf v[4];
        for (int c = 0; c < vectors; c++) {
            v[c] = vf_load(values + j * stride + c * LANES);
        }
        for (int r = 0; r < rows; r++) {
            vf weight = vf_set(weights[r * KEY_BLOCK + j]);
            for (int c = 0; c < vectors; c++) {
                acc[r][c] = vf_fma(weight, v[c], acc[r][c]);
            }
        }
    }
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < vectors; c++) {
            vf_store(sums + r * stride + c * LANES, acc[r][c]);
        }
    }
}

INLINE void weigh_rows(int rows, const float *weights, const float *values, int64_t stride, int64_t keys, float *sums) {
    const int together = rows == 1 ? 4 : 2;
    int64_t c = 0;
    for (; c + together * LANES <= stride; c += together * LANES) {
        weigh(rows, together, weights, values + c, stride, keys, sums + c);
    }
    for (; c < stride; c += LANES) {
        weigh(rows, 1, weights, values + c, stride, keys, sums + c);
    }
}

/* Keys [from, to) of one block for all queries. */
static void attend_block(const struct attend *task, const struct attend_rows *a, int64_t from, int64_t to,
                         float scale) {
    int64_t n = to - from;
    widen_block(task, task->kv->keys, from, n, a->tile, a->stride);
    dot_rows(a->tile, a->stride, (n + 3) / 4 * 4, a->q, a->stride, a->rows, a->stride, a->scores, KEY_BLOCK, 0);
    widen_block(task, task->kv->values, from, n, a->tile, a->stride);
    for (int64_t t = 0; t < task->tokens; t++) {
        int64_t low = larger(from, first_seen(task, t));
        int64_t high = smaller(to, task->position + t + 1);
        if (low >= high) {
            continue;
        }
        int64_t row = t * task->group;
        int64_t end = row + task->group;
        float *scores = a->scores + low - from;
        const float *values = a->tile + (low - from) * a->stride;
        for (int64_t r = row; r < end; r++) {
            take_scores(a, r, scores + r * KEY_BLOCK, high - low, scale);
        }
        for (; row + 4 <= end; row += 4) {
            weigh_rows(4, scores + row * KEY_BLOCK, values, a->stride, high - low, a->values + row * a->stride);
        }
        for (; row < end; row++) {
            weigh_rows(1, scores + row * KEY_BLOCK, values, a->stride, high - low, a->values + row * a->stride);
        }
    }
}

static void finish_rows(const struct attend *task, const struct attend_rows *a) {
    int64_t size = task->kv->head_size;
    for (int64_t r = 0; r < a->rows; r++) {
        const float *values = a->values + r * a->stride;
        if (task->y == NULL) {
            float *sums = task->sums + r * (a->stride + WIDEST);
            memcpy(sums, values, (size_t)a->stride * sizeof *sums);
            sums[a->stride] = a->largest[r];
            sums[a->stride + 1] = a->weights[r];
            continue;
        }
        float *y = task->y + r / task->group * task->ldy + r % task->group * size;
        float weight = a->weights[r] == 0 ? 1 : a->weights[r];
        for (int64_t k = 0; k < size; k++) {
            y[k] = values[k] / weight;
        }
    }
}

static void attend(const struct attend *task) {
    struct attend_rows a = lay_out(task);
    begin_rows(task, &a);
    float scale = 1.0f / sqrtf((float)task->kv->head_size);
    int64_t low = larger(task->key_from, first_seen(task, 0));
    int64_t high = smaller(task->key_to, task->position + task->tokens);
    for (int64_t block = low / KEY_BLOCK * KEY_BLOCK; block < high; block += KEY_BLOCK) {
        attend_block(task, &a, larger(block, low), smaller(block + KEY_BLOCK, high), scale);
    }
    finish_rows(task, &a);
}
