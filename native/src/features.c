/* features.c: instruction sets by cpuid, and by xgetbv whether the system saves their registers. */
#include "features.h"

#include <cpuid.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "gatun_cpu.h"

#define XCR0_YMM 0x6u
#define XCR0_ZMM 0xe6u
#define XCR0_TILE 0x60000u

enum leaf { LEAF_1_ECX, LEAF_7_EBX, LEAF_7_ECX, LEAF_7_EDX, LEAF_7_1_EAX, LEAVES };

struct feature {
    const char *name;
    enum leaf leaf;
    unsigned bit;
    unsigned registers; /* bits of XCR0 that must be set */
};

static const struct feature FEATURES[] = {
    {"avx2", LEAF_7_EBX, 5, XCR0_YMM},
    {"fma", LEAF_1_ECX, 12, XCR0_YMM},
    {"f16c", LEAF_1_ECX, 29, XCR0_YMM},
    {"avx-vnni", LEAF_7_1_EAX, 4, XCR0_YMM},
    {"avx512f", LEAF_7_EBX, 16, XCR0_ZMM},
    {"avx512bw", LEAF_7_EBX, 30, XCR0_ZMM},
    {"avx512dq", LEAF_7_EBX, 17, XCR0_ZMM},
    {"avx512vl", LEAF_7_EBX, 31, XCR0_ZMM},
    {"avx512-vnni", LEAF_7_ECX, 11, XCR0_ZMM},
    {"avx512-bf16", LEAF_7_1_EAX, 5, XCR0_ZMM},
    {"avx512-fp16", LEAF_7_EDX, 23, XCR0_ZMM},
    {"amx-bf16", LEAF_7_EDX, 22, XCR0_TILE},
    {"amx-int8", LEAF_7_EDX, 25, XCR0_TILE},
};

#define FEATURE_COUNT (sizeof FEATURES / sizeof FEATURES[0])

struct processor {
    unsigned leaves[LEAVES];
    unsigned registers;
};

static unsigned saved_registers(unsigned leaf_1_ecx) {
    if (!(leaf_1_ecx & bit_OSXSAVE)) {
        return 0;
    }
    unsigned low;
    unsigned high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static struct processor look(void) {
    struct processor p = {{0}, 0};
    unsigned a;
    unsigned b;
    unsigned c;
    unsigned d;
    if (__get_cpuid(1, &a, &b, &c, &d)) {
        p.leaves[LEAF_1_ECX] = c;
        p.registers = saved_registers(c);
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        p.leaves[LEAF_7_EBX] = b;
        p.leaves[LEAF_7_ECX] = c;
        p.leaves[LEAF_7_EDX] = d;
        if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) {
            p.leaves[LEAF_7_1_EAX] = a;
        }
    }
    return p;
}

static int has(const struct processor *p, const struct feature *f) {
    return (p->leaves[f->leaf] >> f->bit & 1) && (p->registers & f->registers) == f->registers;
}

static int has_named(const struct processor *p, const char *name) {
    for (size_t i = 0; i < FEATURE_COUNT; i++) {
        if (strcmp(FEATURES[i].name, name) == 0) {
            return has(p, &FEATURES[i]);
        }
    }
    return 0;
}

int32_t gatun_cpu_best_level(void) {
    struct processor p = look();
    if (!has_named(&p, "avx2") || !has_named(&p, "fma") || !has_named(&p, "f16c")) {
        return GATUN_PORTABLE;
    }
    int wide = has_named(&p, "avx512f") && has_named(&p, "avx512bw") && has_named(&p, "avx512dq")
               && has_named(&p, "avx512vl");
    if (!wide) {
        return GATUN_AVX2;
    }
    return has_named(&p, "avx512-vnni") ? GATUN_AVX512VNNI : GATUN_AVX512;
}

/* Written once, then constant for the life of the process. */
static pthread_once_t line_once = PTHREAD_ONCE_INIT;
static char line[256];

static void write_line(void) {
    struct processor p = look();
    for (size_t i = 0; i < FEATURE_COUNT; i++) {
        if (has(&p, &FEATURES[i])) {
            if (line[0] != '\0') {
                strcat(line, " ");
            }
            strcat(line, FEATURES[i].name);
        }
    }
}

const char *gatun_cpu_features(void) {
    pthread_once(&line_once, write_line);
    return line;
}

int32_t gatun_is_terminal(int32_t descriptor) {
    return isatty(descriptor) ? 1 : 0;
}
