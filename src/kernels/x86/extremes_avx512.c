/*
 * Extremes, AVX-512: four vectors at a time; min and max give their second operand where one is not-a-number.
 */
#include <immintrin.h>

#include "kernels/extremes.h"

enum { VECTORS = 4, LANES = 16 };

OCT_EXTREMES(oct_extremes_avx512)
{
    const __m512 zero = _mm512_setzero_ps();
    __m512 lows[VECTORS], highs[VECTORS], poisons[VECTORS];
    for (int j = 0; j < VECTORS; j++) {
        lows[j] = _mm512_set1_ps(*low);
        highs[j] = _mm512_set1_ps(*high);
        poisons[j] = zero;
    }
    size_t i = 0;
    for (; i + VECTORS * LANES <= n; i += VECTORS * LANES)
        for (int j = 0; j < VECTORS; j++) {
            __m512 v = _mm512_loadu_ps(x + i + j * LANES);
            lows[j] = _mm512_min_ps(v, lows[j]);
            highs[j] = _mm512_max_ps(v, highs[j]);
            poisons[j] = _mm512_fmadd_ps(v, zero, poisons[j]);
        }
    for (; i < n; i += LANES) {
        __mmask16 mask = (__mmask16)(n - i < LANES ? (1u << (n - i)) - 1 : 0xffff);
        __m512 v = _mm512_mask_loadu_ps(lows[0], mask, x + i);
        __m512 w = _mm512_mask_loadu_ps(highs[0], mask, x + i);
        lows[0] = _mm512_min_ps(v, lows[0]);
        highs[0] = _mm512_max_ps(w, highs[0]);
        poisons[0] = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, x + i), zero, poisons[0]);
    }
    for (int j = 1; j < VECTORS; j++) {
        lows[0] = _mm512_min_ps(lows[0], lows[j]);
        highs[0] = _mm512_max_ps(highs[0], highs[j]);
        poisons[0] = _mm512_add_ps(poisons[0], poisons[j]);
    }
    *low = _mm512_reduce_min_ps(lows[0]);
    *high = _mm512_reduce_max_ps(highs[0]);
    return _mm512_cmp_ps_mask(poisons[0], zero, _CMP_EQ_OQ) == 0xffff;
}
