/*
 * tiled_bytes_template.h   the codes of a block against its scaled inputs in integers
 *
 * The scaled inputs of a token and block are rounded to w = 256 high + low, 15 bits of the largest of them, with signed
 * bytes high and low; products of codes and bytes are summed exactly:
 *     sum code * xs = step * (256 * sum code * high + sum code * low)       with step = largest |xs| / 32512
 * fields  field f of a byte of codes is p = f, or p = f + 4 in odd bytes: the columns 16f + m and 16f + 64 + m. So the
 *         words of these columns share a lane, and their bytes go side by side by a permutation within sixteen bytes
 * inputs  [tile][token][vector of 64 bytes][field][high, low][4 * LANES bytes]
 * error   about 5e-5 of the output's 2-norm
 * bounds  |high|, |low| <= 128: without VNNI a 16-bit sum is at most 3 * 128 * 2 * 4 * TILED_BLOCK < 2^15; with VNNI a
 *         32-bit one at most 192 * 128 * 4 * TILED_BLOCK; the codes' sums times 256 fit 32 bits
 */

/* 127 * 256: of 128 more the upper byte is still a signed one. */
#define LARGEST_BYTES 32512

/* Largest inputs below this are as good as zero, and their reciprocal may be infinite. */
#define LEAST_LARGEST 1e-30f

#define VECTORS (PAIR_BYTES / (4 * LANES)) /* of one row pair's codes */
#define VECTOR_BYTES (4 * LANES)
#define INPUT_BYTES (4 * TILED_COLUMNS) /* of a tile and token */

_Static_assert(3 * 128 * 2 * 4 * TILED_BLOCK < 1 << 15, "a 16-bit sum must not overflow");

/* Row pairs at a time, so that their sums and what is in flight fit the registers. */
INLINE int pairs_at_a_time(int tokens) {
    return 2 * tokens * 2 * byte_parts(tokens) <= BYTE_REGISTERS / 2 ? 2 : 1;
}

/* A value that is not finite need not show: it shows in the sums of zeros. */
struct magnitude {
    vf value;
};

INLINE struct magnitude no_magnitude(void) {
    return (struct magnitude){vf_zero()};
}

INLINE struct magnitude with_value(struct magnitude m, vf v) {
    return (struct magnitude){vf_larger_magnitude(v, m.value)};
}

INLINE float magnitude_of(struct magnitude m) {
    return vf_largest(m.value);
}

/* A float32 of this magnitude has its units in the lowest bits: a sum with it is rounded, and an integer. */
#define INTEGERS 12582912.0f

/*
 * Of sixteen bytes, four lanes of 16-bit words a and b: the high bytes of a and b, lane after lane, each pair of lanes
 * (which is what a row's lane holds) twice; and the low bytes.
 */
static const uint8_t HIGH_BYTES[16] = {1, 3, 5, 7, 1, 3, 5, 7, 9, 11, 13, 15, 9, 11, 13, 15};
static const uint8_t LOW_BYTES[16] = {0, 2, 4, 6, 0, 2, 4, 6, 8, 10, 12, 14, 8, 10, 12, 14};

/* In place: the bytes of a tile's scaled inputs take their room. */
INLINE void order_tile(float *xs, vf units) {
    /* 128 more: then the upper byte is the one that goes with a signed lower byte, whose sign alone is wrong. */
    vf half = vf_set(INTEGERS + 128);
    vi words[VECTORS * 4];
#pragma GCC unroll 8
    for (int i = 0; i < VECTORS * 4; i++) {
        const float *x = xs + 16 * (i % 4) + i / 4 * LANES;
        vi a = vi_bits(vf_fma(vf_load(x), units, half));
        vi b = vi_bits(vf_fma(vf_load(x + TILED_COLUMNS / 2), units, half));
        words[i] = vi_keep(vi_xor(vi_pair(a, b), vi_set(0x00800080)));
    }
    uint8_t *to = (uint8_t *)xs;
#pragma GCC unroll 8
    for (int i = 0; i < VECTORS * 4; i++) {
        vi_store(to + 2 * i * VECTOR_BYTES, vi_places(words[i], HIGH_BYTES));
        vi_store(to + (2 * i + 1) * VECTOR_BYTES, vi_places(words[i], LOW_BYTES));
    }
}

/* Codes of a field of each byte, times a power of four if the fields have sums of their own; and that sum's number. */
INLINE vi field_of(vi v, int field, int parts) {
    int shift = 2 * (field - field % parts);
    return vi_keep(vi_and(shift == 0 ? v : vi_right16(v, shift), vi_bytes(3 << 2 * (field % parts))));
}

/* The codes' sum, from those of the fields. */
INLINE vi sum_of_parts(const vi *sums, int parts) {
    vi sum = vi_whole_sum(sums[0]);
    for (int i = 1; i < parts; i++) {
        sum = vi_add(sum, vi_divide(vi_whole_sum(sums[i]), 2 * i));
    }
    return sum;
}

/* Some row pairs from `first` on against one vector of each tile's codes; adds to totals[row pair][token]. */
INLINE void add_row_pairs(int tokens, struct tiled_block *block, int first, int vector, const float *steps,
                          float *totals) {
    const int rows = pairs_at_a_time(tokens);
    const int parts = byte_parts(tokens);
    const uint8_t *words = (const uint8_t *)block->xs + vector * 4 * 2 * VECTOR_BYTES;
    vi sums[2][TILED_TOKENS * 2][4];
    memset(&sums, 0, sizeof sums);
    for (int64_t i = 0; i < block->count; i++) {
        const uint8_t *codes = block->tiles[i] + first * PAIR_BYTES + vector * VECTOR_BYTES;
        vi bytes[2];
        if (vector == 0) {
            fetch_ahead(&block->ahead, rows);
        }
        for (int r = 0; r < rows; r++) {
            bytes[r] = vi_keep(vi_load(codes + r * PAIR_BYTES));
        }
#pragma GCC unroll 4
        for (int f = 0; f < 4; f++) {
            vi fields[2];
            for (int r = 0; r < rows; r++) {
                fields[r] = field_of(bytes[r], f, parts);
            }
            for (int p = 0; p < 2 * tokens; p++) {
                vi w = vi_load(words + p / 2 * INPUT_BYTES + (f * 2 + p % 2) * VECTOR_BYTES);
                w = rows > 1 ? vi_keep(w) : w;
                for (int r = 0; r < rows; r++) {
                    vi *sum = &sums[r][p][f % parts];
                    *sum = vi_keep(vi_add_bytes(fields[r], w, *sum));
                }
            }
        }
        words += tokens * INPUT_BYTES;
    }
    for (int r = 0; r < rows; r++) {
        for (int t = 0; t < tokens; t++) {
            vi sum = vi_join(sum_of_parts(sums[r][2 * t], parts), sum_of_parts(sums[r][2 * t + 1], parts));
            float *total = totals + (r * tokens + t) * LANES;
            vf_store(total, vf_fma(vf_from_int(sum), vf_set(steps[t]), vf_load(total)));
        }
    }
}

INLINE void add_codes(int tokens, struct tiled_block *block, float *totals) {
    float steps[TILED_TOKENS];
    for (int t = 0; t < tokens; t++) {
        float largest = block->largest[t];
        vf units = vf_set(largest < LEAST_LARGEST ? 0 : LARGEST_BYTES / largest);
        steps[t] = largest / LARGEST_BYTES;
        for (int64_t i = 0; i < block->count; i++) {
            order_tile(block->xs + (i * tokens + t) * TILED_COLUMNS, units);
        }
    }
    for (int r = 0; r < ROW_PAIRS; r += pairs_at_a_time(tokens)) {
        for (int v = 0; v < VECTORS; v++) {
            add_row_pairs(tokens, block, r, v, steps, totals + r * tokens * LANES);
        }
    }
}
