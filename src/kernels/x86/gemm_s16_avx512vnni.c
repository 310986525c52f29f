/*
 * int16 matrix product, AVX-512 VNNI: vpdpwssd.
 */
#include "kernels/x86/dot_avx512vnni.h"

#define NAME oct_gemm_s16_avx512vnni
#define A_BYTES 2
#define VEC __m512i
#define VECTORS 4
#define LOAD _mm512_load_si512
#define STORE _mm512_store_si512
#define BROADCAST _mm512_set1_epi32
#define DOT oct_dot_s16
#include "kernels/x86/gemm_int_tmpl.h"
