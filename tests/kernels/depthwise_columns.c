/*
 * Depthwise kernels by columns of every level against the definition, on random windows: int8
 * results byte by byte, hybrid ones bit by bit.
 */
#include "kernels/check.h"
#include "kernels/conv.h"

enum { MOST_WIDE = 256 };

typedef struct problem {
    oct_window w;
    int32_t repeat, wide, whole, zero;
    size_t inputs, outputs, taps;
    check_input x;
    int8_t filter[OCT_COLUMNS_TAPS * MOST_WIDE], order[OCT_COLUMNS_TAPS * MOST_WIDE];
    int32_t bias[MOST_WIDE];
    void *packed;
} problem;

static oct_window random_window(void)
{
    static const int32_t channels[] = { 1, 2, 3, 8, 15, 16, 17, 32, 33, 48, 63, 64, 65, 96, 130 };
    oct_window w = { .batches = 1, .in_h = check_between(1, 9), .in_w = check_between(1, 20),
        .kernel_h = check_between(1, 3), .kernel_w = 3, .stride_h = check_between(1, 3),
        .stride_w = check_between(1, 4), .dilation_h = 1, .dilation_w = 1, .depth = 1 };
    w.in_c = w.out_c = channels[check_random() % 15];
    bool same = check_random() % 4 != 0;
    oct_window_axis(same, w.in_h, w.kernel_h, w.stride_h, 1, &w.out_h, &w.pad_top);
    oct_window_axis(same, w.in_w, w.kernel_w, w.stride_w, 1, &w.out_w, &w.pad_left);
    return w.out_h < 1 || w.out_w < 1 ? random_window() : w;
}

/* Channels repeat past n, as the kernels want them. */
static void problem_init(problem *p, const oct_columns_layout *layout, bool hybrid)
{
    *p = (problem){ .w = random_window(), .zero = check_extreme(-128, 127) };
    int32_t n = p->w.in_c;
    p->repeat = layout->repeats ? oct_columns_repeat(&p->w, layout->lanes) : 1;
    p->wide = n * p->repeat;
    p->whole = (p->wide + 63) / 64 * 64;
    p->taps = oct_window_taps(&p->w);
    p->inputs = (size_t)p->w.in_h * (size_t)p->w.in_w * (size_t)n;
    p->outputs = oct_window_pixels(&p->w) * (size_t)n;
    p->x = check_input_create(p->inputs);
    for (size_t i = 0; i < p->inputs; i++)
        ((int8_t *)p->x.data)[i] = (int8_t)check_extreme(-128, 127);
    for (size_t i = 0; i < p->taps * (size_t)n; i++)
        p->filter[i] = (int8_t)check_extreme(-128, 127);
    for (int32_t i = 0; i < p->wide; i++)
        p->bias[i] = i < n ? check_between(-200000, 200000) : p->bias[i % n];
    oct_columns_order(&p->w, p->filter, p->repeat, p->order);
    p->packed = check_packed_create(layout->bytes(p->wide));
    layout->pack(
        p->order, hybrid ? NULL : p->bias, p->wide, hybrid ? -128 : p->zero, p->packed);
}

static void problem_free(problem *p)
{
    free(p->packed);
    check_input_free(&p->x);
}

static oct_columns_args row_args(const problem *p, int32_t oy)
{
    oct_columns_args args = { .in_w = p->w.in_w, .out_w = p->w.out_w, .pad_left = p->w.pad_left,
        .stride = p->w.stride_w, .channels = p->w.in_c, .repeat = p->repeat, .zero = p->zero,
        .packed = p->packed };
    oct_columns_set_rows(&p->w, p->x.data, 1, oy, &args);
    return args;
}

static void report(bool equal, const char *kind, const char *name, const oct_window *w)
{
    check(equal, "columns_%s %s: %dx%dx%d kernel %dx3 stride %dx%d pad %d,%d", kind, name, w->in_h,
        w->in_w, w->in_c, w->kernel_h, w->stride_h, w->stride_w, w->pad_top, w->pad_left);
}

static void check_s8(const oct_kernel_set *kernels, const char *name)
{
    problem p;
    problem_init(&p, kernels->columns, false);
    int32_t n = p.w.in_c, out_zero = check_extreme(-128, 100);
    oct_multiplier by[MOST_WIDE];
    for (int32_t i = 0; i < p.wide; i++)
        by[i] = i < n
            ? (oct_multiplier){ check_extreme(1 << 30, INT32_MAX), -check_between(5, 12) }
            : by[i % n];
    oct_requant rq = { .by = by, .zero = out_zero, .lo = check_random() % 2 ? out_zero : -128,
        .hi = check_between(out_zero, 127) };
    oct_requant_block *blocks = check_packed_create((size_t)p.whole / 16 * sizeof *blocks);
    oct_requant_tile tile;
    oct_requant_tile_init(&rq, p.wide, p.whole, kernels->columns->order, blocks, &tile);
    int8_t *y = check_output_create(p.outputs), want[MOST_WIDE];
    size_t row = (size_t)p.w.out_w * (size_t)n;
    for (int32_t oy = 0; oy < p.w.out_h; oy++) {
        oct_columns_args args = row_args(&p, oy);
        kernels->columns_s8(&args, &tile, y + (size_t)oy * row);
    }
    bool equal = check_output_intact(y, p.outputs);
    for (int32_t i = 0; equal && i < p.w.out_h * p.w.out_w; i++) {
        int32_t sum[MOST_WIDE];
        oct_depthwise_sums_s8(&p.w, p.x.data, p.zero, p.filter, 0, 0, i / p.w.out_w,
            i % p.w.out_w, sum);
        oct_requant_s8(sum, p.bias, (size_t)n, &rq, want);
        equal = memcmp(want, y + (size_t)i * (size_t)n, (size_t)n) == 0;
    }
    report(equal, "s8", name, &p.w);
    check_output_free(y);
    free(blocks);
    problem_free(&p);
}

static void check_hybrid(const oct_kernel_set *kernels, const char *name)
{
    problem p;
    problem_init(&p, kernels->columns, true);
    int32_t n = p.w.in_c, column_sum[MOST_WIDE] = { 0 };
    const int32_t no_sums[MOST_WIDE] = { 0 };
    float scale[MOST_WIDE] = { 0 }, bias[MOST_WIDE] = { 0 }, want[MOST_WIDE];
    for (int32_t i = 0; i < p.wide; i++) {
        scale[i] = i < n ? (float)check_between(1, 1000) / 7e4f : scale[i % n];
        bias[i] = i < n ? check_float() : bias[i % n];
        for (size_t t = 0; t < p.taps; t++)
            column_sum[i] += p.filter[t * (size_t)n + (size_t)(i % n)];
    }
    oct_columns_hybrid by = { .unit = { (float)check_between(1, 99) / 777.f, p.zero },
        .column_sum = column_sum, .scale = scale, .bias = bias, .lo = -2.f, .hi = 6.f };
    oct_float_range range = OCT_FLOAT_RANGE_NONE, all = OCT_FLOAT_RANGE_NONE;
    by.range = &range;
    float *y = check_output_create(p.outputs * sizeof *y);
    size_t row = (size_t)p.w.out_w * (size_t)n;
    for (int32_t oy = 0; oy < p.w.out_h; oy++) {
        oct_columns_args args = row_args(&p, oy);
        kernels->columns_hybrid(&args, &by, y + (size_t)oy * row);
    }
    bool equal = check_output_intact(y, p.outputs * sizeof *y);
    oct_range_fold_c(y, p.outputs, &all);
    equal &= memcmp(&range, &all, sizeof all) == 0;
    const oct_row_quant *unit = &by.unit;
    for (int32_t i = 0; equal && i < p.w.out_h * p.w.out_w; i++) {
        int32_t sum[MOST_WIDE];
        oct_depthwise_sums_s8(&p.w, p.x.data, p.zero, p.filter, 0, 0, i / p.w.out_w,
            i % p.w.out_w, sum);
        oct_hybrid_shared_c(&(oct_hybrid_args){ .sum = sum, .sum_stride = (size_t)n, .rows = 1,
            .columns = n, .unit = &unit, .column_sum = no_sums, .scale = scale, .bias = bias,
            .lo = by.lo, .hi = by.hi, .y = want, .y_stride = (size_t)n });
        equal = memcmp(want, y + (size_t)i * (size_t)n, (size_t)n * sizeof *y) == 0;
    }
    report(equal, "hybrid", name, &p.w);
    check_output_free(y);
    problem_free(&p);
}

static void check_s16(const oct_kernel_set *kernels, const char *name)
{
    problem p;
    problem_init(&p, kernels->columns, true);
    const oct_window *w = &p.w;
    int32_t n = w->in_c, repeat = oct_columns_repeat(w, 32), wide = n * repeat;
    int32_t whole = (wide + 31) / 32 * 32;
    check_input x = check_input_create(p.inputs * 2);
    for (size_t i = 0; i < p.inputs; i++)
        ((int16_t *)x.data)[i] = (int16_t)check_extreme(-32768, 32767);
    oct_multiplier by[MOST_WIDE];
    int64_t bias[MOST_WIDE], sum[MOST_WIDE];
    for (int32_t i = 0; i < wide; i++) {
        by[i] = i < n ? (oct_multiplier){ check_extreme(1 << 30, INT32_MAX), -check_between(0, 14) }
                      : by[i % n];
        bias[i] = i < n ? (int64_t)check_between(-99999, 99999) * 999 : bias[i % n];
    }
    oct_requant rq = { .by = by, .lo = check_between(-32768, 0), .hi = check_between(0, 32767) };
    oct_requant_s16_block *blocks = check_packed_create((size_t)whole / 16 * sizeof *blocks);
    oct_requant_s16_tile tile;
    oct_requant_s16_tile_init(&rq, bias, wide, whole, oct_columns_s16_order, blocks, &tile);
    void *packed = check_packed_create(oct_columns_s16_bytes(wide));
    oct_columns_order(w, p.filter, repeat, p.order);
    oct_columns_pack_s16(p.order, wide, packed);
    int16_t *y = check_output_create(p.outputs * 2), want[MOST_WIDE];
    for (int32_t oy = 0; oy < w->out_h; oy++) {
        oct_columns_args args = row_args(&p, oy);
        args.repeat = repeat;
        args.packed = packed;
        oct_columns_set_rows(w, x.data, 2, oy, &args);
        kernels->columns_s16(&args, &tile, y + (size_t)oy * (size_t)w->out_w * (size_t)n);
    }
    bool equal = check_output_intact(y, p.outputs * 2);
    for (int32_t i = 0; equal && i < w->out_h * w->out_w; i++) {
        oct_depthwise_sums_s16(
            w, x.data, 0, p.filter, 0, 0, i / w->out_w, i % w->out_w, sum);
        oct_requant_s16_b64(sum, bias, (size_t)n, &rq, want);
        equal = memcmp(want, y + (size_t)i * (size_t)n, (size_t)n * 2) == 0;
    }
    report(equal, "s16", name, w);
    check_output_free(y);
    free(packed);
    free(blocks);
    check_input_free(&x);
    problem_free(&p);
}

int main(void)
{
    CHECK_LEVELS(level, kernels) {
        for (int round = 0; round < 1000; round++) {
            if (kernels->columns_s8 != NULL)
                check_s8(kernels, oct_cpu_name(level));
            if (kernels->columns_hybrid != NULL)
                check_hybrid(kernels, oct_cpu_name(level));
            if (kernels->columns_s16 != NULL)
                check_s16(kernels, oct_cpu_name(level));
        }
    }
    return check_done();
}
