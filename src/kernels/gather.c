/*
 * Copying of receptive fields, run by run: neighbouring taps of a kernel row are neighbours in memory.
 */
#include "kernels/gather.h"

#include <string.h>

static void move(const oct_gather *g, char *to, const char *from, size_t n, int32_t zero)
{
    if (g->move != NULL)
        g->move(to, from, n, zero);
    else
        memcpy(to, from, n * g->in_bytes);
}

/* One kernel row: taps outside are padding, the ones inside a single run unless dilated. */
static char *gather_taps(const oct_gather *g, const char *line, int32_t x0, int32_t zero, int pad,
    char *to)
{
    const oct_window *w = &g->window;
    size_t tap = (size_t)w->depth * g->out_bytes, step = (size_t)w->in_c * g->in_bytes;
    oct_span in = oct_window_span(x0, w->kernel_w, w->dilation_w, w->in_w);
    memset(to, pad, (size_t)in.begin * tap);
    char *end = to + (size_t)w->kernel_w * tap;
    to += (size_t)in.begin * tap;
    if (w->dilation_w == 1 && w->depth == w->in_c) {
        size_t n = (size_t)(in.end - in.begin) * (size_t)w->depth;
        move(g, to, line + (ptrdiff_t)(x0 + in.begin) * (ptrdiff_t)step, n, zero);
        to += n * g->out_bytes;
    } else {
        for (int32_t kx = in.begin; kx < in.end; kx++, to += tap)
            move(g, to, line + (size_t)(x0 + kx * w->dilation_w) * step, (size_t)w->depth, zero);
    }
    memset(to, pad, (size_t)(end - to));
    return end;
}

static void gather_row(const oct_gather *g, const char *image, int32_t oy, int32_t ox, int32_t zero,
    int pad, char *to)
{
    const oct_window *w = &g->window;
    size_t taps = (size_t)w->kernel_w * (size_t)w->depth * g->out_bytes;
    size_t line = (size_t)w->in_w * (size_t)w->in_c * g->in_bytes;
    int32_t y0 = oy * w->stride_h - w->pad_top, x0 = ox * w->stride_w - w->pad_left;
    char *end = to + g->row_bytes;
    for (int32_t ky = 0; ky < w->kernel_h; ky++) {
        int32_t y = y0 + ky * w->dilation_h;
        if (y >= 0 && y < w->in_h) {
            to = gather_taps(g, image + (size_t)y * line, x0, zero, pad, to);
        } else {
            memset(to, pad, taps);
            to += taps;
        }
    }
    memset(to, 0, (size_t)(end - to));
}

/* Rows of a 1x1 convolution without strides lie in memory as the matrix wants them. */
static bool is_plain(const oct_gather *g)
{
    const oct_window *w = &g->window;
    return w->kernel_h == 1 && w->kernel_w == 1 && w->stride_h == 1 && w->stride_w == 1
        && w->pad_top == 0 && w->pad_left == 0 && w->depth == w->in_c
        && g->row_bytes == (size_t)w->depth * g->out_bytes;
}

void oct_gather_rows(const oct_gather *g, const void *x, const oct_row_quant *units, size_t first,
    int32_t rows, void *tile)
{
    const oct_window *w = &g->window;
    size_t image = (size_t)w->in_h * (size_t)w->in_w * (size_t)w->in_c * g->in_bytes;
    if (is_plain(g) && (units == NULL || g->flip)) {
        size_t row = (size_t)w->depth;
        move(g, tile, (const char *)x + first * row * g->in_bytes, (size_t)rows * row, g->zero);
        return;
    }
    int32_t ox = (int32_t)(first % (size_t)w->out_w);
    int32_t oy = (int32_t)(first / (size_t)w->out_w % (size_t)w->out_h);
    size_t b = first / (size_t)w->out_w / (size_t)w->out_h;
    char *to = tile;
    for (int32_t i = 0; i < rows; i++, to += g->row_bytes) {
        int32_t zero = units != NULL ? units[b].zero : g->zero;
        int pad = units != NULL && g->flip ? (zero ^ 0x80) & 0xff : g->pad;
        gather_row(g, (const char *)x + b * image, oy, ox, zero, pad, to);
        if (++ox < w->out_w)
            continue;
        ox = 0;
        if (++oy < w->out_h)
            continue;
        oy = 0;
        b++;
    }
}
