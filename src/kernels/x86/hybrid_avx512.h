/*
 * Ranges of floats (quantize_rows.h) in vectors of 16.
 */
#ifndef OCT_KERNELS_X86_HYBRID_AVX512_H
#define OCT_KERNELS_X86_HYBRID_AVX512_H

#include <immintrin.h>

#include "kernels/quantize_rows.h"
#include "kernels/tile.h"

typedef struct oct_range16 {
    __m512i high, low;
} oct_range16;

OCT_INLINE oct_range16 oct_range16_none(void)
{
    return (oct_range16){ _mm512_setzero_si512(), _mm512_set1_epi32(INT32_MIN) };
}

/** Lanes that hold 0 change nothing. */
OCT_INLINE void oct_range16_fold(oct_range16 *range, __m512 x)
{
    range->high = _mm512_max_epi32(range->high, _mm512_castps_si512(x));
    range->low = _mm512_max_epu32(range->low, _mm512_castps_si512(x));
}

OCT_INLINE void oct_range16_join(const oct_range16 *range, oct_float_range *into)
{
    oct_float_range_join(into, (oct_float_range){ _mm512_reduce_max_epi32(range->high),
        _mm512_reduce_max_epu32(range->low) });
}

/** v clamped as plain C does it: NaN stays NaN. */
OCT_INLINE __m512 oct_clamp16(__m512 v, __m512 lo, __m512 hi)
{
    return _mm512_min_ps(hi, _mm512_max_ps(lo, v));
}

#endif
