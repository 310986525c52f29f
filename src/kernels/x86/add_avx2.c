/*
 * Quantized addition, AVX2: 8 elements at a time, the rest in plain C.
 */
#include <immintrin.h>

#include "kernels/add.h"
#include "kernels/tile.h"

/* A multiplier that does not shift left, ready for 8 products. */
typedef struct scaler {
    __m256i m, half, sign;
    __m128i shift;
} scaler;

OCT_INLINE scaler scaler_of(oct_multiplier by)
{
    int32_t right = -by.e;
    return (scaler){ _mm256_set1_epi32(by.m), _mm256_set1_epi32(right > 0 ? 1 << (right - 1) : 0),
        _mm256_set1_epi32(right > 0 ? -1 : 0), _mm_cvtsi32_si128(right) };
}

/* MBQM of |x| <= 2^30: the upper dword of the doubled product, then the rounding shift. */
OCT_INLINE __m256i scale(__m256i x, const scaler *by)
{
    const __m256i round = _mm256_set1_epi64x(INT64_C(1) << 31);
    x = _mm256_add_epi32(x, x);
    __m256i even = _mm256_add_epi64(_mm256_mul_epi32(x, by->m), round);
    __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(x, 32), by->m), round);
    __m256i t = _mm256_blend_epi32(odd, _mm256_srli_epi64(even, 32), 0x55);
    __m256i less = _mm256_and_si256(_mm256_srai_epi32(t, 31), by->sign);
    return _mm256_sra_epi32(_mm256_add_epi32(_mm256_add_epi32(t, by->half), less), by->shift);
}

/* Eight dwords as saturated words, in order. */
OCT_INLINE __m128i words_of(__m256i v)
{
    return _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}

#define ADD_ROW(name, plain, type, load, store)                                                    \
    OCT_ADD_ROW(name, type)                                                                        \
    {                                                                                              \
        scaler sa = scaler_of(args->a), sb = scaler_of(args->b), sy = scaler_of(args->y);          \
        const __m256i az = _mm256_set1_epi32(args->a_zero), bz = _mm256_set1_epi32(args->b_zero);  \
        const __m256i yz = _mm256_set1_epi32(args->y_zero), lo = _mm256_set1_epi32(args->lo);      \
        const __m256i hi = _mm256_set1_epi32(args->hi);                                            \
        const __m128i left = _mm_cvtsi32_si128(args->head_room);                                   \
        size_t i = 0;                                                                              \
        for (; i + 8 <= n; i += 8) {                                                               \
            __m256i va = _mm256_sub_epi32(load((const __m128i *)(const void *)(a + i)), az);       \
            __m256i vb = _mm256_sub_epi32(load((const __m128i *)(const void *)(b + i)), bz);       \
            va = scale(_mm256_sll_epi32(va, left), &sa);                                           \
            vb = scale(_mm256_sll_epi32(vb, left), &sb);                                           \
            __m256i sum = args->subtract ? _mm256_sub_epi32(va, vb) : _mm256_add_epi32(va, vb);    \
            __m256i v = _mm256_add_epi32(scale(sum, &sy), yz);                                     \
            v = _mm256_min_epi32(hi, _mm256_max_epi32(lo, v));                                     \
            store((__m128i *)(void *)(y + i), v);                                                  \
        }                                                                                          \
        plain(args, n - i, a + i, b + i, y + i);                                                   \
    }
#define LOAD_S8(from) _mm256_cvtepi8_epi32(_mm_loadl_epi64(from))
#define LOAD_S16(from) _mm256_cvtepi16_epi32(_mm_loadu_si128(from))
#define STORE_S8(to, v) _mm_storel_epi64(to, _mm_packs_epi16(words_of(v), _mm_setzero_si128()))
#define STORE_S16(to, v) _mm_storeu_si128(to, words_of(v))
ADD_ROW(oct_add_row_s8_avx2, oct_add_row_s8_c, int8_t, LOAD_S8, STORE_S8)
ADD_ROW(oct_add_row_s16_avx2, oct_add_row_s16_c, int16_t, LOAD_S16, STORE_S16)
