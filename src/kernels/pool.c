/*
 * Pools: one walk over the taps inside, channels innermost.
 */
#include "kernels/pool.h"

static inline float mean_f32(float sum, int32_t n)
{
    return sum / (float)n;
}

static inline int32_t mean_int(int32_t sum, int32_t n)
{
    return (sum > 0 ? sum + n / 2 : sum - n / 2) / n;
}
#define mean_s8 mean_int
#define mean_u8 mean_int
#define mean_s16 mean_int

#define POOL(kind, name, type, sum_t, first, next, last)                                           \
    void oct_##kind##_pool_##name(const oct_window *w, const type *x, sum_t lo, sum_t hi,          \
        int32_t b, int32_t oy, int32_t ox, sum_t *sum, type *y)                                    \
    {                                                                                              \
        int32_t y0 = oy * w->stride_h - w->pad_top, x0 = ox * w->stride_w - w->pad_left;           \
        oct_tap_range ys = oct_window_span(y0, w->kernel_h, 1, w->in_h);                           \
        oct_tap_range xs = oct_window_span(x0, w->kernel_w, 1, w->in_w);                           \
        int32_t taps = (ys.end - ys.begin) * (xs.end - xs.begin);                                  \
        (void)taps;                                                                                \
        for (int32_t c = 0; c < w->in_c; c++)                                                      \
            sum[c] = first;                                                                        \
        for (int32_t ky = ys.begin; ky < ys.end; ky++) {                                           \
            const type *p = x + (((size_t)b * (size_t)w->in_h + (size_t)(y0 + ky))                 \
                * (size_t)w->in_w + (size_t)(x0 + xs.begin)) * (size_t)w->in_c;                    \
            for (int32_t kx = xs.begin; kx < xs.end; kx++, p += w->in_c)                           \
                for (int32_t c = 0; c < w->in_c; c++)                                              \
                    sum[c] = next;                                                                 \
        }                                                                                          \
        for (int32_t c = 0; c < w->in_c; c++) {                                                    \
            sum_t v = last;                                                                        \
            v = v < lo ? lo : v;                                                                   \
            y[c] = (type)(hi < v ? hi : v);                                                        \
        }                                                                                          \
    }

#define AVERAGE(name, type, sum_t)                                                                 \
    POOL(average, name, type, sum_t, 0, sum[c] + (sum_t)p[c], mean_##name(sum[c], taps))
OCT_POOL_TYPES(AVERAGE)

/* The maximum starts from the lower clamp: what is below it is clamped anyway. */
#define MAXIMUM(name, type, sum_t)                                                                 \
    POOL(max, name, type, sum_t, lo, sum[c] < (sum_t)p[c] ? (sum_t)p[c] : sum[c], sum[c])
OCT_POOL_TYPES(MAXIMUM)
