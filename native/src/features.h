/* features.h: what the processor can do. */
#ifndef GATUN_FEATURES_H
#define GATUN_FEATURES_H

/* Tells the processor that the thread waits in a loop. */
static inline void cpu_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Makes stores that went past the caches visible before later ones. */
static inline void cpu_store_fence(void) {
#if defined(__x86_64__)
    __builtin_ia32_sfence();
#endif
}

#endif
