/*
 * Processor features by the compiler's run-time library, which also asks the system for register
 * support.
 */
#include "base/cpu.h"

#include <stdlib.h>
#include <string.h>

oct_cpu oct_cpu_supported(void)
{
#if defined(__x86_64__) && !defined(OCT_PORTABLE)
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return OCT_CPU_C;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw")
        || !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return OCT_CPU_AVX2;
    return __builtin_cpu_supports("avx512vnni") ? OCT_CPU_AVX512VNNI : OCT_CPU_AVX512;
#else
    return OCT_CPU_C;
#endif
}

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
