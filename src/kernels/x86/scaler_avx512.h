/*
 * MBQM by one multiplier of 16 values, AVX-512.
 */
#ifndef OCT_KERNELS_X86_SCALER_AVX512_H
#define OCT_KERNELS_X86_SCALER_AVX512_H

#include <immintrin.h>

#include "kernels/tile.h"
#include "numeric/fixedpoint.h"

/*
 * A multiplier that does not shift left, ready for 16 products: MBQM of |x| <= 2^30 is the upper
 * dword of 2 x m + add, with the sign of x where a rounding shift follows, shifted
 * (docs/numerics.md).
 */
typedef struct oct_scaler16 {
    __m512i m, add, sign;
    __m128i shift;
} oct_scaler16;

OCT_INLINE oct_scaler16 oct_scaler16_of(oct_multiplier by)
{
    int64_t half = by.e < 0 ? INT64_C(1) << (31 - by.e) : 0; /* of the result's unit */
    return (oct_scaler16){ _mm512_set1_epi32(by.m), _mm512_set1_epi64((INT64_C(1) << 31) + half),
        _mm512_set1_epi32(by.e < 0 ? -1 : 0), _mm_cvtsi32_si128(-by.e) };
}

OCT_INLINE __m512i oct_scale16(__m512i x, const oct_scaler16 *by)
{
    __m512i twice = _mm512_add_epi32(x, x);
    __m512i even = _mm512_add_epi64(_mm512_mul_epi32(twice, by->m), by->add);
    __m512i odd = _mm512_add_epi64(
        _mm512_mul_epi32(_mm512_srli_epi64(twice, 32), by->m), by->add);
    __m512i high = _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
    __m512i less = _mm512_and_si512(_mm512_srai_epi32(x, 31), by->sign);
    return _mm512_sra_epi32(_mm512_add_epi32(high, less), by->shift);
}

#endif
