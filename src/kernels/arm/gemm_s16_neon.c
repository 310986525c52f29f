/*
 * int16 matrix product, NEON: smlal by lane, one k at a time; also for int8 where there is no dot
 * product.
 */
#include <arm_neon.h>

#define NAME oct_gemm_s16_neon
#define A int16_t
#define WEIGHT int16_t
#define XVEC int16x8_t
#define LANES 8
#define LOAD_X vld1q_s16
#define LOAD_ONE vld1q_dup_s16
#define STEP(lane)                                                                                 \
    OCT_UNROLL for (int j = 0; j < vectors; j++) {                                                 \
        int16x4_t w = vld1_s16(b + 4 * j);                                                         \
        OCT_UNROLL for (int i = 0; i < rows; i++)                                                  \
            sum[i][j] = vmlal_laneq_s16(sum[i][j], w, x[i], lane);                                 \
    }                                                                                              \
    b += 4 * vectors;
#define EACH_LANE STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7)
#include "kernels/arm/gemm_int_tmpl.h"
