/*
 * Clamping of floats by comparisons, which keep -0 and NaN where vmax and vmin would not: the bits
 * of the plain C form.
 */
#ifndef OCT_KERNELS_ARM_CLAMP_NEON_H
#define OCT_KERNELS_ARM_CLAMP_NEON_H

#include <arm_neon.h>

#include "kernels/tile.h"

OCT_INLINE float32x4_t oct_clamp_neon(float32x4_t v, float lo, float hi)
{
    float32x4_t low = vdupq_n_f32(lo), high = vdupq_n_f32(hi);
    v = vbslq_f32(vcltq_f32(v, low), low, v);
    return vbslq_f32(vcltq_f32(high, v), high, v);
}

#endif
