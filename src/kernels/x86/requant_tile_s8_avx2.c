/*
 * Requantization of tiles of sums, AVX2: the same arithmetic on 16 columns as two vectors of 8.
 */
#include <string.h>

#include "kernels/x86/requant_avx2.h"

OCT_INLINE void convert(const int32_t *sum, size_t sum_stride, int32_t rows, int32_t columns,
    const oct_requant_tile *rq, int32_t column, int8_t *y, size_t y_stride, const bool any_sign)
{
    const __m128i lo = _mm_set1_epi8((char)rq->plain.lo), hi = _mm_set1_epi8((char)rq->plain.hi);
    for (int32_t n = 0; n < columns; n += 16) {
        const oct_requant_block *block = rq->blocks + (column + n) / 16;
        oct_requant8 first = oct_requant8_load(block, 0), second = oct_requant8_load(block, 1);
        int32_t rest = columns - n;
        for (int32_t m = 0; m < rows; m++) {
            const __m256i *s = (const __m256i *)(const void *)(sum + (size_t)m * sum_stride + n);
            __m256i low = oct_requant8_apply(_mm256_load_si256(s), &first, any_sign);
            __m256i high = low;
            if (rest > 8)
                high = oct_requant8_apply(_mm256_load_si256(s + 1), &second, any_sign);
            __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
            __m128i bytes = oct_clamp_words(words, lo, hi);
            int8_t *to = y + (size_t)m * y_stride + n;
            if (rest >= 16) {
                _mm_storeu_si128((__m128i *)(void *)to, bytes);
            } else {
                int8_t part[16];
                _mm_storeu_si128((__m128i *)(void *)part, bytes);
                memcpy(to, part, (size_t)rest);
            }
        }
    }
}

OCT_REQUANT_TILE(oct_requant_tile_s8_avx2)
{
    if (rq->any_sign)
        convert(sum, sum_stride, rows, columns, rq, column, y, y_stride, true);
    else
        convert(sum, sum_stride, rows, columns, rq, column, y, y_stride, false);
}
