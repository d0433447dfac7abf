/*
 * tiled.h: 2-bit matrices in tiles of one group row by 128 columns, the layout that is copied to a GPU;
 * kernels/layout.cuh describes it.
 */
#ifndef GATUN_TILED_H
#define GATUN_TILED_H

#include <stdint.h>

#include "gatun_cpu.h"

#define TILED_COLUMNS 128
#define TILED_ROWS 16
#define TILED_CODES 512
#define TILED_TOKENS 4

/* The most tiles of a block: those of a row, one after the other in its list, whose scaled inputs are held at a time. */
#define TILED_BLOCK 8
#define TILED_BLOCK_COLUMNS (TILED_BLOCK * TILED_COLUMNS)

/* How many tiles ahead of their use they are fetched. */
#define TILED_AHEAD 16

/*
 * The most group rows that go together, some blocks of each in turn: so pairs of wide ones come to the first cache once, and
 * what is done before rows is done once for all of them.
 */
#define TILED_ABREAST 4

#define TILED_WIDE 768
#define TILED_NARROW 640

/* What lies before the tiles of a wide matrix, and what the bytes of a matrix are a multiple of. */
#define TILED_HEADER 256
#define TILED_ALIGNMENT 256

/* Numbers of an entry of the second level of narrow tiles. */
#define TILED_ENTRY 4

/*
 * GATUN_Q2N with its columns in the order GATUN_SIXTEENS, as a format of rows: two tiles hold the values of TILED_TOGETHER
 * slices, the first one half of them, each in as many adjacent columns. Of eight such pairs of tiles each value has an entry.
 * A block is four of them.
 */
#define TILED_SIXTEENS 2
#define TILED_TOGETHER 16
#define TILED_VALUES (TILED_COLUMNS / TILED_TOGETHER) /* of a tile */

static inline int64_t tiles_of(int64_t columns) {
    return (columns + TILED_COLUMNS - 1) / TILED_COLUMNS;
}

static inline int64_t padded_to(int64_t bytes, int64_t multiple) {
    return (bytes + multiple - 1) / multiple * multiple;
}

static inline int64_t greatest_common_divisor(int64_t a, int64_t b) {
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/*
 * How many blocks of a row have their turn at a time: of wide tiles as many as the first cache holds with their pairs,
 * otherwise more, as memory likes long runs.
 */
static inline int64_t tiled_run(int32_t format) {
    return format == GATUN_Q2 ? 2 : 4;
}

static inline int64_t tiled_bytes(int32_t format) {
    return format == GATUN_Q2 ? TILED_WIDE : TILED_NARROW;
}

/* Entries of the second level of a group row of so many narrow tiles. */
static inline int64_t tiled_entries(int32_t format, int64_t tiles) {
    return format == TILED_SIXTEENS ? padded_to(tiles, 2 * TILED_BLOCK) : tiles;
}

/* Some columns of a matrix, by their tiles: tile n has the columns from TILED_COLUMNS * n on. */
struct tiled_list {
    int32_t *numbers;
    int64_t *offsets; /* of the tiles in a row, in bytes */
    int64_t count;
    int64_t skip; /* how many tiles fewer the first block has: where tiles adjoin, blocks begin at multiples of TILED_BLOCK;
                     0 in GATUN_Q2N */
};

static inline int64_t tiled_blocks(const struct tiled_list *list) {
    return (list->skip + list->count + TILED_BLOCK - 1) / TILED_BLOCK;
}

/* Where in the list a block begins; the one behind the last, at its end. */
static inline int64_t block_begin(const struct tiled_list *list, int64_t block) {
    int64_t at = block * TILED_BLOCK - list->skip;
    return at < 0 ? 0 : at < list->count ? at : list->count;
}

/* Tiles of a block. */
static inline int64_t tiles_in(const struct tiled_list *list, int64_t block) {
    return block_begin(list, block + 1) - block_begin(list, block);
}

/* Group rows that go together, wide ones with the same pairs, by some of their tiles, in the order of their columns. */
struct tiled_rows {
    int32_t format;
    int32_t tokens;
    int32_t rows;
    struct tiled_list list;
    const uint8_t *const *tiles; /* [run][row][tile of the run], then the TILED_AHEAD that will be read next */
    const uint16_t *second;      /* narrow: the second level, [row][tiled_entries][TILED_ENTRY] */
    int64_t second_stride;       /* narrow: numbers of a row of it */
    const uint16_t *following;   /* narrow: where that of the rows that are computed next begins, by their list, or NULL */
    const void *pairs;           /* GATUN_Q2: blocks of pairs as the level prepared them, the first one whole */
    float zero_scale;            /* GATUN_Q2: zero = zero code * zero_scale + zero_offset */
    float zero_offset;
    const void *inputs;   /* [tokens]: blocks of inputs as the level prepared them */
    const void *farthest; /* [tokens]: of each block, as the level found them; NULL unless it is of w2 in GATUN_Q2 */
    float *scratch;     /* TILED_SCRATCH floats at a multiple of 64 bytes */
    float *sums;        /* [rows][tokens][TILED_ROWS] */
};

/* One group row of a matrix of 2 bits in groups of 16, to be tiled. */
struct tiling_row {
    const uint8_t *codes; /* [4 rows, `stride` bytes apart][columns] */
    int64_t stride;
    const uint8_t *scales; /* [columns] */
    const uint8_t *zeros;  /* [columns] */
    int64_t columns;
    int64_t slices; /* in whose order the columns go to the tiles: a sixteenth of them; or 0 if they keep their own */
    uint8_t *tiles; /* whole ones, padding included */
};

/* Which column comes to a place in the order of slices. */
static inline int64_t tiled_source(int64_t slices, int64_t place) {
    return place % TILED_ROWS * slices + place / TILED_ROWS;
}

/* Floats of scratch: scaled inputs; room for reordering some; totals of rows that go together, at sixteen lanes a vector. */
#define TILED_SCALED ((int64_t)TILED_TOKENS * TILED_BLOCK_COLUMNS)
#define TILED_ORDERED 256
#define TILED_TOTALS ((int64_t)TILED_ABREAST * TILED_TOKENS * TILED_ROWS / 2 * 16)
#define TILED_SCRATCH (TILED_SCALED + TILED_ORDERED + TILED_TOTALS)

#endif
