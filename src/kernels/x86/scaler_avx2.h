/*
 * MBQM by one multiplier of 8 values, AVX2.
 */
#ifndef OCT_KERNELS_X86_SCALER_AVX2_H
#define OCT_KERNELS_X86_SCALER_AVX2_H

#include <immintrin.h>

#include "kernels/tile.h"
#include "numeric/fixedpoint.h"

/* A multiplier that does not shift left, ready for 8 products. */
typedef struct oct_scaler8 {
    __m256i m, half, sign;
    __m128i shift;
} oct_scaler8;

OCT_INLINE oct_scaler8 oct_scaler8_of(oct_multiplier by)
{
    int32_t right = -by.e;
    return (oct_scaler8){ _mm256_set1_epi32(by.m), _mm256_set1_epi32(right > 0 ? 1 << (right - 1) : 0),
        _mm256_set1_epi32(right > 0 ? -1 : 0), _mm_cvtsi32_si128(right) };
}

/* MBQM of |x| <= 2^30: the upper dword of the doubled product, then the rounding shift. */
OCT_INLINE __m256i oct_scale8(__m256i x, const oct_scaler8 *by)
{
    const __m256i round = _mm256_set1_epi64x(INT64_C(1) << 31);
    x = _mm256_add_epi32(x, x);
    __m256i even = _mm256_add_epi64(_mm256_mul_epi32(x, by->m), round);
    __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(x, 32), by->m), round);
    __m256i t = _mm256_blend_epi32(odd, _mm256_srli_epi64(even, 32), 0x55);
    __m256i less = _mm256_and_si256(_mm256_srai_epi32(t, 31), by->sign);
    return _mm256_sra_epi32(_mm256_add_epi32(_mm256_add_epi32(t, by->half), less), by->shift);
}

/* Eight dwords as saturated words, in order. */
OCT_INLINE __m128i oct_words8_of(__m256i v)
{
    return _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

#endif
