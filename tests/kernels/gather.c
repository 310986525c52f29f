/*
 * Gathered rows against the definition of a receptive field, for every representation.
 */
#include "kernels/check.h"
#include "kernels/gather.h"

enum { KEEP_4, FLIP, WIDEN, KINDS };

static oct_window random_window(void)
{
    oct_window w = { .batches = check_between(1, 3), .in_h = check_between(1, 9),
        .in_w = check_between(1, 9), .in_c = check_between(1, 6), .out_c = 1,
        .kernel_h = check_between(1, 4), .kernel_w = check_between(1, 4),
        .stride_h = check_between(1, 3), .stride_w = check_between(1, 3),
        .dilation_h = check_between(1, 3), .dilation_w = check_between(1, 3) };
    if (check_random() % 4 == 0)
        w.kernel_h = w.kernel_w = w.stride_h = w.stride_w = 1;
    w.depth = w.in_c;
    bool same = check_random() % 2 == 0;
    oct_window_axis(same, w.in_h, w.kernel_h, w.stride_h, w.dilation_h, &w.out_h, &w.pad_top);
    oct_window_axis(same, w.in_w, w.kernel_w, w.stride_w, w.dilation_w, &w.out_w, &w.pad_left);
    return w.out_h < 1 || w.out_w < 1 ? random_window() : w;
}

/* Element t of row `row`: an int32 for KEEP_4, a uint8 for FLIP, an int16 for WIDEN, all as int32.
 */
static int32_t define(const oct_gather *g, const void *x, const oct_row_quant *units, int kind,
    size_t row, size_t t)
{
    const oct_window *w = &g->window;
    if (t >= oct_window_taps(w))
        return 0;
    int32_t c = (int32_t)(t % (size_t)w->depth),
            kx = (int32_t)(t / (size_t)w->depth % (size_t)w->kernel_w);
    int32_t ky = (int32_t)(t / (size_t)w->depth / (size_t)w->kernel_w);
    size_t b = row / (size_t)(w->out_h * w->out_w);
    int32_t ox = (int32_t)(row % (size_t)w->out_w),
            oy = (int32_t)(row / (size_t)w->out_w % (size_t)w->out_h);
    int32_t iy = oy * w->stride_h - w->pad_top + ky * w->dilation_h;
    int32_t ix = ox * w->stride_w - w->pad_left + kx * w->dilation_w;
    int32_t zero = units != NULL ? units[b].zero : g->zero;
    bool inside = iy >= 0 && iy < w->in_h && ix >= 0 && ix < w->in_w;
    size_t at =
        ((b * (size_t)w->in_h + (size_t)iy) * (size_t)w->in_w + (size_t)ix) * (size_t)w->in_c +
        (size_t)c;
    if (kind == KEEP_4)
        return inside ? ((const int32_t *)x)[at] : 0;
    int32_t code = inside ? ((const int8_t *)x)[at] : zero;
    return kind == FLIP ? code + 128 : code - zero;
}

static void check_gather(const oct_kernel_set *kernels, const char *name, int kind)
{
    oct_window w = random_window();
    size_t in_bytes = kind == KEEP_4 ? 4 : 1, out_bytes = kind == KEEP_4 ? 4 : kind == FLIP ? 1 : 2;
    size_t group = kind == KEEP_4 ? 1 : kind == FLIP ? 4 : 2;
    size_t depth = (oct_window_taps(&w) + group - 1) / group * group;
    int32_t zero = kind == KEEP_4 ? 0 : check_extreme(-128, 127);
    oct_gather g = { .window = w, .in_bytes = in_bytes, .out_bytes = out_bytes,
        .row_bytes = depth * out_bytes, .zero = zero,
        .flip = kind == FLIP ? kernels->move_flip : NULL,
        .widen = kind == WIDEN ? kernels->move_widen : NULL };
    oct_row_quant units[3];
    for (int i = 0; i < 3; i++)
        units[i] = (oct_row_quant){ 1.f, check_extreme(-128, 127) };
    bool by_unit = kind != KEEP_4 && check_random() % 2 == 0;
    size_t inputs = (size_t)w.batches * (size_t)w.in_h * (size_t)w.in_w * (size_t)w.in_c;
    check_input x = check_input_create(inputs * in_bytes);
    for (size_t i = 0; i < inputs * in_bytes; i++)
        ((uint8_t *)x.data)[i] = (uint8_t)check_random();
    size_t pixels = oct_window_pixels(&w), first = check_random() % pixels;
    int32_t rows = check_between(1, (int32_t)(pixels - first));
    size_t bytes = (size_t)rows * g.row_bytes;
    bytes += kind == WIDEN ? bytes / 2 : 0;
    void *tile = check_output_create(bytes);
    oct_gather_rows(&g, x.data, by_unit ? units : NULL, first, rows, tile);
    bool equal = check_output_intact(tile, bytes);
    for (size_t i = 0; equal && i < (size_t)rows * depth; i++) {
        int32_t got = kind == KEEP_4 ? ((int32_t *)tile)[i]
            : kind == FLIP           ? ((uint8_t *)tile)[i]
                                     : ((int16_t *)tile)[i];
        equal =
            i % depth >= oct_window_taps(&w) ||
            got == define(&g, x.data, by_unit ? units : NULL, kind, first + i / depth, i % depth);
    }
    check(equal, "gather %s: kind %d, %dx%dx%dx%d kernel %dx%d stride %dx%d dilation %dx%d", name,
        kind, w.batches, w.in_h, w.in_w, w.in_c, w.kernel_h, w.kernel_w, w.stride_h, w.stride_w,
        w.dilation_h, w.dilation_w);
    check_output_free(tile);
    check_input_free(&x);
}

int main(void)
{
    CHECK_LEVELS(level, kernels)
        for (int round = 0; round < 3000; round++)
            check_gather(kernels, oct_cpu_name(level), round % KINDS);
    return check_done();
}
