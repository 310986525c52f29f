/*
 * Peak rate of 8-bit matrix products, NEON.
 */
#include <arm_neon.h>

#define NAME oct_peak_s8_i8mm
#define VEC int32x4_t
#define ZERO() vdupq_n_s32(0)
#define X vdupq_n_s32(0x5b3d6f57)
#define STEP(sum, x) vmmlaq_s32(sum, vreinterpretq_s8_s32(x), vreinterpretq_s8_s32(x))
#define EACH 32
#include "kernels/peak_tmpl.h"
