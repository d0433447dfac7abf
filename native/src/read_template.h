/* read_template.h   XOR of 8-byte words; the yardstick of the memory-bound kernels. Bound: reading memory. */

#define READ_AHEAD 2048 /* bytes */

static uint64_t read_words(const void *data, int64_t words) {
    const char *p = data;
    const int64_t step = 4 * (int64_t)sizeof(vi);
    int64_t bytes = words * 8;
    vi a = {0};
    vi b = {0};
    vi c = {0};
    vi d = {0};
    int64_t k = 0;
    for (; k + step <= bytes; k += step) {
        vi v[4];
        for (int64_t line = 0; line < step; line += 64) {
            __builtin_prefetch(p + k + line + READ_AHEAD);
        }
        memcpy(v, p + k, sizeof v);
        a ^= v[0];
        b ^= v[1];
        c ^= v[2];
        d ^= v[3];
    }
    uint64_t parts[sizeof(vi) / 8];
    uint64_t sum = 0;
    a = (a ^ b) ^ (c ^ d);
    memcpy(parts, &a, sizeof a);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        sum ^= parts[i];
    }
    for (; k < bytes; k += 8) {
        uint64_t word;
        memcpy(&word, p + k, sizeof word);
        sum ^= word;
    }
    return sum;
}
