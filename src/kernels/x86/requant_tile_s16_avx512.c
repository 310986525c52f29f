/*
 * int16 requantization of tiles of sums, AVX-512: 32 columns by a saturating pack and a
 * permutation, which is harmless because the clamp lies inside int16.
 */
#include "kernels/x86/requant_s16_avx512.h"

OCT_REQUANT_TILE_S16(oct_requant_tile_s16_avx512)
{
    const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    const __m512i lo = _mm512_set1_epi16((int16_t)rq->plain.lo);
    const __m512i hi = _mm512_set1_epi16((int16_t)rq->plain.hi);
    const oct_requant_s16_block *block = rq->blocks + column / 16;
    int32_t n = 0;
    for (; n + 32 <= columns; n += 32, block += 2) {
        oct_requant_s16x16 first = oct_requant_s16x16_load(block);
        oct_requant_s16x16 second = oct_requant_s16x16_load(block + 1);
        for (int32_t m = 0; m < rows; m++) {
            const int32_t *s = sum + (size_t)m * sum_stride + n;
            __m512i v = _mm512_packs_epi32(
                oct_requant_s16x16_apply(_mm512_load_si512(s), &first),
                oct_requant_s16x16_apply(_mm512_load_si512(s + 16), &second));
            v = _mm512_permutexvar_epi64(order, v);
            v = _mm512_min_epi16(hi, _mm512_max_epi16(lo, v));
            _mm512_storeu_si512(y + (size_t)m * y_stride + n, v);
        }
    }
    for (; n < columns; n += 16, block++) {
        oct_requant_s16x16 c = oct_requant_s16x16_load(block);
        int32_t rest = columns - n < 16 ? columns - n : 16;
        __mmask16 mask = (__mmask16)((1u << rest) - 1);
        for (int32_t m = 0; m < rows; m++) {
            __m256i v = _mm512_cvtsepi32_epi16(oct_requant_s16x16_apply(
                _mm512_load_si512(sum + (size_t)m * sum_stride + n), &c));
            v = _mm256_min_epi16(_mm512_castsi512_si256(hi),
                _mm256_max_epi16(_mm512_castsi512_si256(lo), v));
            _mm256_mask_storeu_epi16(y + (size_t)m * y_stride + n, mask, v);
        }
    }
}
