/*
 * Which instruction sets kernels may use: what the processor has, limited by the environment.
 */
#ifndef OCT_BASE_CPU_H
#define OCT_BASE_CPU_H

/* X(level, name in OCT_CPU); each level includes the ones before it. */
#if defined(__aarch64__)
#define OCT_CPU_LIST(X)                                                                            \
    X(C, "c")                                                                                      \
    X(NEON, "neon")                                                                                \
    X(DOTPROD, "dotprod")                                                                          \
    X(I8MM, "i8mm")
#else
#define OCT_CPU_LIST(X)                                                                            \
    X(C, "c")                                                                                      \
    X(AVX2, "avx2")                                                                                \
    X(AVX512, "avx512")                                                                            \
    X(AVX512VNNI, "avx512vnni")                                                                    \
    X(AVX512AMX, "avx512amx")
#endif

typedef enum oct_cpu {
#define OCT_CPU_ENUM(level, name) OCT_CPU_##level,
    OCT_CPU_LIST(OCT_CPU_ENUM)
#undef OCT_CPU_ENUM
    OCT_CPU_COUNT
} oct_cpu;

/** The highest level that this build has code for and this processor and system can run. */
oct_cpu oct_cpu_supported(void);

/** The supported level, or a lower one named by the environment variable OCT_CPU. */
oct_cpu oct_cpu_level(void);

/** "avx2"; static storage. */
const char *oct_cpu_name(oct_cpu level);

#endif
