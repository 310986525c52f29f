/*
 * The VNNI dot products as one instruction each.
 *
 * gcc 12 spills the accumulators of a register tile around the intrinsics; a one-instruction asm
 * with register operands only keeps them where they are. clang does better with the intrinsics.
 */
#ifndef OCT_KERNELS_X86_DOT_AVX512VNNI_H
#define OCT_KERNELS_X86_DOT_AVX512VNNI_H

#include <immintrin.h>

#include "kernels/tile.h"

/** s + sum of 4 products of uint8 x by int8 w, by lane of 32 bits. */
OCT_INLINE __m512i oct_dot_u8s8(__m512i s, __m512i x, __m512i w)
{
#ifdef __clang__
    return _mm512_dpbusd_epi32(s, x, w);
#else
    __asm__("vpdpbusd %2, %1, %0" : "+v"(s) : "v"(x), "v"(w));
    return s;
#endif
}

/** s + sum of 2 products of int16 x by int16 w, by lane of 32 bits. */
OCT_INLINE __m512i oct_dot_s16(__m512i s, __m512i x, __m512i w)
{
#ifdef __clang__
    return _mm512_dpwssd_epi32(s, x, w);
#else
    __asm__("vpdpwssd %2, %1, %0" : "+v"(s) : "v"(x), "v"(w));
    return s;
#endif
}

#endif
