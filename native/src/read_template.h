/*
 * read_template.h   XOR of 8-byte words; the yardstick of the memory-bound kernels. Bound: reading memory.
 *
 * Four streams at a time: one alone leaves requests to memory unused.
 */

#define READ_STREAMS 4
#define READ_AHEAD 1024 /* bytes */

typedef uint64_t read_vector __attribute__((vector_size(LANES * 4)));

INLINE read_vector read_at(const char *p) {
    read_vector v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t read_words(const void *data, int64_t words) {
    const char *p = data;
    const int64_t size = sizeof(read_vector);
    int64_t stream = words * 8 / READ_STREAMS / 64 * 64;
    read_vector sums[READ_STREAMS] = {0};
    for (int64_t k = 0; k < stream; k += 64) {
        for (int s = 0; s < READ_STREAMS; s++) {
            const char *line = p + s * stream + k;
            __builtin_prefetch(line + READ_AHEAD);
            for (int64_t i = 0; i < 64; i += size) {
                sums[s] ^= read_at(line + i);
            }
        }
    }
    read_vector all = (sums[0] ^ sums[1]) ^ (sums[2] ^ sums[3]);
    uint64_t sum = 0;
    for (int64_t i = 0; i < size / 8; i++) {
        sum ^= all[i];
    }
    for (int64_t k = READ_STREAMS * stream; k < words * 8; k += 8) {
        uint64_t word;
        memcpy(&word, p + k, sizeof word);
        sum ^= word;
    }
    return sum;
}
