/*
 * Peak rates, AVX2 with FMA.
 */
#include <immintrin.h>

#define NAME oct_peak_f32_avx2
#define VEC __m256
#define ZERO _mm256_setzero_ps
#define X _mm256_set1_ps(0.7310586f)
#define STEP(sum, x) _mm256_fmadd_ps(x, x, sum)
#define EACH 8
#include "kernels/peak_tmpl.h"

#define NAME oct_peak_s8_avx2
#define VEC __m256i
#define ZERO _mm256_setzero_si256
#define X _mm256_set1_epi32(0x5b3d6f57)
#define STEP(sum, x) _mm256_add_epi32(sum, _mm256_madd_epi16(x, sum))
#define EACH 16
#include "kernels/peak_tmpl.h"
