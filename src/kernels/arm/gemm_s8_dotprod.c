/*
 * int8 matrix product, NEON dot products: sdot by lane, four k at a time.
 */
#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

static inline int32_t load_group(const int8_t *from)
{
    int32_t group;
    memcpy(&group, from, sizeof group);
    return group;
}

#define NAME oct_gemm_s8_dotprod
#define A int8_t
#define WEIGHT int8_t
#define XVEC int8x16_t
#define LANES 4
#define LOAD_X vld1q_s8
#define LOAD_ONE(a) vreinterpretq_s8_s32(vdupq_n_s32(load_group(a)))
#define STEP(lane)                                                                                 \
    OCT_UNROLL for (int j = 0; j < vectors; j++) {                                                 \
        int8x16_t w = vld1q_s8(b + 16 * j);                                                        \
        OCT_UNROLL for (int i = 0; i < rows; i++)                                                  \
            sum[i][j] = vdotq_laneq_s32(sum[i][j], w, x[i], lane);                                 \
    }                                                                                              \
    b += 16 * vectors;
#define EACH_LANE STEP(0) STEP(1) STEP(2) STEP(3)
#include "kernels/arm/gemm_int_tmpl.h"
