/*
 * Quantized multiplication, AVX2: 8 elements at a time, the rest in plain C.
 */
#include "kernels/mul.h"
#include "kernels/x86/scaler_avx2.h"

OCT_INLINE __m256i differences(const int8_t *from, __m256i zero)
{
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)from);
    return _mm256_sub_epi32(_mm256_cvtepi8_epi32(bytes), zero);
}

OCT_MUL_ROW(oct_mul_row_s8_avx2)
{
    oct_scaler8 by = oct_scaler8_of(p->scale);
    const __m256i az = _mm256_set1_epi32(p->a_zero), bz = _mm256_set1_epi32(p->b_zero);
    const __m256i yz = _mm256_set1_epi32(p->y_zero), low_half = _mm256_set1_epi32(0xffff);
    const __m128i lo = _mm_set1_epi8((char)p->lo), hi = _mm_set1_epi8((char)p->hi);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        /* The upper halves of b's dwords are cleared: pmaddwd then is one product of words. */
        __m256i vb = _mm256_and_si256(differences(b + i, bz), low_half);
        __m256i v = oct_scale8(_mm256_madd_epi16(differences(a + i, az), vb), &by);
        __m128i words = oct_words8_of(_mm256_add_epi32(v, yz));
        __m128i bytes = _mm_packs_epi16(words, words);
        bytes = _mm_min_epi8(hi, _mm_max_epi8(lo, bytes));
        _mm_storel_epi64((__m128i *)(void *)(y + i), bytes);
    }
    if (i < n)
        oct_mul_s8_c(p, n - i, a + i, 1, b + i, 1, y + i);
}
