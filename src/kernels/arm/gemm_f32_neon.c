/*
 * Float matrix product, NEON: tiles of 6 x 16, fused multiply-adds by lane.
 *
 * Four k of a row are one load; each lane of it multiplies the vectors of its k.
 */
#include <arm_neon.h>

#include "kernels/arm/clamp_neon.h"
#include "kernels/gemm.h"
#include "kernels/tile.h"

typedef struct tile {
    const float *a, *panel;
    size_t a_stride;
    int32_t depth;
    int32_t last; /* columns of the last vector */
    float lo, hi;
    float *y;
    size_t y_stride;
} tile;

OCT_INLINE void store_some(float *y, float32x4_t v, int32_t n)
{
    if (n >= 4) {
        vst1q_f32(y, v);
        return;
    }
    float all[4];
    vst1q_f32(all, v);
    for (int32_t i = 0; i < n; i++)
        y[i] = all[i];
}

/* One k: lane `lane` of each row's x. */
#define STEP(lane)                                                                                 \
    do {                                                                                           \
        OCT_UNROLL for (int j = 0; j < vectors; j++) {                                             \
            float32x4_t w = vld1q_f32(b + 4 * j);                                                  \
            OCT_UNROLL for (int i = 0; i < rows; i++)                                              \
                sum[i][j] = vfmaq_laneq_f32(sum[i][j], w, x[i], lane);                             \
        }                                                                                          \
        b += 4 * vectors;                                                                          \
    } while (0)

OCT_INLINE void compute(const tile *t, const int rows, const int vectors)
{
    float32x4_t sum[6][4], x[6];
    const float *a = t->a, *b = t->panel;
    OCT_UNROLL for (int i = 0; i < rows; i++)
        OCT_UNROLL for (int j = 0; j < vectors; j++)
            sum[i][j] = vld1q_f32(b + 4 * j);
    b += 4 * vectors;
    int32_t k = 0;
    for (; k + 4 <= t->depth; k += 4, a += 4) {
        OCT_UNROLL for (int i = 0; i < rows; i++)
            x[i] = vld1q_f32(a + (size_t)i * t->a_stride);
        STEP(0);
        STEP(1);
        STEP(2);
        STEP(3);
    }
    for (; k < t->depth; k++, a++) {
        OCT_UNROLL for (int i = 0; i < rows; i++)
            x[i] = vld1q_dup_f32(a + (size_t)i * t->a_stride);
        STEP(0);
    }
    OCT_UNROLL for (int i = 0; i < rows; i++) {
        float *y = t->y + (size_t)i * t->y_stride;
        OCT_UNROLL for (int j = 0; j < vectors; j++)
            store_some(y + 4 * j, oct_clamp_neon(sum[i][j], t->lo, t->hi),
                j == vectors - 1 ? t->last : 4);
    }
}

#include "kernels/arm/tile_neon.h"

void oct_gemm_f32_neon(const oct_gemm_f32_args *args)
{
    tile t = { .a = args->a, .panel = args->panel, .a_stride = args->a_stride,
        .depth = args->depth, .last = args->columns - 4 * (args->vectors - 1), .lo = args->lo,
        .hi = args->hi, .y = args->y, .y_stride = args->y_stride };
    for (int32_t left = args->rows; left > 0;) {
        int32_t rows = oct_tile_rows(left, MOST_ROWS);
        tiles[args->vectors][rows](&t);
        t.a += (size_t)rows * t.a_stride;
        t.y += (size_t)rows * t.y_stride;
        left -= rows;
    }
}
