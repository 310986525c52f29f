/*
 * Quantized multiplication, AVX-512: 64 elements at a time.
 */
#include "kernels/mul.h"
#include "kernels/x86/scaler_avx512.h"

/*
 * 16 differences as dwords whose lower halves hold them. The upper halves of b's are cleared, so
 * that a product of words is all that pmaddwd adds.
 */
OCT_INLINE __m512i product(__m512i words_a, __m512i words_b)
{
    return _mm512_madd_epi16(words_a, _mm512_and_si512(words_b, _mm512_set1_epi32(0xffff)));
}

/* Quarter i, a constant, of 64 bytes as dwords, less their zero point. */
#define QUARTER(bytes, i, zero)                                                                    \
    _mm512_sub_epi32(_mm512_cvtepi8_epi32(_mm512_extracti32x4_epi32(bytes, i)), zero)
#define SCALED(i) oct_scale16(product(QUARTER(va, i, az), QUARTER(vb, i, bz)), &by)

OCT_MUL_ROW(oct_mul_row_s8_avx512)
{
    oct_scaler16 by = oct_scaler16_of(p->scale);
    const __m512i az = _mm512_set1_epi32(p->a_zero), bz = _mm512_set1_epi32(p->b_zero);
    const __m512i yz = _mm512_set1_epi16((int16_t)p->y_zero);
    const __m512i lo = _mm512_set1_epi8((char)p->lo), hi = _mm512_set1_epi8((char)p->hi);
    /* What the packs leave: 16-byte quarters of dwords, four of each vector. */
    const __m512i order =
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    for (size_t i = 0; i < n; i += 64) {
        __mmask64 mask = n - i >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << (n - i)) - 1;
        __m512i va = _mm512_maskz_loadu_epi8(mask, a + i), vb = _mm512_maskz_loadu_epi8(mask, b + i);
        __m512i v[4] = { SCALED(0), SCALED(1), SCALED(2), SCALED(3) };
        __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(v[0], v[1]), yz);
        __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(v[2], v[3]), yz);
        __m512i bytes = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(low, high));
        bytes = _mm512_min_epi8(hi, _mm512_max_epi8(lo, bytes));
        _mm512_mask_storeu_epi8(y + i, mask, bytes);
    }
}
