/*
 * Quantized addition, AVX-512: 16 elements at a time.
 */
#include <immintrin.h>

#include "kernels/add.h"
#include "kernels/x86/scaler_avx512.h"

/*
 * The operand of the larger scale: its multiplier is one half, which is exact as head room is left.
 */
OCT_INLINE bool is_half(const oct_add_args *args, oct_multiplier by)
{
    return by.m == 1 << 30 && by.e == 0 && args->head_room > 0;
}

/* An operand without its zero point, scaled. */
OCT_INLINE __m512i operand(__m512i x, __m512i zero, __m128i left, const oct_scaler16 *by, const bool half)
{
    x = _mm512_sll_epi32(_mm512_sub_epi32(x, zero), left);
    return half ? x : oct_scale16(x, by);
}

#define ADD_ROW_HALF(name, type, load, store)                                                      \
    OCT_INLINE void name(const oct_add_args *args, size_t n, const type *a, const type *b, type *y,\
        const bool a_half, const bool b_half)                                                      \
    {                                                                                              \
        oct_scaler16 sa = oct_scaler16_of(args->a), sb = oct_scaler16_of(args->b), sy = oct_scaler16_of(args->y);          \
        const __m512i az = _mm512_set1_epi32(args->a_zero), bz = _mm512_set1_epi32(args->b_zero);  \
        const __m512i yz = _mm512_set1_epi32(args->y_zero), lo = _mm512_set1_epi32(args->lo);      \
        const __m512i hi = _mm512_set1_epi32(args->hi);                                            \
        const __m128i left_a = _mm_cvtsi32_si128(args->head_room - a_half);                        \
        const __m128i left_b = _mm_cvtsi32_si128(args->head_room - b_half);                        \
        for (size_t i = 0; i < n; i += 16) {                                                       \
            __mmask16 mask = (__mmask16)(n - i >= 16 ? 0xffff : (1u << (n - i)) - 1);              \
            __m512i va = operand(load(mask, a + i), az, left_a, &sa, a_half);                      \
            __m512i vb = operand(load(mask, b + i), bz, left_b, &sb, b_half);                      \
            __m512i sum = args->subtract ? _mm512_sub_epi32(va, vb) : _mm512_add_epi32(va, vb);    \
            __m512i v = _mm512_add_epi32(oct_scale16(sum, &sy), yz);                                     \
            store(y + i, mask, _mm512_min_epi32(hi, _mm512_max_epi32(lo, v)));                     \
        }                                                                                          \
    }
#define ADD_ROW(name, type, load, store)                                                           \
    ADD_ROW_HALF(add_##type, type, load, store)                                                    \
    OCT_ADD_ROW(name, type)                                                                        \
    {                                                                                              \
        bool a_half = is_half(args, args->a), b_half = is_half(args, args->b);                     \
        if (a_half && b_half)                                                                      \
            add_##type(args, n, a, b, y, true, true);                                              \
        else if (a_half)                                                                           \
            add_##type(args, n, a, b, y, true, false);                                             \
        else if (b_half)                                                                           \
            add_##type(args, n, a, b, y, false, true);                                             \
        else                                                                                       \
            add_##type(args, n, a, b, y, false, false);                                            \
    }
#define LOAD_S8(mask, from) _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, from))
#define LOAD_S16(mask, from) _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(mask, from))
#define STORE_S8(to, mask, v) _mm_mask_storeu_epi8(to, mask, _mm512_cvtepi32_epi8(v))
#define STORE_S16(to, mask, v) _mm256_mask_storeu_epi16(to, mask, _mm512_cvtepi32_epi16(v))
ADD_ROW(oct_add_row_s8_avx512, int8_t, LOAD_S8, STORE_S8)
ADD_ROW(oct_add_row_s16_avx512, int16_t, LOAD_S16, STORE_S16)
