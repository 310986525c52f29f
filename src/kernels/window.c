/*
 * Sizes, padding and clipping of sliding windows.
 */
#include "kernels/window.h"

void oct_window_axis(bool same, int32_t in, int32_t kernel, int32_t stride, int32_t dilation,
    int32_t *out, int32_t *before)
{
    int64_t reach = (int64_t)(kernel - 1) * dilation + 1;
    int64_t count = same ? ((int64_t)in + stride - 1) / stride
                         : in < reach ? 0 : (in - reach) / stride + 1;
    int64_t total = (count - 1) * stride + reach - in;
    *out = (int32_t)count;
    *before = count > 0 && total > 0 ? (int32_t)(total / 2) : 0;
}

oct_tap_range oct_window_clip(int32_t origin, int32_t kernel, int32_t dilation, int32_t size)
{
    oct_tap_range span = { 0, kernel };
    if (origin < 0)
        span.begin = (-origin + dilation - 1) / dilation;
    int32_t room = size - origin; /* taps k with k * dilation < room are inside */
    int32_t fit = room > 0 ? (room + dilation - 1) / dilation : 0;
    if (span.end > fit)
        span.end = fit;
    if (span.begin > span.end)
        span.begin = span.end;
    return span;
}
