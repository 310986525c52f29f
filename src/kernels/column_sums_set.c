/*
 * One table of column sums for each instruction set.
 */
#include "kernels/column_sums.h"

#define SET(isa)                                                                                   \
    static const oct_column_sums_set set_##isa = { oct_column_sums_f32_##isa,                      \
        oct_column_sums_s8_##isa };
SET(c)
#if defined(__x86_64__) && !defined(OCT_PORTABLE)
SET(avx2)
SET(avx512)
#endif

const oct_column_sums_set *oct_column_sums_set_of(oct_cpu level)
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
