/*
 * What the kernels by columns share: which windows fit, and the order of their taps.
 */
#include "kernels/depthwise_columns.h"

#include <string.h>

bool oct_columns_fit(const oct_window *w)
{
    return w->kernel_w == OCT_COLUMNS_WIDTH && w->kernel_h <= OCT_COLUMNS_MAX_HEIGHT
        && w->dilation_h == 1 && w->dilation_w == 1;
}

int32_t oct_columns_repeat(const oct_window *w, int32_t lanes)
{
    return w->stride_w == 1 && lanes % w->in_c == 0 ? lanes / w->in_c : 1;
}

void oct_columns_set_rows(const oct_window *w, const void *image, size_t in_bytes, int32_t oy,
    oct_columns_args *args)
{
    size_t row_bytes = (size_t)w->in_w * (size_t)w->in_c * in_bytes;
    args->inside = 0;
    for (int32_t k = 0; k < OCT_COLUMNS_MAX_HEIGHT; k++) {
        int32_t y = oy * w->stride_h - w->pad_top + k;
        bool inside = k < w->kernel_h && y >= 0 && y < w->in_h;
        args->rows[k] = (const char *)image + (inside ? (size_t)y * row_bytes : 0);
        args->inside |= inside ? 1u << k : 0;
    }
}

void oct_columns_order(const oct_window *w, const int8_t *filter, int32_t repeat, int8_t *taps)
{
    size_t n = (size_t)w->in_c, wide = n * (size_t)repeat;
    memset(taps, 0, OCT_COLUMNS_TAPS * wide);
    for (int32_t ky = 0; ky < w->kernel_h; ky++)
        for (int32_t kx = 0; kx < w->kernel_w; kx++)
            for (int32_t r = 0; r < repeat; r++)
                memcpy(taps + (size_t)(kx * OCT_COLUMNS_TAPS / OCT_COLUMNS_WIDTH + ky) * wide + (size_t)r * n,
                    filter + (size_t)(ky * w->kernel_w + kx) * n, n);
}
