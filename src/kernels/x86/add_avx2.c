/*
 * Quantized addition, AVX2: 8 elements at a time, the rest in plain C.
 */
#include <immintrin.h>

#include "kernels/add.h"
#include "kernels/x86/scaler_avx2.h"

#define ADD_ROW(name, plain, type, load, store)                                                    \
    OCT_ADD_ROW(name, type)                                                                        \
    {                                                                                              \
        oct_scaler8 sa = oct_scaler8_of(args->a), sb = oct_scaler8_of(args->b), sy = oct_scaler8_of(args->y);          \
        const __m256i az = _mm256_set1_epi32(args->a_zero), bz = _mm256_set1_epi32(args->b_zero);  \
        const __m256i yz = _mm256_set1_epi32(args->y_zero), lo = _mm256_set1_epi32(args->lo);      \
        const __m256i hi = _mm256_set1_epi32(args->hi);                                            \
        const __m128i left = _mm_cvtsi32_si128(args->head_room);                                   \
        size_t i = 0;                                                                              \
        for (; i + 8 <= n; i += 8) {                                                               \
            __m256i va = _mm256_sub_epi32(load((const __m128i *)(const void *)(a + i)), az);       \
            __m256i vb = _mm256_sub_epi32(load((const __m128i *)(const void *)(b + i)), bz);       \
            va = oct_scale8(_mm256_sll_epi32(va, left), &sa);                                           \
            vb = oct_scale8(_mm256_sll_epi32(vb, left), &sb);                                           \
            __m256i sum = args->subtract ? _mm256_sub_epi32(va, vb) : _mm256_add_epi32(va, vb);    \
            __m256i v = _mm256_add_epi32(oct_scale8(sum, &sy), yz);                                     \
            v = _mm256_min_epi32(hi, _mm256_max_epi32(lo, v));                                     \
            store((__m128i *)(void *)(y + i), v);                                                  \
        }                                                                                          \
        plain(args, n - i, a + i, b + i, y + i);                                                   \
    }
#define LOAD_S8(from) _mm256_cvtepi8_epi32(_mm_loadl_epi64(from))
#define LOAD_S16(from) _mm256_cvtepi16_epi32(_mm_loadu_si128(from))
#define STORE_S8(to, v) _mm_storel_epi64(to, _mm_packs_epi16(oct_words8_of(v), _mm_setzero_si128()))
#define STORE_S16(to, v) _mm_storeu_si128(to, oct_words8_of(v))
ADD_ROW(oct_add_row_s8_avx2, oct_add_row_s8_c, int8_t, LOAD_S8, STORE_S8)
ADD_ROW(oct_add_row_s16_avx2, oct_add_row_s16_c, int16_t, LOAD_S16, STORE_S16)
