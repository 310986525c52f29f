/*
 * The geometry of a sliding window: convolutions and pools over NHWC tensors.
 *
 * Output (oy, ox) sees input rows oy * stride_h - pad_top + ky * dilation_h, likewise columns; taps
 * outside of the image do not exist. A matrix product is the window of one tap.
 */
#ifndef OCT_KERNELS_WINDOW_H
#define OCT_KERNELS_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct oct_window {
    int32_t batches, in_h, in_w, in_c, out_h, out_w, out_c;
    int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    int32_t pad_top, pad_left;
    int32_t depth; /* input channels one filter sees: in_c / groups; 1 for depthwise and pools */
} oct_window;

/** Output positions of all batches: rows of the matrix product that a convolution is. */
static inline size_t oct_window_pixels(const oct_window *w)
{
    return (size_t)w->batches * (size_t)w->out_h * (size_t)w->out_w;
}

/** Products that make one output channel of one pixel. */
static inline size_t oct_window_taps(const oct_window *w)
{
    return (size_t)w->kernel_h * (size_t)w->kernel_w * (size_t)w->depth;
}

/** A window that multiplies `rows` rows of `depth` values by `units` columns: one pixel a batch. */
static inline oct_window oct_window_matrix(int32_t rows, int32_t depth, int32_t units)
{
    return (oct_window){ .batches = rows, .in_h = 1, .in_w = 1, .in_c = depth, .out_h = 1,
        .out_w = 1, .out_c = units, .kernel_h = 1, .kernel_w = 1, .stride_h = 1, .stride_w = 1,
        .dilation_h = 1, .dilation_w = 1, .depth = depth };
}

/**
 * Output size and padding before the first element along one axis, in TensorFlow's SAME or VALID
 * sense (the odd padding element goes behind). *out may come out <= 0 for VALID.
 * Source: LiteRT tflite/kernels/padding.h.
 */
void oct_window_axis(bool same, int32_t in, int32_t kernel, int32_t stride, int32_t dilation,
    int32_t *out, int32_t *before);

/* The part of a kernel axis whose taps lie inside the image: begin <= k < end. */
typedef struct oct_tap_range {
    int32_t begin, end;
} oct_tap_range;

/** oct_window_span() of a window that crosses the border. */
oct_tap_range oct_window_clip(int32_t origin, int32_t kernel, int32_t dilation, int32_t size);

/** Taps k with 0 <= origin + k * dilation < size, k < kernel. */
static inline oct_tap_range oct_window_span(
    int32_t origin, int32_t kernel, int32_t dilation, int32_t size)
{
    if (origin >= 0 && origin + (kernel - 1) * dilation < size)
        return (oct_tap_range){ 0, kernel };
    return oct_window_clip(origin, kernel, dilation, size);
}

#endif
