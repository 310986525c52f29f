/*
 * How fast a core multiplies and adds when nothing else stands in the way: what the profiler holds
 * the operators against.
 */
#ifndef OCT_KERNELS_PEAK_H
#define OCT_KERNELS_PEAK_H

#include <stdint.h>

/* Vector instructions of one turn, independent of each other: latency times pipes, and registers. */
#ifdef __aarch64__
enum { OCT_PEAK_CHAINS = 16 };
#else
enum { OCT_PEAK_CHAINS = 10 };
#endif

/** Does turns * OCT_PEAK_CHAINS vector multiply-adds; returns how many numbers were multiplied. */
#define OCT_PEAK(name) int64_t name(int64_t turns)
typedef OCT_PEAK((*oct_peak_fn));
OCT_PEAK(oct_peak_f32_avx2);        /* vfmadd, 8 floats */
OCT_PEAK(oct_peak_f32_avx512);      /* vfmadd, 16 floats */
OCT_PEAK(oct_peak_s8_avx2);         /* vpmaddwd and vpaddd, 16 words */
OCT_PEAK(oct_peak_s8_avx512);       /* vpmaddwd and vpaddd, 32 words */
OCT_PEAK(oct_peak_s8_avx512vnni);   /* vpdpbusd, 64 bytes */
OCT_PEAK(oct_peak_f32_neon);        /* fmla, 4 floats */
OCT_PEAK(oct_peak_s8_neon);         /* smlal, 4 words */
OCT_PEAK(oct_peak_s8_dotprod);      /* sdot, 16 bytes */
OCT_PEAK(oct_peak_s8_i8mm);         /* smmla, 2 x 2 x 8 bytes */

#endif
