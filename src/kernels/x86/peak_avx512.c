/*
 * Peak rates, AVX-512.
 */
#include <immintrin.h>

#define NAME oct_peak_f32_avx512
#define VEC __m512
#define ZERO _mm512_setzero_ps
#define X _mm512_set1_ps(0.7310586f)
#define STEP(sum, x) _mm512_fmadd_ps(x, x, sum)
#define EACH 16
#include "kernels/peak_tmpl.h"

#define NAME oct_peak_s8_avx512
#define VEC __m512i
#define ZERO _mm512_setzero_si512
#define X _mm512_set1_epi32(0x5b3d6f57)
#define STEP(sum, x) _mm512_add_epi32(sum, _mm512_madd_epi16(x, sum))
#define EACH 32
#include "kernels/peak_tmpl.h"
