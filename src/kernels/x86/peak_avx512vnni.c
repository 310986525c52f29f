/*
 * Peak rate of 8-bit dot products, AVX-512 VNNI.
 */
#include "kernels/x86/dot_avx512vnni.h"

#define NAME oct_peak_s8_avx512vnni
#define VEC __m512i
#define ZERO _mm512_setzero_si512
#define X _mm512_set1_epi32(0x5b3d6f57)
#define STEP(sum, x) oct_dot_u8s8(sum, x, x)
#define EACH 64
#include "kernels/peak_tmpl.h"
