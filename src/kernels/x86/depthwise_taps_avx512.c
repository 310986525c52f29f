/*
 * Depthwise sums for AVX-512: 16 channels.
 */
#include <immintrin.h>
#include <stdint.h>

#define ISA avx512
#define VEC __m512i
#define LANES 16
#define MASK __mmask16
#define first_lanes(n) ((__mmask16)((1u << (n)) - 1))
#define LOAD(p) _mm512_load_si512(p)
#define SET1 _mm512_set1_epi32
#define SUB _mm512_sub_epi32
#define DOT(s, x, w) _mm512_add_epi32(s, _mm512_madd_epi16(x, w))
#define STORE(mask, to, v) _mm512_mask_storeu_epi32(to, mask, v)
#define LOAD_S8(mask, n, from) _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, from))
#define LOAD_S16(mask, n, from) _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(mask, from))
#include "kernels/x86/depthwise_taps_tmpl.h"
