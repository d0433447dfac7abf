/*
 * tiled_template.h   sums[t][i] = sum over k of W[g + G*i][k] * x[t][k] for the 16 rows of a group row g of 2-bit tiles
 *
 * The 16 rows share one scale and one zero for each column, so the scaled inputs xs = scale * x are made once and
 *     sums = sum code * xs - sum zero * xs        where the second sum is the same for all rows.
 * blocks  TILED_BLOCK tiles at a time: their scaled inputs, then the codes of all rows against them; where several group
 *         rows go together, those of one after the other
 * codes   64 bytes of a tile hold all 128 columns of the rows r and r + 8, in 32-bit lanes that alternate between the
 *         two: bits 2p + 16h of lane j of sixteen bytes l are column 16p + 4l + 2(j / 2) + h, row r + 8(j mod 2). So the
 *         scaled inputs are brought into that order, each twice, and a vector of totals has row r in its even lanes and
 *         row r + 8 in its odd ones
 * ahead   each line is fetched from memory when the line at the same place of the tile TILED_AHEAD before it is read: in the
 *         order in which they will be read. Codes are brought to the first cache while their block is scaled, what the next
 *         block is scaled with while codes are added (BENCHMARKS.md says what that is worth). Wide tiles for three or four
 *         tokens are fetched in the order of memory instead, and the portable level fetches tile by tile
 * second  of the second level of narrow tiles, what a block is scaled with is made while codes of the block before are added,
 *         so that nothing waits for it but the first block; the portable level makes it when it is needed
 * bytes   768 or 640 a tile, read once          bound: reading memory
 * sums    lanes of totals block by block, then their lanes; in that order at any number of tokens
 */

#define ROW_PAIRS (TILED_ROWS / 2)
#define PAIR_BYTES (TILED_CODES / ROW_PAIRS)
#define CODE_LINES (TILED_CODES / CACHE_LINE)

_Static_assert(PAIR_BYTES == CACHE_LINE, "a row pair is a line");
_Static_assert(TILED_BLOCK <= TILED_AHEAD, "the tiles of the next block are known");

/* Lines of a tile behind its codes. */
INLINE int meta_lines(int format) {
    return format == GATUN_Q2 ? 4 : 2;
}

/* A block of one of the rows that go together; behind all, of the first row the one behind the last. */
struct tiled_turn {
    int64_t row;
    int64_t block;
};

/* Rows take turns by runs of blocks. */
INLINE struct tiled_turn turn_after(int format, const struct tiled_rows *rows, struct tiled_turn turn) {
    int64_t blocks = tiled_blocks(&rows->list);
    int64_t from = turn.block - turn.block % tiled_run(format);
    int64_t to = from + tiled_run(format) < blocks ? from + tiled_run(format) : blocks;
    if (turn.block + 1 < to) {
        return (struct tiled_turn){turn.row, turn.block + 1};
    }
    return turn.row + 1 < rows->rows ? (struct tiled_turn){turn.row + 1, from} : (struct tiled_turn){0, to};
}

/* Some tiles of a row and what their sums are made of. */
struct tiled_block {
    const uint8_t *const *tiles;
    struct tiled_turn turn;
    int64_t skip;  /* tiles that it lacks at its beginning */
    int64_t count;
    float *xs;      /* scaled inputs [count][tokens][TILED_COLUMNS], or their bytes */
    float *ordered; /* TILED_ORDERED */
    float *totals;  /* [ROW_PAIRS][tokens][LANES] */
    vf *zeros;      /* [tokens]: the second sum */
};

/* Fetches lines of a tile from memory, to the second-level cache. */
INLINE void fetch_lines(const uint8_t *tile, int64_t first, int64_t lines) {
    for (int64_t i = first; i < first + lines; i++) {
        __builtin_prefetch(tile + i * CACHE_LINE, 0, 2);
    }
}

/* And from there to the first one. */
INLINE void bring_lines(const uint8_t *tile, int64_t first, int64_t lines) {
    for (int64_t i = first; i < first + lines; i++) {
        __builtin_prefetch(tile + i * CACHE_LINE, 0, 3);
    }
}

/* Lines of wide tiles behind a block by their number, in the order in which they lie in memory. */
INLINE void fetch_in_order(const struct tiled_block *block, int64_t number, int64_t lines) {
    const int64_t tile_lines = CODE_LINES + meta_lines(GATUN_Q2);
    for (int64_t i = number; i < number + lines; i++) {
        fetch_lines(block->tiles[TILED_AHEAD + i / tile_lines], i % tile_lines, 1);
    }
}

/* With more tokens it is not memory that wide tiles wait for. */
INLINE int fetches_as_read(int format, int tokens) {
    return tokens <= 2 || format != GATUN_Q2;
}

/* While tile `i` of a block is scaled. */
INLINE void fetch_to_scale(int format, int tokens, const struct tiled_block *block, int64_t i) {
    const int lines = meta_lines(format);
    if (fetches_as_read(format, tokens)) {
        fetch_lines(block->tiles[i + TILED_AHEAD], CODE_LINES, lines);
        bring_lines(block->tiles[i], 0, CODE_LINES);
    } else {
        fetch_in_order(block, i * lines, lines);
    }
}

/* While row pairs of its codes are added. */
INLINE void fetch_to_add(int format, int tokens, const struct tiled_block *block, int64_t i, int first, int pairs) {
    if (fetches_as_read(format, tokens)) {
        fetch_lines(block->tiles[i + TILED_AHEAD], first, pairs);
        if (first % 2 == 0 && first / 2 < meta_lines(format)) {
            bring_lines(block->tiles[i + block->count], CODE_LINES + first / 2, 1);
        }
    } else {
        fetch_in_order(block, block->count * meta_lines(format) + first * block->count + i * pairs, pairs);
    }
}

/* LANES pairs; the loops are over constants, so that they become vectors. */
INLINE void widen_lanes(const uint16_t *pairs, float *scale, float *offset) {
    float values[2 * LANES];
    vf_store(values, vf_load_f16(pairs));
    vf_store(values + LANES, vf_load_f16(pairs + LANES));
    for (int i = 0; i < LANES; i++) {
        scale[i] = values[2 * i];
        offset[i] = -values[2 * i + 1] * values[2 * i];
    }
}

static void widen_pairs(const uint16_t *pairs, int64_t n, float *restrict scale, float *restrict offset) {
    int64_t i = 0;
    for (; i < whole_vectors(n); i += LANES) {
        widen_lanes(pairs + 2 * i, scale + i, offset + i);
    }
    if (i < n) {
        uint16_t halves[2 * LANES] = {0};
        float last[2][LANES];
        memcpy(halves, pairs + 2 * i, (size_t)(n - i) * 2 * sizeof *halves);
        widen_lanes(halves, last[0], last[1]);
        memcpy(scale + i, last[0], (size_t)(n - i) * sizeof *scale);
        memcpy(offset + i, last[1], (size_t)(n - i) * sizeof *offset);
    }
}

/* ---- the second level of narrow tiles, two blocks at a time ---- */

/* Entries of two blocks: one for each tile, or for each value. */
#define NARROW_ENTRIES (2 * TILED_BLOCK)

_Static_assert(NARROW_ENTRIES == 2 * TILED_VALUES && NARROW_ENTRIES % WIDEST == 0, "entries are whole vectors");

/* Those of a block: half of them, or in TILED_SIXTEENS all, which the other block has as well. */
INLINE int64_t block_entries(int format) {
    return format == TILED_SIXTEENS ? NARROW_ENTRIES : TILED_BLOCK;
}

/* Which of them is a block's first. */
INLINE int64_t first_entry(int format, int64_t block) {
    return format == TILED_SIXTEENS ? 0 : block % 2 * TILED_BLOCK;
}

/* Entries of an even block and of the odd one behind it are read together: by the list, or in TILED_SIXTEENS by the matrix. */
INLINE int64_t paired_number(int format, const struct tiled_rows *rows, int64_t block) {
    return format == TILED_SIXTEENS ? rows->list.numbers[0] / TILED_BLOCK + block : block;
}

/* Whether entries have to be read for a block: those of a run begin with its first one, which may be odd. */
INLINE int begins_entries(int format, const struct tiled_rows *rows, int64_t block) {
    return block % tiled_run(format) == 0 || paired_number(format, rows, block) % 2 == 0;
}

INLINE const uint16_t *second_of_row(const struct tiled_rows *rows, int64_t row) {
    return rows->second + row * rows->second_stride;
}

/* Where the entries are that are read for a block; of tiles, if none between them is left out. */
INLINE const uint16_t *entries_of_turn(int format, const struct tiled_rows *rows, struct tiled_turn turn) {
    const struct tiled_list *list = &rows->list;
    int64_t entry = format == TILED_SIXTEENS ? paired_number(format, rows, turn.block) / 2 * NARROW_ENTRIES
                                             : list->numbers[block_begin(list, turn.block)];
    return second_of_row(rows, turn.row) + entry * TILED_ENTRY;
}

/* Of LANES entries. */
struct narrow_level {
    vf scale;
    vf scale_zero;
    vf zero;
    vf zero_zero;
};

INLINE struct narrow_level deal_entries(const uint16_t *halves) {
    float dealt[TILED_ENTRY * LANES];
    for (int j = 0; j < TILED_ENTRY; j++) {
        vf_store(dealt + j * LANES, vf_load_f16(halves + j * LANES));
    }
    vf_deal4(dealt);
    return (struct narrow_level){vf_load(dealt), vf_load(dealt + LANES), vf_load(dealt + 2 * LANES),
                                 vf_load(dealt + 3 * LANES)};
}

/* Of the tiles from number `i` of the list on, zeros behind the last. */
INLINE struct narrow_level level_of_tiles(const struct tiled_rows *rows, const uint16_t *second, int64_t i) {
    const int32_t *numbers = rows->list.numbers;
    int64_t count = rows->list.count - i;
    if (count >= LANES && numbers[i + LANES - 1] - numbers[i] == LANES - 1) {
        return deal_entries(second + (int64_t)numbers[i] * TILED_ENTRY);
    }
    uint16_t halves[TILED_ENTRY * LANES] = {0};
    for (int64_t j = 0; j < LANES && j < count; j++) {
        memcpy(halves + j * TILED_ENTRY, second + (int64_t)numbers[i + j] * TILED_ENTRY,
               TILED_ENTRY * sizeof *halves);
    }
    return deal_entries(halves);
}

/* From entry `i` on of those that are read for a block. */
INLINE struct narrow_level narrow_level_of(int format, const struct tiled_rows *rows, struct tiled_turn turn, int64_t i) {
    return format == TILED_SIXTEENS
               ? deal_entries(entries_of_turn(format, rows, turn) + i * TILED_ENTRY)
               : level_of_tiles(rows, second_of_row(rows, turn.row), block_begin(&rows->list, turn.block) + i);
}

/* Brings the entries that have to be read for a block; behind the last one, those that the next rows begin with. */
INLINE void bring_entries(int format, const struct tiled_rows *rows, struct tiled_turn turn) {
    const uint16_t *entries = NULL;
    if (turn.block == tiled_blocks(&rows->list)) {
        entries = rows->following;
    } else if (format != GATUN_Q2 && begins_entries(format, rows, turn.block)) {
        entries = entries_of_turn(format, rows, turn);
    }
    if (entries != NULL) {
        int64_t into = (int64_t)((uintptr_t)entries % CACHE_LINE);
        int64_t bytes = into + NARROW_ENTRIES * TILED_ENTRY * (int64_t)sizeof *entries;
        bring_lines((const uint8_t *)entries - into, 0, (bytes + CACHE_LINE - 1) / CACHE_LINE);
    }
}

/*
 * What a level brings: struct tiled_pairs and struct tiled_inputs, which prepare_pairs and prepare_inputs write; struct
 * narrow_block, what is made of the second level for a block and, where scales and inputs share a unit, of each token's inputs;
 * make_first_block, which makes the first one, if it is to be made before it is needed; and add_block.
 */
#if BYTE_SUMS
#include "tiled_words_template.h"

#include "tiled_bytes_template.h"
#else
#include "tiled_floats_template.h"
#endif

/* Even lanes are row r, odd ones row r + 8. */
INLINE void write_sums(int tokens, const float *totals, const vf *zeros, float *sums) {
    for (int t = 0; t < tokens; t++) {
        float zero = vf_sum(zeros[t]);
        for (int r = 0; r < ROW_PAIRS; r++) {
            const float *lanes = totals + (r * tokens + t) * LANES;
            float even = 0;
            float odd = 0;
            for (int i = 0; i < LANES; i += 2) {
                even += lanes[i];
                odd += lanes[i + 1];
            }
            sums[t * TILED_ROWS + r] = even - zero;
            sums[t * TILED_ROWS + r + ROW_PAIRS] = odd - zero;
        }
    }
}

INLINE void sum_rows(int format, int tokens, const struct tiled_rows *rows) {
    const int64_t blocks = tiled_blocks(&rows->list);
    const int64_t row_totals = tokens * ROW_PAIRS * LANES;
    struct tiled_block block = {.tiles = rows->tiles, .xs = rows->scratch, .ordered = rows->scratch + TILED_SCALED};
    float *totals = block.ordered + TILED_ORDERED;
    vf zeros[TILED_ABREAST * TILED_TOKENS];
    for (int i = 0; i < rows->rows * tokens; i++) {
        zeros[i] = vf_zero();
    }
    memset(totals, 0, (size_t)(rows->rows * row_totals) * sizeof *totals);
    struct narrow_block narrow;
    make_first_block(format, tokens, rows, &narrow);
    for (struct tiled_turn turn = {0, 0}; turn.block < blocks; turn = turn_after(format, rows, turn)) {
        block.turn = turn;
        block.skip = turn.block == 0 ? rows->list.skip : 0;
        block.count = tiles_in(&rows->list, turn.block);
        block.totals = totals + turn.row * row_totals;
        block.zeros = zeros + turn.row * tokens;
        add_block(format, tokens, rows, &narrow, &block);
        block.tiles += block.count;
    }
    for (int r = 0; r < rows->rows; r++) {
        write_sums(tokens, totals + r * row_totals, zeros + r * tokens, rows->sums + r * tokens * TILED_ROWS);
    }
}

INLINE void rows_of(int format, int tokens, const struct tiled_rows *given) {
    const struct tiled_rows copy = *given; /* in registers: stores of floats could not change it */
    sum_rows(format, tokens, &copy);
}

INLINE void rows_of_format(int format, const struct tiled_rows *rows) {
    switch (rows->tokens) {
    case 1:
        rows_of(format, 1, rows);
        break;
    case 2:
        rows_of(format, 2, rows);
        break;
    case 3:
        rows_of(format, 3, rows);
        break;
    default:
        rows_of(format, 4, rows);
    }
}

static void tiled_rows(const struct tiled_rows *rows) {
    switch (rows->format) {
    case TILED_SIXTEENS:
        rows_of_format(TILED_SIXTEENS, rows);
        break;
    case GATUN_Q2N:
        rows_of_format(GATUN_Q2N, rows);
        break;
    default:
        rows_of_format(GATUN_Q2, rows);
    }
}
