/*
 * The two vector forms of requantization for 8 sums, AVX2.
 */
#ifndef OCT_KERNELS_X86_REQUANT_AVX2_H
#define OCT_KERNELS_X86_REQUANT_AVX2_H

#include <immintrin.h>

#include "kernels/requant_tile.h"
#include "kernels/tile.h"

/* Half an oct_requant_block in registers. */
typedef struct oct_requant8 {
    __m256i m, m_odd, even, odd, shift;
} oct_requant8;

OCT_INLINE oct_requant8 oct_requant8_load(const oct_requant_block *block, int half)
{
    __m256i m = _mm256_load_si256((const __m256i *)(const void *)(block->m + 8 * half));
    return (oct_requant8){ m, _mm256_srli_epi64(m, 32),
        _mm256_load_si256((const __m256i *)(const void *)(block->even + 4 * half)),
        _mm256_load_si256((const __m256i *)(const void *)(block->odd + 4 * half)),
        _mm256_load_si256((const __m256i *)(const void *)(block->shift + 8 * half)) };
}

/** Results of 8 sums, with the zero point, not yet clamped. any_sign is a constant. */
OCT_INLINE __m256i oct_requant8_apply(__m256i sum, const oct_requant8 *c, const bool any_sign)
{
    __m256i x = any_sign ? _mm256_add_epi32(sum, sum) : sum;
    __m256i even = _mm256_add_epi64(_mm256_mul_epi32(x, c->m), c->even);
    __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(x, 32), c->m_odd), c->odd);
    __m256i high = _mm256_blend_epi32(odd, _mm256_srli_epi64(even, 32), 0x55);
    if (any_sign)
        high = _mm256_add_epi32(high, _mm256_srai_epi32(sum, 31));
    return _mm256_srav_epi32(high, c->shift);
}

/** 16 dwords as saturated bytes within [lo, hi], in the order packs leave words of two lanes in. */
OCT_INLINE __m128i oct_clamp_words(__m256i words, __m128i lo, __m128i hi)
{
    __m128i bytes = _mm_packs_epi16(
        _mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    return _mm_min_epi8(hi, _mm_max_epi8(lo, bytes));
}

#endif
