/*
 * Depthwise sums for AVX2: 8 channels. There are no masked loads of bytes, so tails go through a
 * copy.
 */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "kernels/tile.h"

OCT_INLINE __m256i first_lanes(int32_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

OCT_INLINE __m256i load_s8(int32_t n, const int8_t *from)
{
    int8_t tail[8] = { 0 };
    if (n < 8)
        from = memcpy(tail, from, (size_t)n);
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)from));
}

OCT_INLINE __m256i load_s16(int32_t n, const int16_t *from)
{
    int16_t tail[8] = { 0 };
    if (n < 8)
        from = memcpy(tail, from, (size_t)n * sizeof *tail);
    return _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(const void *)from));
}

#define ISA avx2
#define VEC __m256i
#define LANES 8
#define MASK __m256i
#define LOAD(p) _mm256_load_si256((const __m256i *)(const void *)(p))
#define SET1 _mm256_set1_epi32
#define SUB _mm256_sub_epi32
#define DOT(s, x, w) _mm256_add_epi32(s, _mm256_madd_epi16(x, w))
#define STORE(mask, to, v) _mm256_maskstore_epi32(to, mask, v)
#define LOAD_S8(mask, n, from) load_s8(n, from)
#define LOAD_S16(mask, n, from) load_s16(n, from)
#include "kernels/x86/depthwise_taps_tmpl.h"
