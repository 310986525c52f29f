/*
 * One table of exponential functions for each instruction set.
 */
#include "kernels/functions.h"

#define SET(isa)                                                                                   \
    static const oct_functions_set set_##isa = { oct_exp_f32_##isa, oct_gelu_f32_##isa,            \
        oct_gelu_tanh_f32_##isa, oct_softmax_row_f32_##isa };
SET(c)
#if defined(__x86_64__) && !defined(OCT_PORTABLE)
SET(avx2)
SET(avx512)
#endif

const oct_functions_set *oct_functions_set_of(oct_cpu level)
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
