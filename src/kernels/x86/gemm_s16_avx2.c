/*
 * int16 matrix product, AVX2: pmaddwd on pairs; tiles of 6 x 16 and 6 x 8.
 */
#include <immintrin.h>

#define NAME oct_gemm_s16_avx2
#define A_BYTES 2
#define VEC __m256i
#define VECTORS 2
#define LOAD _mm256_load_si256
#define STORE _mm256_store_si256
#define BROADCAST _mm256_set1_epi32
#define DOT(s, x, w) _mm256_add_epi32(s, _mm256_madd_epi16(x, w))
#include "kernels/x86/gemm_int_tmpl.h"
