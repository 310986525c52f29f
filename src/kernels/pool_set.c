/*
 * One table of pools for each instruction set.
 */
#include "kernels/pool.h"

#define PAIR(isa, name)                                                                            \
    .average_##name = oct_average_pool_##name##_##isa, .max_##name = oct_max_pool_##name##_##isa
#define SET(isa)                                                                                   \
    static const oct_pool_set set_##isa = { PAIR(isa, f32), PAIR(isa, s8), PAIR(isa, u8),          \
        PAIR(isa, s16) };
SET(c)
#if defined(__x86_64__) && !defined(OCT_PORTABLE)
SET(avx2)
SET(avx512)
#endif

const oct_pool_set *oct_pool_set_of(oct_cpu level)
{
    switch (level) {
#if defined(__x86_64__) && !defined(OCT_PORTABLE)
    case OCT_CPU_AVX2: return &set_avx2;
    case OCT_CPU_AVX512:
    case OCT_CPU_AVX512VNNI:
    case OCT_CPU_AVX512AMX: return &set_avx512;
#endif
    default: return &set_c;
    }
}
