/*
 * Convolution sums: one loop nest for all types.
 */
#include "kernels/conv.h"

static size_t input_offset(const oct_window *w, int32_t b, int32_t y, int32_t x)
{
    return (((size_t)b * (size_t)w->in_h + (size_t)y) * (size_t)w->in_w + (size_t)x) *
           (size_t)w->in_c;
}

#define CONV_SUMS(name, in_t, filter_t, sum_t, wrap_t)                                             \
    void oct_conv_sums_##name(const oct_window *w, const in_t *x, sum_t x_zero,                    \
        const filter_t *filter, sum_t filter_zero, int32_t b, int32_t oy, int32_t ox, sum_t *sum)  \
    {                                                                                              \
        int32_t y0 = oy * w->stride_h - w->pad_top, x0 = ox * w->stride_w - w->pad_left;           \
        oct_tap_range ys = oct_window_span(y0, w->kernel_h, w->dilation_h, w->in_h);               \
        oct_tap_range xs = oct_window_span(x0, w->kernel_w, w->dilation_w, w->in_w);               \
        int32_t per_group = w->out_c / (w->in_c / w->depth);                                       \
        for (int32_t oc = 0; oc < w->out_c; oc++) {                                                \
            sum_t total = 0;                                                                       \
            for (int32_t ky = ys.begin; ky < ys.end; ky++) {                                       \
                for (int32_t kx = xs.begin; kx < xs.end; kx++) {                                   \
                    const in_t *p = x + input_offset(w, b, y0 + ky * w->dilation_h,                \
                        x0 + kx * w->dilation_w) + (size_t)(oc / per_group) * (size_t)w->depth;    \
                    const filter_t *f = filter + (((size_t)oc * (size_t)w->kernel_h + (size_t)ky)  \
                        * (size_t)w->kernel_w + (size_t)kx) * (size_t)w->depth;                    \
                    for (int32_t ic = 0; ic < w->depth; ic++)                                      \
                        total = (sum_t)((wrap_t)total                                              \
                            + (wrap_t)(((sum_t)p[ic] - x_zero) * ((sum_t)f[ic] - filter_zero)));   \
                }                                                                                  \
            }                                                                                      \
            sum[oc] = total;                                                                       \
        }                                                                                          \
    }
OCT_CONV_TYPES(CONV_SUMS)

#define DEPTHWISE_SUMS(name, in_t, filter_t, sum_t, wrap_t)                                        \
    void oct_depthwise_sums_##name(const oct_window *w, const in_t *x, sum_t x_zero,               \
        const filter_t *filter, sum_t filter_zero, int32_t b, int32_t oy, int32_t ox, sum_t *sum)  \
    {                                                                                              \
        int32_t y0 = oy * w->stride_h - w->pad_top, x0 = ox * w->stride_w - w->pad_left;           \
        oct_tap_range ys = oct_window_span(y0, w->kernel_h, w->dilation_h, w->in_h);               \
        oct_tap_range xs = oct_window_span(x0, w->kernel_w, w->dilation_w, w->in_w);               \
        int32_t multiplier = w->out_c / w->in_c;                                                   \
        for (int32_t oc = 0; oc < w->out_c; oc++)                                                  \
            sum[oc] = 0;                                                                           \
        for (int32_t ky = ys.begin; ky < ys.end; ky++) {                                           \
            for (int32_t kx = xs.begin; kx < xs.end; kx++) {                                       \
                const in_t *p = x + input_offset(w, b, y0 + ky * w->dilation_h,                    \
                    x0 + kx * w->dilation_w);                                                      \
                const filter_t *f = filter + ((size_t)ky * (size_t)w->kernel_w + (size_t)kx)       \
                    * (size_t)w->out_c;                                                            \
                for (int32_t oc = 0; oc < w->out_c; oc++)                                          \
                    sum[oc] = (sum_t)((wrap_t)sum[oc] + (wrap_t)(((sum_t)p[oc / multiplier]        \
                        - x_zero) * ((sum_t)f[oc] - filter_zero)));                                \
            }                                                                                      \
        }                                                                                          \
    }
OCT_CONV_TYPES(DEPTHWISE_SUMS)

/*
 * Inputs in order of rows, columns and channels; an input meets an output in at most one tap.
 * `product` is what weight *f of channel oc adds for input channel ic.
 */
#define TRANSPOSE_CONV_LOOPS(in_t, filter_t, sum_t, wrap_t, product)                               \
    size_t in_c = (size_t)w->in_c, out_c = (size_t)w->out_c;                                       \
    for (size_t i = 0; i < (size_t)w->out_w * out_c; i++)                                          \
        sum[i] = 0;                                                                                \
    for (int32_t iy = 0; iy < w->in_h; iy++) {                                                     \
        int32_t ky = oy + w->pad_top - iy * w->stride_h;                                           \
        if (ky < 0 || ky >= w->kernel_h)                                                           \
            continue;                                                                              \
        for (int32_t ix = 0; ix < w->in_w; ix++) {                                                 \
            const in_t *p = x + input_offset(w, b, iy, ix);                                        \
            int32_t x0 = ix * w->stride_w - w->pad_left;                                           \
            oct_tap_range xs = oct_window_span(x0, w->kernel_w, 1, w->out_w);                      \
            for (int32_t kx = xs.begin; kx < xs.end; kx++) {                                       \
                const filter_t *f = filter + (size_t)(ky * w->kernel_w + kx) * in_c * out_c;       \
                sum_t *s = sum + (size_t)(x0 + kx) * out_c;                                        \
                for (size_t ic = 0; ic < in_c; ic++, f += out_c)                                   \
                    for (size_t oc = 0; oc < out_c; oc++)                                          \
                        s[oc] = (sum_t)((wrap_t)s[oc] + (wrap_t)(product));                        \
            }                                                                                      \
        }                                                                                          \
    }

#define TRANSPOSE_CONV_SUMS(name, in_t, filter_t, sum_t, wrap_t)                                   \
    void oct_transpose_conv_sums_##name(const oct_window *w, const in_t *x, sum_t x_zero,          \
        const filter_t *filter, sum_t filter_zero, int32_t b, int32_t oy, sum_t *sum)              \
    {                                                                                              \
        TRANSPOSE_CONV_LOOPS(in_t, filter_t, sum_t, wrap_t,                                        \
            ((sum_t)p[ic] - x_zero) * ((sum_t)f[oc] - filter_zero))                                \
    }
OCT_CONV_TYPES(TRANSPOSE_CONV_SUMS)

void oct_transpose_conv_sums_hybrid(const oct_window *w, const int8_t *x, oct_row_quant unit,
    const int8_t *filter, const float *scale, int32_t b, int32_t oy, float *sum)
{
    TRANSPOSE_CONV_LOOPS(int8_t, int8_t, float, float,
        (float)((p[ic] - unit.zero) * f[oc]) * scale[oc] * unit.scale)
}

#define TRANSPOSE_FILTER(bits)                                                                     \
    void oct_transpose_filter_##bits(const oct_window *w, const void *filter, void *out)           \
    {                                                                                              \
        size_t k = (size_t)w->kernel_h * (size_t)w->kernel_w * (size_t)w->in_c;                    \
        size_t n = (size_t)w->out_c;                                                               \
        for (size_t oc = 0; oc < n; oc++)                                                          \
            for (size_t i = 0; i < k; i++)                                                         \
                ((uint##bits##_t *)out)[i * n + oc]                                                \
                    = ((const uint##bits##_t *)filter)[oc * k + i];                                \
    }
TRANSPOSE_FILTER(8)
TRANSPOSE_FILTER(32)
