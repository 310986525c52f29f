/*
 * One table of element-wise loops for each instruction set.
 */
#include "kernels/elementwise.h"

#define SET(isa)                                                                                   \
    static const oct_elementwise_set set_##isa = { oct_mul_s8_##isa,                               \
        oct_squared_difference_s8_##isa, oct_quantize_s8_##isa, oct_quantize_s16_##isa };
SET(c)
#if defined(__x86_64__) && !defined(OCT_PORTABLE)
SET(avx2)
SET(avx512)
#endif

const oct_elementwise_set *oct_elementwise_set_of(oct_cpu level)
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
