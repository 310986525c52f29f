/*
 * Requantization in double in plain C, and the choice among the variants.
 */
#define ISA c
#include "kernels/requant_real_tmpl.h"

oct_requant_tile_fn oct_requant_real_s8_of(oct_cpu level)
{
    switch (level) {
#if defined(__x86_64__) && !defined(OCT_PORTABLE)
    case OCT_CPU_AVX2: return oct_requant_real_s8_avx2;
    case OCT_CPU_AVX512:
    case OCT_CPU_AVX512VNNI:
    case OCT_CPU_AVX512AMX: return oct_requant_real_s8_avx512;
#endif
    default: return oct_requant_real_s8_c;
    }
}
