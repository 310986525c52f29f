/*
 * Extremes, AVX2: four vectors at a time, the rest in plain C; min and max give their second operand where
 * one is not-a-number.
 */
#include <immintrin.h>

#include "kernels/extremes.h"

enum { VECTORS = 4, LANES = 8 };

OCT_EXTREMES(oct_extremes_avx2)
{
    const __m256 zero = _mm256_setzero_ps();
    __m256 lows[VECTORS], highs[VECTORS], poisons[VECTORS];
    for (int j = 0; j < VECTORS; j++) {
        lows[j] = _mm256_set1_ps(*low);
        highs[j] = _mm256_set1_ps(*high);
        poisons[j] = zero;
    }
    size_t i = 0;
    for (; i + VECTORS * LANES <= n; i += VECTORS * LANES)
        for (int j = 0; j < VECTORS; j++) {
            __m256 v = _mm256_loadu_ps(x + i + j * LANES);
            lows[j] = _mm256_min_ps(v, lows[j]);
            highs[j] = _mm256_max_ps(v, highs[j]);
            poisons[j] = _mm256_fmadd_ps(v, zero, poisons[j]);
        }
    for (int j = 1; j < VECTORS; j++) {
        lows[0] = _mm256_min_ps(lows[0], lows[j]);
        highs[0] = _mm256_max_ps(highs[0], highs[j]);
        poisons[0] = _mm256_add_ps(poisons[0], poisons[j]);
    }
    float least[LANES], largest[LANES];
    _mm256_storeu_ps(least, lows[0]);
    _mm256_storeu_ps(largest, highs[0]);
    bool finite = _mm256_movemask_ps(_mm256_cmp_ps(poisons[0], zero, _CMP_EQ_OQ)) == 0xff;
    for (int j = 0; j < LANES; j++) {
        *low = least[j] < *low ? least[j] : *low;
        *high = largest[j] > *high ? largest[j] : *high;
    }
    return oct_extremes_c(x + i, n - i, low, high) && finite;
}
