/*
 * Average and maximum over windows, in plain C.
 */
#ifndef OCT_KERNELS_POOL_H
#define OCT_KERNELS_POOL_H

#include "kernels/window.h"

/* X(name, element, sum or limit) */
#define OCT_POOL_TYPES(X)                                                                          \
    X(f32, float, float)                                                                           \
    X(s8, int8_t, int32_t)                                                                         \
    X(u8, uint8_t, int32_t)                                                                        \
    X(s16, int16_t, int32_t)

/**
 * Mean or maximum of the taps inside the image for all channels of one pixel, clamped to [lo, hi].
 * Integer means are rounded half away from zero.
 *
 * x    [batches][in_h][in_w][in_c]; out_c = in_c, dilations 1; at least one tap lies inside.
 * sum  [in_c] scratch.
 * y    [in_c]
 * Source: LiteRT tflite/kernels/internal/reference/pooling.h, integer_ops/pooling.h.
 */
#define OCT_POOL_DECLARE(name, type, sum_t)                                                        \
    void oct_average_pool_##name(const oct_window *w, const type *x, sum_t lo, sum_t hi,           \
        int32_t b, int32_t oy, int32_t ox, sum_t *sum, type *y);                                   \
    void oct_max_pool_##name(const oct_window *w, const type *x, sum_t lo, sum_t hi, int32_t b,    \
        int32_t oy, int32_t ox, sum_t *sum, type *y);
OCT_POOL_TYPES(OCT_POOL_DECLARE)
#undef OCT_POOL_DECLARE

#endif
