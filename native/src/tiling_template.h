/*
 * tiling_template.h   a group row of an HQQ matrix of 2 bits in groups of 16, as the tiles that tiled_template.h reads
 *
 * A tile has four rows q of 128 packed bytes; byte c, field s from the lowest, is the code of column c and row
 * q + 4 * (3 - s). With c = 16p + 8m' + 4m + 2j + h it goes to lane 16 * !(s & 1) + 4q + 2m' + m, word 2j + !(s >> 1), bits
 * 2p + 16h.
 *
 * pieces  16 bytes of a row have one p and all m', m, j, h: a vector has the same piece of VB_ROWS rows
 * fields  p against s: 2-bit numbers of four vectors change places, twice two exchanges; then a vector has one s and in
 *         each byte four p
 * bytes   of p below and above 4 are interleaved to 16 bits, with h to 32; then the words of both s >> 1
 * lines   of 64 bytes are whole: one q, all m' and m. They go past the caches: reading them first would cost as much as
 *         writing them, and whoever uses a block comes after many others
 * bytes   4 * 128 codes and 256 scales and zeros a tile, read once and written once      bound: memory
 */

#define TILING_ROWS 4
#define TILING_PIECE 16
#define TILING_LINE 64

/* How far ahead of its use each packed row is fetched: group rows follow each other, so past its end lies the next. */
#define TILING_AHEAD 512

/* The upper numbers of every 2 * shift bits of a, against the lower ones of b. */
INLINE void exchange_fields(vb *a, vb *b, int shift, uint64_t lower) {
    vb moved = (*a >> shift ^ *b) & lower;
    *a ^= moved << shift;
    *b ^= moved;
}

INLINE void transpose_fields(vb v[4]) {
    const uint64_t pairs = 0x3333333333333333;
    const uint64_t nibbles = 0x0f0f0f0f0f0f0f0f;
    exchange_fields(&v[0], &v[1], 2, pairs);
    exchange_fields(&v[2], &v[3], 2, pairs);
    exchange_fields(&v[0], &v[2], 4, nibbles);
    exchange_fields(&v[1], &v[3], 4, nibbles);
}

/* The lanes of one s & 1: words of s >> 1 = 1, then of 0. */
INLINE void store_lanes(uint8_t *to, const vb first[2], const vb second[2], int past_caches) {
    vb first_low = vb_low_bytes(first[0], first[1]);
    vb first_high = vb_high_bytes(first[0], first[1]);
    vb second_low = vb_low_bytes(second[0], second[1]);
    vb second_high = vb_high_bytes(second[0], second[1]);
    vb_store_four(to, vb_low_words(first_low, second_low), vb_high_words(first_low, second_low),
                  vb_low_words(first_high, second_high), vb_high_words(first_high, second_high), past_caches);
}

INLINE void tile_codes(const uint8_t *codes, int64_t stride, uint8_t *tile, int past_caches) {
    for (int q = 0; q < TILING_ROWS; q += VB_ROWS) {
        vb v[8];
        for (int p = 0; p < 8; p++) {
            v[p] = vb_load(codes + q * stride + TILING_PIECE * p, stride);
        }
        transpose_fields(v);
        transpose_fields(v + 4);
        uint8_t *to = tile + q * 4 * TILING_PIECE;
        store_lanes(to, (const vb[]){v[3], v[7]}, (const vb[]){v[1], v[5]}, past_caches);
        store_lanes(to + TILED_CODES / 2, (const vb[]){v[2], v[6]}, (const vb[]){v[0], v[4]}, past_caches);
    }
}

INLINE void copy_metas(const uint8_t *codes, uint8_t *to, int past_caches) {
    for (size_t i = 0; i < TILED_COLUMNS; i += sizeof(vb)) {
        vb_store(to + i, vb_load_whole(codes + i), past_caches);
    }
}

INLINE void fetch_rows(const uint8_t *codes, int64_t stride) {
    for (int q = 0; q < TILING_ROWS; q++) {
        __builtin_prefetch(codes + q * stride + TILING_AHEAD);
        __builtin_prefetch(codes + q * stride + TILING_AHEAD + TILING_LINE);
    }
}

/* The last columns of a row, and zeros. */
static void tile_narrow(const struct tiling_row *row, int64_t from, uint8_t *tile) {
    uint8_t codes[TILING_ROWS * TILED_COLUMNS] = {0};
    size_t width = (size_t)(row->columns - from);
    for (int q = 0; q < TILING_ROWS; q++) {
        memcpy(codes + q * TILED_COLUMNS, row->codes + q * row->stride + from, width);
    }
    tile_codes(codes, TILED_COLUMNS, tile, 0);
    memset(tile + TILED_CODES, 0, 2 * TILED_COLUMNS);
    memcpy(tile + TILED_CODES, row->scales + from, width);
    memcpy(tile + TILED_CODES + TILED_COLUMNS, row->zeros + from, width);
}

/* Whole tiles; returns the columns that are done. */
INLINE int64_t tile_whole(const struct tiling_row *row, int past_caches) {
    uint8_t *tile = row->tiles;
    int64_t k = 0;
    for (; k + TILED_COLUMNS <= row->columns; k += TILED_COLUMNS) {
        fetch_rows(row->codes + k, row->stride);
        tile_codes(row->codes + k, row->stride, tile, past_caches);
        copy_metas(row->scales + k, tile + TILED_CODES, past_caches);
        copy_metas(row->zeros + k, tile + TILED_CODES + TILED_COLUMNS, past_caches);
        tile += TILED_WIDE;
    }
    return k;
}

static void tile_row(const struct tiling_row *row) {
    int is_aligned = (uintptr_t)row->tiles % TILING_LINE == 0;
    int64_t k = is_aligned ? tile_whole(row, 1) : tile_whole(row, 0);
    if (k < row->columns) {
        tile_narrow(row, k, row->tiles + k / TILED_COLUMNS * TILED_WIDE);
    }
}
