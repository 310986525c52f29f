/*
 * int16 matrix product, AVX-512 without VNNI: pmaddwd on pairs.
 */
#include <immintrin.h>

#define NAME oct_gemm_s16_avx512
#define A_BYTES 2
#define VEC __m512i
#define VECTORS 4
#define LOAD _mm512_load_si512
#define STORE _mm512_store_si512
#define BROADCAST _mm512_set1_epi32
#define DOT(s, x, w) _mm512_add_epi32(s, _mm512_madd_epi16(x, w))
#include "kernels/x86/gemm_int_tmpl.h"
