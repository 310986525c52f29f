/*
 * The definition of convolution sums, in plain C.
 *
 * Each function makes the sums of all output channels of one pixel, in TensorFlow Lite's order of
 * additions (ky, kx, input channel), so that floats agree bit for bit with its reference kernels.
 * What becomes of the sums is in requant.h.
 */
#ifndef OCT_KERNELS_CONV_H
#define OCT_KERNELS_CONV_H

#include "kernels/quantize_rows.h"
#include "kernels/window.h"

/* X(name, input element, filter element, sum, type in which sums wrap) */
#define OCT_CONV_TYPES(X)                                                                          \
    X(f32, float, float, float, float)                                                             \
    X(s8, int8_t, int8_t, int32_t, uint32_t)                                                       \
    X(u8, uint8_t, uint8_t, int32_t, uint32_t)                                                     \
    X(s16, int16_t, int8_t, int64_t, uint64_t)

/**
 * sum[oc] = sum over taps inside the image of (x - x_zero) * (filter - filter_zero), oc < out_c.
 *
 * x       [batches][in_h][in_w][in_c]
 * filter  [out_c][kernel_h][kernel_w][depth]; groups are in_c / depth (out_c is a multiple of
 *         them).
 * sum     [out_c]; integer sums wrap.
 * Zero points are 0 for f32 and s16.
 */
#define OCT_CONV_DECLARE(name, in_t, filter_t, sum_t, wrap_t)                                      \
    void oct_conv_sums_##name(const oct_window *w, const in_t *x, sum_t x_zero,                    \
        const filter_t *filter, sum_t filter_zero, int32_t b, int32_t oy, int32_t ox, sum_t *sum);
OCT_CONV_TYPES(OCT_CONV_DECLARE)
#undef OCT_CONV_DECLARE

/**
 * The same for depthwise convolution: filter [kernel_h][kernel_w][out_c], output channel oc sees
 * input channel oc / (out_c / in_c) only.
 */
#define OCT_DEPTHWISE_DECLARE(name, in_t, filter_t, sum_t, wrap_t)                                 \
    void oct_depthwise_sums_##name(const oct_window *w, const in_t *x, sum_t x_zero,               \
        const filter_t *filter, sum_t filter_zero, int32_t b, int32_t oy, int32_t ox, sum_t *sum);
OCT_CONV_TYPES(OCT_DEPTHWISE_DECLARE)
#undef OCT_DEPTHWISE_DECLARE

/**
 * Transposed convolution: sums of output row oy of batch b, each output added up input by input
 * (rows, columns, channels), as TensorFlow Lite scatters them.
 *
 * w       the window of the forward convolution that maps the output to the input: in_* are this
 *         operator's input, out_* its output, pad_* count on the output side.
 * filter  [kernel_h][kernel_w][in_c][out_c], see oct_transpose_filter_*()
 * sum     [out_w][out_c]
 */
#define OCT_TRANSPOSE_CONV_DECLARE(name, in_t, filter_t, sum_t, wrap_t)                            \
    void oct_transpose_conv_sums_##name(const oct_window *w, const in_t *x, sum_t x_zero,          \
        const filter_t *filter, sum_t filter_zero, int32_t b, int32_t oy, sum_t *sum);
OCT_CONV_TYPES(OCT_TRANSPOSE_CONV_DECLARE)
#undef OCT_TRANSPOSE_CONV_DECLARE

/**
 * The hybrid form adds floats product by product: (x - zero) * filter * scale[oc] * unit.scale.
 * x is the quantized input, unit its parameters in batch b, scale [out_c].
 */
void oct_transpose_conv_sums_hybrid(const oct_window *w, const int8_t *x, oct_row_quant unit,
    const int8_t *filter, const float *scale, int32_t b, int32_t oy, float *sum);

/** [out_c][kh][kw][in_c] to [kh][kw][in_c][out_c], elements of 1 or 4 bytes. */
void oct_transpose_filter_8(const oct_window *w, const void *filter, void *out);
void oct_transpose_filter_32(const oct_window *w, const void *filter, void *out);

#endif
