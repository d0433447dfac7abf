/*
 * tiled_bytes_template.h   the codes of a block against its scaled inputs w = 256 high + low in integers
 *
 * Products of codes and of signed bytes are summed exactly:
 *     sum code * xs = unit * (256 * sum code * high + sum code * low)
 * fields  field f of a byte of codes is p = f, or p = f + 4 in odd bytes: the columns 16f + n and 16f + 64 + n
 * bounds  |high|, |low| <= 128: without VNNI a 16-bit sum is at most 3 * 128 * 2 * 4 * TILED_BLOCK < 2^15; with VNNI a
 *         32-bit one at most 192 * 128 * 4 * TILED_BLOCK; the codes' sums times 256 fit 32 bits
 */

_Static_assert(3 * 128 * 2 * 4 * TILED_BLOCK < 1 << 15, "a 16-bit sum must not overflow");

/* Row pairs at a time, so that their sums and what is in flight fit the registers. */
INLINE int pairs_at_a_time(int tokens) {
    return 2 * tokens * 2 * byte_parts(tokens) <= BYTE_REGISTERS / 2 ? 2 : 1;
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
INLINE void add_row_pairs(int format, int tokens, struct tiled_block *block, int first, int vector, const float *units) {
    const int rows = pairs_at_a_time(tokens);
    const int parts = byte_parts(tokens);
    const uint8_t *words = (const uint8_t *)block->xs + vector * 4 * 2 * VECTOR_BYTES;
    vi sums[2][TILED_TOKENS * 2][4];
    memset(&sums, 0, sizeof sums);
    for (int64_t i = 0; i < block->count; i++) {
        const uint8_t *codes = block->tiles[i] + first * PAIR_BYTES + vector * VECTOR_BYTES;
        vi bytes[2];
        if (vector == 0) {
            fetch_to_add(format, tokens, block, i, first, rows);
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
            float *total = block->totals + ((first + r) * tokens + t) * LANES;
            vf_store(total, vf_fma(vf_from_int(sum), vf_set(units[t]), vf_load(total)));
        }
    }
}

_Static_assert(NARROW_PARTS <= ROW_PAIRS / 2, "all parts of what the next block needs are made while codes are added");

INLINE void add_block(int format, int tokens, const struct tiled_rows *rows, struct narrow_block *narrow,
                      struct tiled_block *block) {
    const struct tiled_turn next = turn_after(format, rows, block->turn);
    float units[TILED_TOKENS];
    int part = 0;
    bring_entries(format, rows, next);
    scale_block(format, tokens, rows, narrow, block, units);
    for (int r = 0; r < ROW_PAIRS; r += pairs_at_a_time(tokens)) {
        make_narrow_block(part++, format, tokens, rows, next, narrow);
        for (int v = 0; v < VECTORS; v++) {
            add_row_pairs(format, tokens, block, r, v, units);
        }
    }
}
