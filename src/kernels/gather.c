/*
 * Copying of receptive fields, run by run: neighbouring taps of a kernel row are neighbours in
 * memory.
 */
#include "kernels/gather.h"

#include <string.h>

/* Rows of images with few channels are short: one or two overlapping pieces beat a call. */
static inline void copy(char *to, const char *from, size_t bytes)
{
    if (bytes >= 8 && bytes <= 16) {
        uint64_t first, last;
        memcpy(&first, from, 8);
        memcpy(&last, from + bytes - 8, 8);
        memcpy(to, &first, 8);
        memcpy(to + bytes - 8, &last, 8);
    } else {
        memcpy(to, from, bytes);
    }
}

/* One kernel row: taps outside are padding, the ones inside a single run unless dilated. */
static inline char *gather_taps(const oct_gather *g, const char *line, int32_t x0, int pad,
    char *to)
{
    const oct_window *w = &g->window;
    size_t tap = (size_t)w->depth * g->in_bytes, step = (size_t)w->in_c * g->in_bytes;
    oct_tap_range in = oct_window_span(x0, w->kernel_w, w->dilation_w, w->in_w);
    char *end = to + (size_t)w->kernel_w * tap;
    if (in.begin > 0) {
        memset(to, pad, (size_t)in.begin * tap);
        to += (size_t)in.begin * tap;
    }
    if (w->dilation_w == 1 && w->depth == w->in_c) {
        size_t bytes = (size_t)(in.end - in.begin) * tap;
        copy(to, line + (ptrdiff_t)(x0 + in.begin) * (ptrdiff_t)step, bytes);
        to += bytes;
    } else {
        for (int32_t kx = in.begin; kx < in.end; kx++, to += tap)
            copy(to, line + (size_t)(x0 + kx * w->dilation_w) * step, tap);
    }
    if (to < end)
        memset(to, pad, (size_t)(end - to));
    return end;
}

static void gather_row(const oct_gather *g, const char *image, int32_t oy, int32_t ox, int32_t zero,
    char *to)
{
    const oct_window *w = &g->window;
    size_t taps = (size_t)w->kernel_w * (size_t)w->depth * g->in_bytes;
    size_t line = (size_t)w->in_w * (size_t)w->in_c * g->in_bytes;
    int32_t y0 = oy * w->stride_h - w->pad_top, x0 = ox * w->stride_w - w->pad_left;
    int pad = g->in_bytes == 1 ? zero : 0;
    char *end = to + g->row_bytes;
    for (int32_t ky = 0; ky < w->kernel_h; ky++) {
        int32_t y = y0 + ky * w->dilation_h;
        if (y >= 0 && y < w->in_h) {
            to = gather_taps(g, image + (size_t)y * line, x0, pad, to);
        } else {
            memset(to, pad, taps);
            to += taps;
        }
    }
    if (to < end)
        memset(to, 0, (size_t)(end - to));
}

/*
 * Windows inside the image, copied by whole vectors: what is written past a kernel row is written
 * over by the next one. `end` is the end of the input and stop that of the tile, neither to be
 * crossed. Returns how many pixels from (oy, ox) on were done.
 */
static int32_t gather_inner(const oct_gather *g, const char *image, const char *end, int32_t oy,
    int32_t ox, int32_t rows, char *to, const char *stop)
{
    enum { VECTOR = 16 };
    const oct_window *w = &g->window;
    size_t pixel = (size_t)w->in_c * g->in_bytes, line = (size_t)w->in_w * pixel;
    size_t run = (size_t)w->kernel_w * pixel, whole = (run + VECTOR - 1) / VECTOR * VECTOR;
    int32_t y0 = oy * w->stride_h - w->pad_top, done = 0;
    for (; done < rows && ox + done < w->out_w; done++, to += g->row_bytes) {
        int32_t x0 = (ox + done) * w->stride_w - w->pad_left;
        const char *from = image + (size_t)y0 * line + (ptrdiff_t)x0 * (ptrdiff_t)pixel;
        size_t last = (size_t)((w->kernel_h - 1) * w->dilation_h) * line;
        if (x0 < 0 || x0 + w->kernel_w > w->in_w || (size_t)(end - from) < last + whole
            || (size_t)(stop - to) < (size_t)(w->kernel_h - 1) * run + whole)
            break;
        for (int32_t ky = 0; ky < w->kernel_h; ky++, from += (size_t)w->dilation_h * line)
            for (size_t i = 0; i < run; i += VECTOR)
                memcpy(to + (size_t)ky * run + i, from + i, VECTOR);
    }
    return done;
}

/* Whether the windows of output row oy can be copied by gather_inner() where they fit the width. */
static bool rows_inside(const oct_gather *g, int32_t oy)
{
    const oct_window *w = &g->window;
    int32_t y0 = oy * w->stride_h - w->pad_top;
    return w->dilation_w == 1 && w->depth == w->in_c && y0 >= 0
        && y0 + (w->kernel_h - 1) * w->dilation_h < w->in_h;
}

/* Rows of a 1x1 convolution without strides lie in memory as the matrix wants them. */
static bool is_plain(const oct_gather *g)
{
    const oct_window *w = &g->window;
    return w->kernel_h == 1 && w->kernel_w == 1 && w->stride_h == 1 && w->stride_w == 1
        && w->pad_top == 0 && w->pad_left == 0 && w->depth == w->in_c
        && g->row_bytes == (size_t)w->depth * g->in_bytes;
}

static void gather_each(const oct_gather *g, const char *x, const oct_row_quant *units,
    size_t first, int32_t rows, char *to)
{
    const oct_window *w = &g->window;
    size_t image = (size_t)w->in_h * (size_t)w->in_w * (size_t)w->in_c * g->in_bytes;
    int32_t ox = (int32_t)(first % (size_t)w->out_w);
    int32_t oy = (int32_t)(first / (size_t)w->out_w % (size_t)w->out_h);
    size_t b = first / (size_t)w->out_w / (size_t)w->out_h;
    const char *end = x + (size_t)w->batches * image, *stop = to + (size_t)rows * g->row_bytes;
    while (rows > 0) {
        int32_t done = 0;
        if (rows_inside(g, oy))
            done = gather_inner(g, x + b * image, end, oy, ox, rows, to, stop);
        if (done == 0) {
            gather_row(g, x + b * image, oy, ox, units != NULL ? units[b].zero : g->zero, to);
            done = 1;
        }
        rows -= done;
        to += (size_t)done * g->row_bytes;
        ox += done;
        if (ox < w->out_w)
            continue;
        ox = 0;
        if (++oy < w->out_h)
            continue;
        oy = 0;
        b++;
    }
}

/* int8 rows in `raw` to int16 without the zero points of their images. */
static void widen_rows(const oct_gather *g, const char *raw, const oct_row_quant *units,
    size_t first, int32_t rows, char *tile)
{
    size_t depth = g->row_bytes / 2, pixels = (size_t)g->window.out_h * (size_t)g->window.out_w;
    if (units == NULL) {
        g->widen(tile, raw, (size_t)rows * depth, g->zero);
        return;
    }
    for (size_t i = 0; i < (size_t)rows; i++)
        g->widen(tile + i * g->row_bytes, raw + i * depth, depth,
            units[(first + i) / pixels].zero);
}

void oct_gather_rows(const oct_gather *g, const void *x, const oct_row_quant *units, size_t first,
    int32_t rows, void *tile)
{
    oct_gather raw = *g;
    char *to = tile;
    if (g->widen != NULL) {
        raw.row_bytes = g->row_bytes / 2;
        to += (size_t)rows * g->row_bytes;
    }
    const char *from = (const char *)x + first * (size_t)g->window.depth * g->in_bytes;
    size_t bytes = (size_t)rows * raw.row_bytes;
    if (!is_plain(&raw)) {
        gather_each(&raw, x, units, first, rows, to);
        from = to;
    }
    if (g->widen != NULL)
        widen_rows(g, from, units, first, rows, tile);
    else if (g->flip != NULL)
        g->flip(tile, from, bytes, 0);
    else if (from != to)
        memcpy(tile, from, bytes);
}
