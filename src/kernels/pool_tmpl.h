/*
 * The loops of pool.h; ISA is the suffix of the variant's names. One walk over the taps inside,
 * channels innermost, as loops that compilers vectorise: maxima are folded in the outputs
 * themselves, means are divided in float where that is exact.
 */
#include "kernels/pool.h"

#define PASTE(name, isa) name##_##isa
#define NAMED(name, isa) PASTE(name, isa)

/* Calls `each` with p at channel 0 of every tap inside; `taps` is their number. */
#define EACH_TAP(w, x, type, each)                                                                 \
    int32_t y0 = oy * w->stride_h - w->pad_top, x0 = ox * w->stride_w - w->pad_left;               \
    oct_tap_range ys = oct_window_span(y0, w->kernel_h, 1, w->in_h);                               \
    oct_tap_range xs = oct_window_span(x0, w->kernel_w, 1, w->in_w);                               \
    for (int32_t ky = ys.begin; ky < ys.end; ky++) {                                               \
        const type *p = x + (((size_t)b * (size_t)w->in_h + (size_t)(y0 + ky)) * (size_t)w->in_w   \
            + (size_t)(x0 + xs.begin)) * (size_t)w->in_c;                                          \
        for (int32_t kx = xs.begin; kx < xs.end; kx++, p += w->in_c)                               \
            each                                                                                   \
    }

/* Sums of so few taps, with half their number, are floats; so their quotient is truncated right. */
enum { FEW_TAPS = 256 };

static inline void mean_int(int32_t *sum, int32_t channels, int32_t n)
{
    int32_t half = n / 2;
    for (int32_t c = 0; c < channels; c++)
        sum[c] += sum[c] > 0 ? half : -half;
    if (n <= FEW_TAPS)
        for (int32_t c = 0; c < channels; c++)
            sum[c] = (int32_t)((float)sum[c] / (float)n);
    else
        for (int32_t c = 0; c < channels; c++)
            sum[c] /= n;
}
#define mean_s8 mean_int
#define mean_u8 mean_int
#define mean_s16 mean_int

static inline void mean_f32(float *sum, int32_t channels, int32_t n)
{
    for (int32_t c = 0; c < channels; c++)
        sum[c] /= (float)n;
}

#define POOLS(name, type, sum_t)                                                                   \
    void NAMED(oct_average_pool_##name, ISA) OCT_POOL_FN(type, sum_t)                              \
    {                                                                                              \
        int32_t n = w->in_c;                                                                       \
        for (int32_t c = 0; c < n; c++)                                                            \
            sum[c] = 0;                                                                            \
        EACH_TAP(w, x, type, for (int32_t c = 0; c < n; c++) sum[c] += (sum_t)p[c];)               \
        mean_##name(sum, n, (ys.end - ys.begin) * (xs.end - xs.begin));                            \
        for (int32_t c = 0; c < n; c++) {                                                          \
            sum_t v = sum[c] < lo ? lo : sum[c];                                                   \
            y[c] = (type)(hi < v ? hi : v);                                                        \
        }                                                                                          \
    }                                                                                              \
    void NAMED(oct_max_pool_##name, ISA) OCT_POOL_FN(type, sum_t)                                  \
    {                                                                                              \
        int32_t n = w->in_c;                                                                       \
        const type low = (type)lo, high = (type)hi;                                                \
        (void)sum;                                                                                 \
        for (int32_t c = 0; c < n; c++)                                                            \
            y[c] = low;                                                                            \
        EACH_TAP(w, x, type, for (int32_t c = 0; c < n; c++) y[c] = y[c] < p[c] ? p[c] : y[c];)    \
        for (int32_t c = 0; c < n; c++)                                                            \
            y[c] = high < y[c] ? high : y[c];                                                      \
    }
OCT_POOL_TYPES(POOLS)
