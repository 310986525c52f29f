/*
 * The int16 requantization of 16 sums, AVX-512: products of even and odd columns in 64 bits.
 */
#ifndef OCT_KERNELS_X86_REQUANT_S16_AVX512_H
#define OCT_KERNELS_X86_REQUANT_S16_AVX512_H

#include <immintrin.h>

#include "kernels/requant_tile.h"
#include "kernels/tile.h"

/* An oct_requant_s16_block in registers. */
typedef struct oct_requant_s16x16 {
    __m512i m, m_odd, even, odd, even_shift, odd_shift;
} oct_requant_s16x16;

OCT_INLINE oct_requant_s16x16 oct_requant_s16x16_load(const oct_requant_s16_block *block)
{
    __m512i m = _mm512_load_si512(block->m);
    return (oct_requant_s16x16){ m, _mm512_srli_epi64(m, 32), _mm512_load_si512(block->even),
        _mm512_load_si512(block->odd), _mm512_load_si512(block->even_shift),
        _mm512_load_si512(block->odd_shift) };
}

/** Results of 16 sums, not yet clamped: the low dwords of the shifted products. */
OCT_INLINE __m512i oct_requant_s16x16_apply(__m512i sum, const oct_requant_s16x16 *c)
{
    __m512i even = _mm512_add_epi64(_mm512_mul_epi32(sum, c->m), c->even);
    __m512i odd
        = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(sum, 32), c->m_odd), c->odd);
    even = _mm512_srav_epi64(even, c->even_shift);
    odd = _mm512_srav_epi64(odd, c->odd_shift);
    return _mm512_mask_shuffle_epi32(even, 0xaaaa, odd, _MM_PERM_CCAA);
}

#endif
