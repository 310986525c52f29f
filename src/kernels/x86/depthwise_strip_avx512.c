/*
 * Float depthwise convolution of a strip, AVX-512.
 */
#include <immintrin.h>

#define NAME oct_depthwise_strip_avx512
#define VEC __m512
#define LANES 16
#define MASK __mmask16
#define first_lanes(n) ((__mmask16)((1u << (n)) - 1))
#define LOAD _mm512_load_ps
#define LOADU(mask, full, p) _mm512_maskz_loadu_ps(full ? (__mmask16)0xffff : mask, p)
#define STORE(mask, full, p, v) _mm512_mask_storeu_ps(p, full ? (__mmask16)0xffff : mask, v)
#define SET1 _mm512_set1_ps
#define FMA _mm512_fmadd_ps
#define MIN _mm512_min_ps
#define MAX _mm512_max_ps
#include "kernels/x86/depthwise_strip_tmpl.h"
