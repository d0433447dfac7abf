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
 * slices  in their order a piece is the 16 values of one slice: sixteen pieces as the rows have them, transposed
 * bytes   4 * 128 codes and 256 scales and zeros a tile, read once and written once      bound: memory
 */

#define TILING_ROWS 4
#define TILING_PIECE 16

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

/* Some rows from `q` on of a tile: piece p is the columns from 16 p on. */
INLINE void tile_pieces(vb v[8], int q, uint8_t *tile, int past_caches) {
    transpose_fields(v);
    transpose_fields(v + 4);
    uint8_t *to = tile + q * 4 * TILING_PIECE;
    store_lanes(to, (const vb[]){v[3], v[7]}, (const vb[]){v[1], v[5]}, past_caches);
    store_lanes(to + TILED_CODES / 2, (const vb[]){v[2], v[6]}, (const vb[]){v[0], v[4]}, past_caches);
}

INLINE void tile_codes(const uint8_t *codes, int64_t stride, uint8_t *tile, int past_caches) {
    for (int q = 0; q < TILING_ROWS; q += VB_ROWS) {
        vb v[8];
        for (int p = 0; p < 8; p++) {
            v[p] = vb_load(codes + q * stride + TILING_PIECE * p, stride);
        }
        tile_pieces(v, q, tile, past_caches);
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
        __builtin_prefetch(codes + q * stride + TILING_AHEAD + CACHE_LINE);
    }
}

/* The last columns of a row, one by one, and zeros. */
static void tile_narrow(const struct tiling_row *row, int64_t from, uint8_t *tile) {
    uint8_t codes[TILING_ROWS * TILED_COLUMNS] = {0};
    uint8_t *metas = tile + TILED_CODES;
    memset(metas, 0, 2 * TILED_COLUMNS);
    for (int64_t c = 0; c < TILED_COLUMNS && from + c < row->columns; c++) {
        int64_t column = row->slices == 0 ? from + c : tiled_source(row->slices, from + c);
        for (int q = 0; q < TILING_ROWS; q++) {
            codes[q * TILED_COLUMNS + c] = row->codes[q * row->stride + column];
        }
        metas[c] = row->scales[column];
        metas[TILED_COLUMNS + c] = row->zeros[column];
    }
    tile_codes(codes, TILED_COLUMNS, tile, 0);
}

/* Whole tiles; returns how many. */
INLINE int64_t tile_whole(const struct tiling_row *row, int past_caches) {
    int64_t tiles = row->columns / TILED_COLUMNS;
    for (int64_t i = 0; i < tiles; i++) {
        int64_t k = i * TILED_COLUMNS;
        uint8_t *tile = row->tiles + i * TILED_WIDE;
        fetch_rows(row->codes + k, row->stride);
        tile_codes(row->codes + k, row->stride, tile, past_caches);
        copy_metas(row->scales + k, tile + TILED_CODES, past_caches);
        copy_metas(row->zeros + k, tile + TILED_CODES + TILED_COLUMNS, past_caches);
    }
    return tiles;
}

/* ---- in the order of slices ---- */

/* Slices whose values are brought together at once, and the tiles that they fill. */
#define TILING_SLICES 16
#define TILING_TILES (TILING_SLICES * TILED_ROWS / TILED_COLUMNS)

/* v[i] becomes the bytes of slice i, of VB_ROWS rows, where it was those of value i. */
INLINE void transpose_bytes(vb v[TILING_SLICES]) {
#pragma GCC unroll 4
    for (int step = 0; step < 4; step++) {
        vb w[TILING_SLICES];
#pragma GCC unroll 8
        for (int i = 0; i < TILING_SLICES / 2; i++) {
            w[2 * i] = vb_low_bytes(v[i], v[i + TILING_SLICES / 2]);
            w[2 * i + 1] = vb_high_bytes(v[i], v[i + TILING_SLICES / 2]);
        }
        memcpy(v, w, sizeof w);
    }
}

INLINE void load_slices(const uint8_t *bytes, int64_t slices, int64_t stride, vb v[TILING_SLICES]) {
#pragma GCC unroll 16
    for (int i = 0; i < TILED_ROWS; i++) {
        v[i] = vb_load(bytes + i * slices, stride);
    }
    transpose_bytes(v);
}

/* The scale or zero codes of two tiles. */
INLINE void tile_slice_metas(const uint8_t *codes, int64_t slices, uint8_t *to, int past_caches) {
    uint8_t ordered[TILING_TILES * TILED_COLUMNS];
    vb v[TILING_SLICES];
    load_slices(codes, slices, 0, v);
    for (int i = 0; i < TILING_SLICES; i++) {
        memcpy(ordered + TILING_PIECE * i, &v[i], TILING_PIECE);
    }
    for (int i = 0; i < TILING_TILES; i++) {
        copy_metas(ordered + i * TILED_COLUMNS, to + i * TILED_WIDE, past_caches);
    }
}

/* What the next group row begins with here, to the level-two cache: a line of each value and row. */
INLINE void fetch_slices(const struct tiling_row *row, int64_t slice) {
    for (int i = 0; i < TILED_ROWS; i++) {
        int64_t at = row->columns + i * row->slices + slice;
        for (int q = 0; q < TILING_ROWS; q++) {
            __builtin_prefetch(row->codes + q * row->stride + at, 0, 2);
        }
        __builtin_prefetch(row->scales + at, 0, 2);
        __builtin_prefetch(row->zeros + at, 0, 2);
    }
}

/* Whole tiles, by twos; returns how many. */
INLINE int64_t tile_slices(const struct tiling_row *row, int past_caches) {
    int64_t slice = 0;
    for (; slice + TILING_SLICES <= row->slices; slice += TILING_SLICES) {
        uint8_t *tile = row->tiles + slice / TILING_SLICES * TILING_TILES * TILED_WIDE;
        if (slice % CACHE_LINE == 0) {
            fetch_slices(row, slice);
        }
        for (int q = 0; q < TILING_ROWS; q += VB_ROWS) {
            vb v[TILING_SLICES];
            load_slices(row->codes + q * row->stride + slice, row->slices, row->stride, v);
            for (int i = 0; i < TILING_TILES; i++) {
                tile_pieces(v + i * TILED_COLUMNS / TILING_PIECE, q, tile + i * TILED_WIDE, past_caches);
            }
        }
        tile_slice_metas(row->scales + slice, row->slices, tile + TILED_CODES, past_caches);
        tile_slice_metas(row->zeros + slice, row->slices, tile + TILED_CODES + TILED_COLUMNS, past_caches);
    }
    return slice / TILING_SLICES * TILING_TILES;
}

INLINE int64_t tile_in_order(const struct tiling_row *row, int past_caches) {
    return row->slices == 0 ? tile_whole(row, past_caches) : tile_slices(row, past_caches);
}

static void tile_row(const struct tiling_row *row) {
    int is_aligned = (uintptr_t)row->tiles % CACHE_LINE == 0;
    int64_t tile = is_aligned ? tile_in_order(row, 1) : tile_in_order(row, 0);
    for (; tile * TILED_COLUMNS < row->columns; tile++) {
        tile_narrow(row, tile * TILED_COLUMNS, row->tiles + tile * TILED_WIDE);
    }
}
