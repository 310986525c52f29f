/*
 * Requantization of tiles in double, as FULLY_CONNECTED does it. One source (requant_real_tmpl.h),
 * compiled for each instruction set.
 */
#ifndef OCT_KERNELS_REQUANT_REAL_H
#define OCT_KERNELS_REQUANT_REAL_H

#include "base/cpu.h"
#include "kernels/requant_tile.h"

/**
 * y[m][n] = clamp(round_half_away(sum[m][n] * real[n]) + zero, lo, hi); rq->plain.real is given and
 * finite. Exact: all variants return the bytes of oct_requant_s8().
 */
OCT_REQUANT_TILE(oct_requant_real_s8_c);
OCT_REQUANT_TILE(oct_requant_real_s8_avx2);
OCT_REQUANT_TILE(oct_requant_real_s8_avx512);

/** The variant of a level that oct_cpu_supported() includes. */
oct_requant_tile_fn oct_requant_real_s8_of(oct_cpu level);

#endif
