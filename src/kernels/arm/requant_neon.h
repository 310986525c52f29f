/*
 * Requantization of 4 sums: TensorFlow Lite's two roundings are two instructions.
 *
 * sqrdmulh is the doubling high product, ties up; srshl with a negative count is a shift that
 * rounds ties up, and away from zero once negative numbers are lowered by one first.
 */
#ifndef OCT_KERNELS_ARM_REQUANT_NEON_H
#define OCT_KERNELS_ARM_REQUANT_NEON_H

#include <arm_neon.h>

#include "kernels/tile.h"

/** MBQM of |x| < 2^30 by m with exponents e <= 0, or m = 0; `less` is -1 in lanes with e < 0. */
OCT_INLINE int32x4_t oct_mbqm_neon(int32x4_t x, int32x4_t m, int32x4_t e, int32x4_t less)
{
    int32x4_t t = vqrdmulhq_s32(x, m);
    t = vaddq_s32(t, vandq_s32(vshrq_n_s32(t, 31), less));
    return vrshlq_s32(t, e);
}

#endif
