/*
 * Quantized addition, AVX-512: 16 elements at a time.
 */
#include <immintrin.h>

#include "kernels/add.h"
#include "kernels/x86/tile.h"

/* A multiplier that does not shift left, ready for 16 products. */
typedef struct scaler {
    __m512i m, half, sign;
    __m128i shift;
} scaler;

OCT_INLINE scaler scaler_of(oct_multiplier by)
{
    int32_t right = -by.e;
    return (scaler){ _mm512_set1_epi32(by.m), _mm512_set1_epi32(right > 0 ? 1 << (right - 1) : 0),
        _mm512_set1_epi32(right > 0 ? -1 : 0), _mm_cvtsi32_si128(right) };
}

/* MBQM of |x| <= 2^30: the upper dword of the doubled product, then the rounding shift. */
OCT_INLINE __m512i scale(__m512i x, const scaler *by)
{
    const __m512i round = _mm512_set1_epi64(INT64_C(1) << 31);
    x = _mm512_add_epi32(x, x);
    __m512i even = _mm512_add_epi64(_mm512_mul_epi32(x, by->m), round);
    __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(x, 32), by->m), round);
    __m512i t = _mm512_mask_blend_epi32(0x5555, odd, _mm512_srli_epi64(even, 32));
    __m512i less = _mm512_and_si512(_mm512_srai_epi32(t, 31), by->sign);
    return _mm512_sra_epi32(_mm512_add_epi32(_mm512_add_epi32(t, by->half), less), by->shift);
}

#define ADD_ROW(name, type, load, store)                                                           \
    OCT_ADD_ROW(name, type)                                                                        \
    {                                                                                              \
        scaler sa = scaler_of(args->a), sb = scaler_of(args->b), sy = scaler_of(args->y);          \
        const __m512i az = _mm512_set1_epi32(args->a_zero), bz = _mm512_set1_epi32(args->b_zero);  \
        const __m512i yz = _mm512_set1_epi32(args->y_zero), lo = _mm512_set1_epi32(args->lo);      \
        const __m512i hi = _mm512_set1_epi32(args->hi);                                            \
        const __m128i left = _mm_cvtsi32_si128(args->head_room);                                   \
        for (size_t i = 0; i < n; i += 16) {                                                       \
            __mmask16 mask = (__mmask16)(n - i >= 16 ? 0xffff : (1u << (n - i)) - 1);              \
            __m512i va = _mm512_sub_epi32(load(mask, a + i), az);                                  \
            __m512i vb = _mm512_sub_epi32(load(mask, b + i), bz);                                  \
            va = scale(_mm512_sll_epi32(va, left), &sa);                                           \
            vb = scale(_mm512_sll_epi32(vb, left), &sb);                                           \
            __m512i sum = args->subtract ? _mm512_sub_epi32(va, vb) : _mm512_add_epi32(va, vb);    \
            __m512i v = _mm512_add_epi32(scale(sum, &sy), yz);                                     \
            store(y + i, mask, _mm512_min_epi32(hi, _mm512_max_epi32(lo, v)));                     \
        }                                                                                          \
    }
#define LOAD_S8(mask, from) _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, from))
#define LOAD_S16(mask, from) _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(mask, from))
#define STORE_S8(to, mask, v) _mm_mask_storeu_epi8(to, mask, _mm512_cvtepi32_epi8(v))
#define STORE_S16(to, mask, v) _mm256_mask_storeu_epi16(to, mask, _mm512_cvtepi32_epi16(v))
ADD_ROW(oct_add_row_s8_avx512, int8_t, LOAD_S8, STORE_S8)
ADD_ROW(oct_add_row_s16_avx512, int16_t, LOAD_S16, STORE_S16)
