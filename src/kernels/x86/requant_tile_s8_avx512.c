/*
 * Requantization of tiles of sums, AVX-512: 64 columns by four vectors and a tree of saturating
 * packs.
 *
 * The packs leave the 4-byte pieces of column 16 j + 4 q + i in place 16 q + 4 j + i; one
 * permutation puts them right. Saturation is harmless because the clamp lies inside int8.
 */
#include "kernels/x86/requant_avx512.h"

OCT_INLINE void convert(const int32_t *sum, size_t sum_stride, int32_t rows, int32_t columns,
    const oct_requant_tile *rq, int32_t column, int8_t *y, size_t y_stride, const bool any_sign)
{
    const oct_requant_block *block = rq->blocks + column / 16;
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i lo = _mm512_set1_epi8((char)rq->plain.lo);
    const __m512i hi = _mm512_set1_epi8((char)rq->plain.hi);
    int32_t n = 0;
    for (; n + 64 <= columns; n += 64, block += 4) {
        oct_requant16 c[4];
        OCT_UNROLL for (int j = 0; j < 4; j++)
            c[j] = oct_requant16_load(block + j);
        for (int32_t m = 0; m < rows; m++) {
            const int32_t *s = sum + (size_t)m * sum_stride + n;
            __m512i v[4];
            OCT_UNROLL for (int j = 0; j < 4; j++)
                v[j] = oct_requant16_apply(_mm512_load_si512(s + 16 * j), &c[j], any_sign);
            __m512i bytes = _mm512_packs_epi16(
                _mm512_packs_epi32(v[0], v[1]), _mm512_packs_epi32(v[2], v[3]));
            bytes = _mm512_permutexvar_epi32(order, bytes);
            bytes = _mm512_min_epi8(hi, _mm512_max_epi8(lo, bytes));
            _mm512_storeu_si512(y + (size_t)m * y_stride + n, bytes);
        }
    }
    for (; n < columns; n += 16, block++) {
        oct_requant16 c = oct_requant16_load(block);
        int32_t rest = columns - n < 16 ? columns - n : 16;
        __mmask16 mask = (__mmask16)((1u << rest) - 1);
        for (int32_t m = 0; m < rows; m++) {
            __m512i v = oct_requant16_apply(
                _mm512_load_si512(sum + (size_t)m * sum_stride + n), &c, any_sign);
            __m128i bytes = _mm512_cvtsepi32_epi8(v);
            bytes = _mm_min_epi8(_mm512_castsi512_si128(hi),
                _mm_max_epi8(_mm512_castsi512_si128(lo), bytes));
            _mm_mask_storeu_epi8(y + (size_t)m * y_stride + n, mask, bytes);
        }
    }
}

OCT_REQUANT_TILE(oct_requant_tile_s8_avx512)
{
    if (rq->any_sign)
        convert(sum, sum_stride, rows, columns, rq, column, y, y_stride, true);
    else
        convert(sum, sum_stride, rows, columns, rq, column, y, y_stride, false);
}
