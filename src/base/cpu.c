/*
 * Processor features: on x86 by the compiler's run-time library, which also asks the system for
 * register support, on ARM by the vector the kernel hands to every program. AMX's tile registers
 * are the exception: Linux grants them to a process that asks.
 */
#include "base/cpu.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(OCT_PORTABLE)

oct_cpu oct_cpu_supported(void)
{
    return OCT_CPU_C;
}

#elif defined(__x86_64__)

#ifdef __linux__
#include <cpuid.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Bits of CPUID leaf 7: tile registers, and their products of 8-bit integers. */
static bool ask_for_tiles(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 }; /* ARCH_REQ_XCOMP_PERM */
    const unsigned needed = 1u << 24 | 1u << 25;
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & needed) == needed
        && syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

/* CPUID takes tens of microseconds in a virtual machine, and every node asks: the answer is kept. */
static bool has_tiles(void)
{
    enum { UNKNOWN, NO, YES };
    static atomic_int answer = UNKNOWN;
    if (atomic_load_explicit(&answer, memory_order_relaxed) == UNKNOWN)
        atomic_store_explicit(&answer, ask_for_tiles() ? YES : NO, memory_order_relaxed);
    return atomic_load_explicit(&answer, memory_order_relaxed) == YES;
}
#else
static bool has_tiles(void)
{
    return false;
}
#endif

oct_cpu oct_cpu_supported(void)
{
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return OCT_CPU_C;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw")
        || !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return OCT_CPU_AVX2;
    if (!__builtin_cpu_supports("avx512vnni"))
        return OCT_CPU_AVX512;
    return __builtin_cpu_supports("avx512vbmi") && has_tiles() ? OCT_CPU_AVX512AMX
                                                               : OCT_CPU_AVX512VNNI;
}

#elif defined(__aarch64__) && defined(__linux__)

#include <sys/auxv.h>

oct_cpu oct_cpu_supported(void)
{
    const unsigned long dot_product = 1ul << 20, matrix_product = 1ul << 13; /* asimddp, i8mm */
    if ((getauxval(AT_HWCAP) & dot_product) == 0)
        return OCT_CPU_NEON;
    return (getauxval(AT_HWCAP2) & matrix_product) == 0 ? OCT_CPU_DOTPROD : OCT_CPU_I8MM;
}

#else

oct_cpu oct_cpu_supported(void)
{
    return OCT_CPU_C;
}

#endif

const char *oct_cpu_name(oct_cpu level)
{
#define OCT_CPU_NAME(level, name) name,
    static const char *const names[] = { OCT_CPU_LIST(OCT_CPU_NAME) };
#undef OCT_CPU_NAME
    return names[level];
}

oct_cpu oct_cpu_level(void)
{
    oct_cpu supported = oct_cpu_supported();
    const char *asked = getenv("OCT_CPU");
    for (int level = 0; asked != NULL && level < (int)supported; level++)
        if (strcmp(asked, oct_cpu_name((oct_cpu)level)) == 0)
            return (oct_cpu)level;
    return supported;
}
