/*
 * The two vector forms of requantization for 16 sums, AVX-512.
 */
#ifndef OCT_KERNELS_X86_REQUANT_AVX512_H
#define OCT_KERNELS_X86_REQUANT_AVX512_H

#include <immintrin.h>

#include "kernels/requant_tile.h"
#include "kernels/tile.h"

/* An oct_requant_block in registers. */
typedef struct oct_requant16 {
    __m512i m, m_odd, even, odd, shift;
} oct_requant16;

OCT_INLINE oct_requant16 oct_requant16_load(const oct_requant_block *block)
{
    __m512i m = _mm512_load_si512(block->m);
    return (oct_requant16){ m, _mm512_srli_epi64(m, 32), _mm512_load_si512(block->even),
        _mm512_load_si512(block->odd), _mm512_load_si512(block->shift) };
}

/** Results of 16 sums, with the zero point, not yet clamped. any_sign is a constant. */
OCT_INLINE __m512i oct_requant16_apply(__m512i sum, const oct_requant16 *c, const bool any_sign)
{
    __m512i x = any_sign ? _mm512_add_epi32(sum, sum) : sum;
    __m512i even = _mm512_add_epi64(_mm512_mul_epi32(x, c->m), c->even);
    __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(x, 32), c->m_odd), c->odd);
    __m512i high = _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
    if (any_sign)
        high = _mm512_add_epi32(high, _mm512_srai_epi32(sum, 31));
    return _mm512_srav_epi32(high, c->shift);
}

#endif
