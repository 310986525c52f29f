/*
 * Float arithmetic of two rows in plain C, and one table of it for each instruction set.
 */
#define ISA c
#include "kernels/binary_f32_tmpl.h"

#define SET(isa)                                                                                   \
    static const oct_binary_f32_set set_##isa = { oct_add_f32_##isa, oct_sub_f32_##isa,            \
        oct_mul_f32_##isa, oct_squared_difference_f32_##isa };
SET(c)
#if defined(__x86_64__) && !defined(OCT_PORTABLE)
SET(avx2)
SET(avx512)
#endif

const oct_binary_f32_set *oct_binary_f32_set_of(oct_cpu level)
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
