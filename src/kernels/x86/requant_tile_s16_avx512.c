/*
 * int16 requantization with 64-bit sums, AVX-512: eight sums at a time in 64 bits.
 */
#include <immintrin.h>

#include "kernels/requant_tile.h"

OCT_REQUANT_TILE_S16(oct_requant_tile_s16_avx512)
{
    const __m512i lo = _mm512_set1_epi64(rq->lo), hi = _mm512_set1_epi64(rq->hi);
    for (int32_t n = 0; n < columns; n += 8) {
        int32_t rest = columns - n < 8 ? columns - n : 8;
        __mmask8 mask = (__mmask8)((1u << rest) - 1);
        int64_t m16[8] = { 0 }, shift[8] = { 1, 1, 1, 1, 1, 1, 1, 1 }, add[8] = { 0 };
        for (int32_t i = 0; i < rest; i++) {
            oct_multiplier by = rq->by[column + n + i];
            m16[i] = by.m < 0x7fff0000 ? (by.m + (1 << 15)) >> 16 : 0x7fff;
            shift[i] = 15 - by.e;
            uint64_t b = bias != NULL ? (uint64_t)bias[column + n + i] : 0;
            add[i] = (int64_t)(b * (uint64_t)m16[i] + (UINT64_C(1) << (shift[i] - 1)));
        }
        __m512i vm = _mm512_loadu_si512(m16), vshift = _mm512_loadu_si512(shift);
        __m512i vadd = _mm512_loadu_si512(add);
        for (int32_t m = 0; m < rows; m++) {
            __m512i x = _mm512_cvtepi32_epi64(_mm256_load_si256(
                (const __m256i *)(const void *)(sum + (size_t)m * sum_stride + n)));
            /* |sum| < 2^31 and m16 < 2^15: the low dwords hold all there is to multiply. */
            __m512i product = _mm512_add_epi64(_mm512_mul_epi32(x, vm), vadd);
            __m512i code = _mm512_srav_epi64(product, vshift);
            code = _mm512_srai_epi64(_mm512_slli_epi64(code, 32), 32); /* the result is an int32 */
            code = _mm512_min_epi64(hi, _mm512_max_epi64(lo, code));
            _mm_mask_storeu_epi16(y + (size_t)m * y_stride + n, mask, _mm512_cvtepi64_epi16(code));
        }
    }
}
