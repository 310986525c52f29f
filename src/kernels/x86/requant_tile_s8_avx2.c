/*
 * Requantization of tiles of sums, AVX2: the same arithmetic on 16 columns as two vectors of 8.
 */
#include <immintrin.h>
#include <string.h>

#include "kernels/requant_tile.h"
#include "kernels/x86/tile.h"

/* Half an oct_requant_block in registers. */
typedef struct requant8 {
    __m256i m, m_odd, even, odd, shift;
} requant8;

OCT_INLINE requant8 load8(const oct_requant_block *block, int half)
{
    __m256i m = _mm256_load_si256((const __m256i *)(const void *)(block->m + 8 * half));
    return (requant8){ m, _mm256_srli_epi64(m, 32),
        _mm256_load_si256((const __m256i *)(const void *)(block->even + 4 * half)),
        _mm256_load_si256((const __m256i *)(const void *)(block->odd + 4 * half)),
        _mm256_load_si256((const __m256i *)(const void *)(block->shift + 8 * half)) };
}

OCT_INLINE __m256i apply8(const int32_t *from, const requant8 *c, const bool any_sign)
{
    __m256i sum = _mm256_load_si256((const __m256i *)(const void *)from);
    __m256i x = any_sign ? _mm256_add_epi32(sum, sum) : sum;
    __m256i even = _mm256_add_epi64(_mm256_mul_epi32(x, c->m), c->even);
    __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(x, 32), c->m_odd), c->odd);
    __m256i high = _mm256_blend_epi32(odd, _mm256_srli_epi64(even, 32), 0x55);
    if (any_sign)
        high = _mm256_add_epi32(high, _mm256_srai_epi32(sum, 31));
    return _mm256_srav_epi32(high, c->shift);
}

OCT_INLINE void convert(const int32_t *sum, size_t sum_stride, int32_t rows, int32_t columns,
    const oct_requant_tile *rq, int32_t column, int8_t *y, size_t y_stride, const bool any_sign)
{
    const __m128i lo = _mm_set1_epi8((char)rq->plain.lo), hi = _mm_set1_epi8((char)rq->plain.hi);
    for (int32_t n = 0; n < columns; n += 16) {
        const oct_requant_block *block = rq->blocks + (column + n) / 16;
        requant8 first = load8(block, 0), second = load8(block, 1);
        int32_t rest = columns - n;
        for (int32_t m = 0; m < rows; m++) {
            const int32_t *s = sum + (size_t)m * sum_stride + n;
            __m256i low = apply8(s, &first, any_sign);
            __m256i high = rest > 8 ? apply8(s + 8, &second, any_sign) : low;
            __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xd8);
            __m128i bytes = _mm_packs_epi16(
                _mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
            bytes = _mm_min_epi8(hi, _mm_max_epi8(lo, bytes));
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
