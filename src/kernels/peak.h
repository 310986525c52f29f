/*
 * How fast a core multiplies and adds when nothing else stands in the way: what the profiler holds
 * the operators against.
 */
#ifndef OCT_KERNELS_PEAK_H
#define OCT_KERNELS_PEAK_H

#include <stdint.h>

/* Vector instructions of one turn, independent of each other. */
enum { OCT_PEAK_CHAINS = 10 };

/** Does turns * OCT_PEAK_CHAINS vector multiply-adds; returns how many numbers were multiplied. */
#define OCT_PEAK(name) int64_t name(int64_t turns)
typedef OCT_PEAK((*oct_peak_fn));
OCT_PEAK(oct_peak_f32_avx2);        /* vfmadd, 8 floats */
OCT_PEAK(oct_peak_f32_avx512);      /* vfmadd, 16 floats */
OCT_PEAK(oct_peak_s8_avx2);         /* vpmaddwd and vpaddd, 16 words */
OCT_PEAK(oct_peak_s8_avx512);       /* vpmaddwd and vpaddd, 32 words */
OCT_PEAK(oct_peak_s8_avx512vnni);   /* vpdpbusd, 64 bytes */

#endif
