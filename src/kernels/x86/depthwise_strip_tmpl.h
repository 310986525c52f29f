/*
 * Float depthwise convolution 3x3 or 5x5 of a strip: one vector of channels at a time runs over all
 * rows of the strip, so that the input rows it needs stay in the first-level cache. Weights of 3x3
 * stay in registers; four neighbouring outputs share the columns they load.
 *
 * Before including it, a variant defines NAME, VEC, LANES, MASK with first_lanes(n), LOAD
 * (aligned), LOADU(mask, full, p), STORE(mask, full, p, v), SET1, FMA(a, b, c), MIN and MAX.
 */
#include "kernels/depthwise.h"
#include "kernels/tile.h"

enum { MOST_KERNEL = 5, MOST_OUTPUTS = 4 };

/* One vector of channels of the strip. */
typedef struct lane {
    VEC w[MOST_KERNEL * MOST_KERNEL], bias, lo, hi;
    MASK mask;
    size_t line, pixel; /* elements from a tap to the one below it, and to the one right of it */
} lane;

OCT_INLINE void outputs(const lane *l, const float *x, float *y, const int count, const int kernel,
    const int stride, const bool full)
{
    VEC sum[MOST_OUTPUTS];
    OCT_UNROLL for (int i = 0; i < count; i++)
        sum[i] = l->bias;
    OCT_UNROLL for (int ky = 0; ky < kernel; ky++) {
        VEC column[(MOST_OUTPUTS - 1) * 2 + MOST_KERNEL];
        OCT_UNROLL for (int i = 0; i < (count - 1) * stride + kernel; i++)
            column[i] = LOADU(l->mask, full, x + (size_t)ky * l->line + (size_t)i * l->pixel);
        OCT_UNROLL for (int kx = 0; kx < kernel; kx++)
            OCT_UNROLL for (int i = 0; i < count; i++)
                sum[i] = FMA(column[i * stride + kx], l->w[kernel * ky + kx], sum[i]);
    }
    OCT_UNROLL for (int i = 0; i < count; i++)
        STORE(l->mask, full, y + (size_t)i * l->pixel, MIN(l->hi, MAX(l->lo, sum[i])));
}

OCT_INLINE void strip(const oct_depthwise_strip *s, const lane *l, int32_t c, const int kernel,
    const int stride, const bool full)
{
    for (int32_t row = 0; row < s->rows; row++) {
        const float *x = s->x + (size_t)row * s->row_step + c;
        float *y = s->y + (size_t)row * s->y_step + c;
        int32_t p = 0;
        for (; p + MOST_OUTPUTS <= s->pixels; p += MOST_OUTPUTS)
            outputs(l, x + (size_t)(p * stride) * l->pixel, y + (size_t)p * l->pixel, MOST_OUTPUTS,
                kernel, stride, full);
        for (; p < s->pixels; p++)
            outputs(l, x + (size_t)(p * stride) * l->pixel, y + (size_t)p * l->pixel, 1, kernel,
                stride, full);
    }
}

OCT_INLINE void strip_by_stride(const oct_depthwise_strip *s, const lane *l, int32_t c,
    const int kernel, bool full)
{
    if (s->stride == 1 && full)
        strip(s, l, c, kernel, 1, true);
    else if (s->stride == 1)
        strip(s, l, c, kernel, 1, false);
    else if (full)
        strip(s, l, c, kernel, 2, true);
    else
        strip(s, l, c, kernel, 2, false);
}

OCT_DEPTHWISE_STRIP(NAME)
{
    for (int32_t c = 0; c < s->channels; c += LANES) {
        int32_t n = s->channels - c < LANES ? s->channels - c : LANES;
        lane l = { .bias = LOAD(s->bias + c), .lo = SET1(s->lo), .hi = SET1(s->hi),
            .mask = first_lanes(n), .line = s->line, .pixel = (size_t)s->channels };
        for (int t = 0; t < s->kernel * s->kernel; t++)
            l.w[t] = LOAD(s->weights + (size_t)t * s->weight_step + c);
        if (s->kernel == 3)
            strip_by_stride(s, &l, c, 3, n == LANES);
        else
            strip_by_stride(s, &l, c, 5, n == LANES);
    }
}
