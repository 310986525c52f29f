/*
 * Peak rates, NEON.
 */
#include <arm_neon.h>

#define NAME oct_peak_f32_neon
#define VEC float32x4_t
#define ZERO() vdupq_n_f32(0.f)
#define X vdupq_n_f32(0.7310586f)
#define STEP(sum, x) vfmaq_f32(sum, x, x)
#define EACH 4
#include "kernels/peak_tmpl.h"

#define NAME oct_peak_s8_neon
#define VEC int32x4_t
#define ZERO() vdupq_n_s32(0)
#define X vdupq_n_s32(0x5b3d6f57)
#define STEP(sum, x)                                                                               \
    vmlal_s16(sum, vget_low_s16(vreinterpretq_s16_s32(x)), vget_low_s16(vreinterpretq_s16_s32(x)))
#define EACH 4
#include "kernels/peak_tmpl.h"
