/*
 * Fast depthwise convolution of every level against the definition, on random windows.
 *
 * Integers are compared with oct_depthwise_sums_*() and scalar requantization, floats bit for bit
 * with the chain of fused multiply-adds written out here.
 */
#include <math.h>

#include "kernels/check.h"
#include "kernels/conv.h"

enum { MOST_PIXEL_CHANNELS = 2048 };

typedef struct problem {
    oct_window w;
    size_t taps, padded, inputs, outputs;
    check_input x;
    void *filter, *packed, *bias, *y; /* packed rows of weights; bias of 4 bytes each */
    size_t y_bytes;
} problem;

static oct_window random_window(void)
{
    oct_window w = { .batches = check_between(1, 2),
        .in_h = check_between(1, 12),
        .in_w = check_between(1, 14),
        .kernel_h = check_between(1, 5),
        .kernel_w = check_between(1, 5),
        .stride_h = check_between(1, 3),
        .stride_w = check_between(1, 3),
        .dilation_h = check_between(1, 2),
        .dilation_w = check_between(1, 2),
        .depth = 1 };
    static const int32_t channels[] = { 1, 3, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96, 130 };
    w.in_c = w.out_c = channels[check_random() % 15];
    bool same = check_random() % 2 == 0;
    oct_window_axis(same, w.in_h, w.kernel_h, w.stride_h, w.dilation_h, &w.out_h, &w.pad_top);
    oct_window_axis(same, w.in_w, w.kernel_w, w.stride_w, w.dilation_w, &w.out_w, &w.pad_left);
    return w.out_h < 1 || w.out_w < 1 ? random_window() : w;
}

static problem problem_of(oct_window w, size_t in_bytes, size_t out_bytes)
{
    problem p = { .w = w };
    p.taps = oct_window_taps(&p.w);
    p.padded = ((size_t)p.w.in_c + 15) / 16 * 16;
    p.inputs = (size_t)p.w.batches * (size_t)p.w.in_h * (size_t)p.w.in_w * (size_t)p.w.in_c;
    p.outputs = oct_window_pixels(&p.w) * (size_t)p.w.out_c;
    p.x = check_input_create(p.inputs * in_bytes);
    p.filter = malloc(p.taps * (size_t)p.w.in_c * 4);
    p.packed = check_packed_create(p.taps * p.padded * 4);
    p.bias = check_packed_create(p.padded * 4);
    p.y_bytes = p.outputs * out_bytes;
    p.y = check_output_create(p.y_bytes);
    return p;
}

static problem problem_create(size_t in_bytes, size_t out_bytes)
{
    return problem_of(random_window(), in_bytes, out_bytes);
}

static void problem_free(problem *p)
{
    check_output_free(p->y);
    free(p->bias);
    free(p->packed);
    free(p->filter);
    check_input_free(&p->x);
}

static const char *describe(const oct_window *w)
{
    static char text[160];
    snprintf(text, sizeof text, "%dx%dx%dx%d kernel %dx%d stride %dx%d dilation %dx%d pad %d,%d",
        w->batches, w->in_h, w->in_w, w->in_c, w->kernel_h, w->kernel_w, w->stride_h, w->stride_w,
        w->dilation_h, w->dilation_w, w->pad_top, w->pad_left);
    return text;
}

/* What a run callback needs. */
typedef struct run {
    const oct_kernel_set *kernels;
    problem *p;
    size_t row;
    const oct_requant_tile *rq;
    const void *dot;
    int32_t zero;
    bool wide;
} run;

static size_t run_offset(const run *r, int32_t x0)
{
    return (r->row * (size_t)r->p->w.out_w + (size_t)x0) * (size_t)r->p->w.out_c;
}

static void each_row(const oct_depthwise_plan *plan, run *r, oct_depthwise_run_fn call)
{
    const oct_window *w = &r->p->w;
    for (r->row = 0; r->row < (size_t)w->batches * (size_t)w->out_h; r->row++)
        oct_depthwise_row(plan, r->p->x.data, (int32_t)(r->row / (size_t)w->out_h),
            (int32_t)(r->row % (size_t)w->out_h), call, r);
}

static void run_f32(void *user, const oct_depthwise_args *args, int32_t x0)
{
    const run *r = user;
    r->kernels->depthwise_f32(args, r->p->bias, -2.f, 6.f, (float *)r->p->y + run_offset(r, x0));
}

static float chain_f32(const problem *p, size_t index)
{
    const oct_window *w = &p->w;
    size_t c = index % (size_t)w->out_c, pixel = index / (size_t)w->out_c;
    int32_t ox = (int32_t)(pixel % (size_t)w->out_w),
            oy = (int32_t)(pixel / (size_t)w->out_w % (size_t)w->out_h);
    size_t b = pixel / (size_t)w->out_w / (size_t)w->out_h;
    float sum = ((const float *)p->bias)[c];
    for (int32_t ky = 0; ky < w->kernel_h; ky++) {
        for (int32_t kx = 0; kx < w->kernel_w; kx++) {
            int32_t y = oy * w->stride_h - w->pad_top + ky * w->dilation_h;
            int32_t x = ox * w->stride_w - w->pad_left + kx * w->dilation_w;
            if (y < 0 || y >= w->in_h || x < 0 || x >= w->in_w)
                continue;
            size_t at = ((b * (size_t)w->in_h + (size_t)y) * (size_t)w->in_w + (size_t)x) *
                            (size_t)w->in_c +
                        c;
            sum = fmaf(((const float *)p->x.data)[at],
                ((const float *)p->filter)[(size_t)(ky * w->kernel_w + kx) * (size_t)w->in_c + c],
                sum);
        }
    }
    return sum < -2.f ? -2.f : sum > 6.f ? 6.f : sum;
}

static void check_f32(const oct_kernel_set *kernels, const char *name)
{
    problem p = problem_create(4, 4);
    size_t n = (size_t)p.w.in_c;
    for (size_t i = 0; i < p.inputs; i++)
        ((float *)p.x.data)[i] = check_float();
    for (size_t i = 0; i < p.taps * n; i++)
        ((float *)p.packed)[i / n * p.padded + i % n] = ((float *)p.filter)[i] = check_float();
    for (size_t i = 0; i < n; i++)
        ((float *)p.bias)[i] = check_float();
    run r = { .kernels = kernels, .p = &p };
    oct_depthwise_plan plan = { .window = p.w, .in_bytes = 4, .weight_bytes = p.padded * 4,
        .weights = p.packed };
    each_row(&plan, &r, run_f32);
    bool equal = check_output_intact(p.y, p.y_bytes);
    for (size_t i = 0; equal && i < p.outputs; i++) {
        float want = chain_f32(&p, i);
        equal = memcmp(&want, (float *)p.y + i, sizeof want) == 0;
    }
    check(equal, "depthwise_f32 %s: %s", name, describe(&p.w));
    problem_free(&p);
}

/* One image whose 3x3 or 5x5 windows strips are made of. */
static oct_window random_strip_window(void)
{
    oct_window w = random_window();
    w.batches = 1;
    bool fits = (w.kernel_h == 3 || w.kernel_h == 5) && w.kernel_w == w.kernel_h && w.stride_w < 3 && w.dilation_h == 1
        && w.dilation_w == 1;
    return fits ? w : random_strip_window();
}

/* The pixels of a strip bit for bit, the others untouched. */
static void check_strip(const oct_kernel_set *kernels, const char *name)
{
    problem p = problem_of(random_strip_window(), 4, 4);
    const oct_window *w = &p.w;
    size_t n = (size_t)w->in_c, line = (size_t)w->in_w * n, y_step = (size_t)w->out_w * n;
    for (size_t i = 0; i < p.inputs; i++)
        ((float *)p.x.data)[i] = check_float();
    for (size_t i = 0; i < p.taps * n; i++)
        ((float *)p.packed)[i / n * p.padded + i % n] = ((float *)p.filter)[i] = check_float();
    for (size_t i = 0; i < n; i++)
        ((float *)p.bias)[i] = check_float();
    oct_tap_range rows, columns;
    oct_depthwise_inner(w, &rows, &columns);
    const float untouched = *(float *)p.y;
    size_t y0 = (size_t)(rows.begin * w->stride_h - w->pad_top);
    size_t x0 = (size_t)(columns.begin * w->stride_w - w->pad_left);
    bool empty = rows.begin == rows.end || columns.begin == columns.end;
    if (!empty)
        kernels->depthwise_strip(&(oct_depthwise_strip){
            .x = (float *)p.x.data + y0 * line + x0 * n, .line = line,
            .row_step = (size_t)w->stride_h * line, .kernel = w->kernel_h, .stride = w->stride_w,
            .rows = rows.end - rows.begin, .pixels = columns.end - columns.begin,
            .channels = w->in_c, .weights = p.packed, .bias = p.bias, .weight_step = p.padded,
            .lo = -2.f, .hi = 6.f,
            .y = (float *)p.y + (size_t)rows.begin * y_step + (size_t)columns.begin * n,
            .y_step = y_step });
    bool equal = check_output_intact(p.y, p.y_bytes);
    for (size_t i = 0; equal && i < p.outputs; i++) {
        int32_t ox = (int32_t)(i / n % (size_t)w->out_w), oy = (int32_t)(i / y_step);
        bool inner = oy >= rows.begin && oy < rows.end && ox >= columns.begin && ox < columns.end;
        float want = inner ? chain_f32(&p, i) : untouched;
        equal = memcmp(&want, (float *)p.y + i, sizeof want) == 0;
    }
    check(equal, "depthwise_strip %s: %s", name, describe(&p.w));
    problem_free(&p);
}

static void run_taps(void *user, const oct_depthwise_args *args, int32_t x0)
{
    const run *r = user;
    (r->wide ? r->kernels->depthwise_taps_s16 : r->kernels->depthwise_taps_s8)(args, r->p->bias,
        r->zero, (int32_t *)r->p->y + run_offset(r, x0), (size_t)r->p->w.out_c);
}

/* Sums of pixel `pixel` by the definition, with the bias. */
static void define_sums(const problem *p, bool wide, int32_t zero, size_t pixel, int32_t *sum)
{
    const oct_window *w = &p->w;
    int32_t ox = (int32_t)(pixel % (size_t)w->out_w),
            oy = (int32_t)(pixel / (size_t)w->out_w % (size_t)w->out_h);
    int32_t b = (int32_t)(pixel / (size_t)w->out_w / (size_t)w->out_h);
    int64_t sum64[MOST_PIXEL_CHANNELS];
    if (wide)
        oct_depthwise_sums_s16(w, p->x.data, 0, p->filter, 0, b, oy, ox, sum64);
    else
        oct_depthwise_sums_s8(w, p->x.data, zero, p->filter, 0, b, oy, ox, sum);
    for (int32_t c = 0; c < w->out_c; c++)
        sum[c] = (int32_t)((uint32_t)(wide ? (int32_t)sum64[c] : sum[c]) +
                           (uint32_t)((int32_t *)p->bias)[c]);
}

static void fill_integers(problem *p, bool wide)
{
    size_t n = (size_t)p->w.in_c;
    for (size_t i = 0; i < p->inputs; i++) {
        if (wide)
            ((int16_t *)p->x.data)[i] = (int16_t)check_extreme(-32768, 32767);
        else
            ((int8_t *)p->x.data)[i] = (int8_t)check_extreme(-128, 127);
    }
    for (size_t i = 0; i < p->taps * n; i++) {
        ((int8_t *)p->filter)[i] = (int8_t)check_extreme(-128, 127);
        ((int32_t *)p->packed)[i / n * p->padded + i % n] = ((int8_t *)p->filter)[i] & 0xffff;
    }
    for (size_t i = 0; i < n; i++)
        ((int32_t *)p->bias)[i] = check_between(-200000, 200000);
}

static void check_taps(const oct_kernel_set *kernels, const char *name, bool wide)
{
    problem p = problem_create(wide ? 2 : 1, 4);
    fill_integers(&p, wide);
    run r = {
        .kernels = kernels, .p = &p, .zero = wide ? 0 : check_extreme(-128, 127), .wide = wide
    };
    oct_depthwise_plan plan = { .window = p.w, .in_bytes = wide ? 2 : 1,
        .weight_bytes = p.padded * 4, .weights = p.packed };
    each_row(&plan, &r, run_taps);
    bool equal = check_output_intact(p.y, p.y_bytes);
    for (size_t pixel = 0; equal && pixel < oct_window_pixels(&p.w); pixel++) {
        int32_t want[MOST_PIXEL_CHANNELS];
        define_sums(&p, wide, r.zero, pixel, want);
        equal =
            memcmp(want, (int32_t *)p.y + pixel * (size_t)p.w.out_c, (size_t)p.w.out_c * 4) == 0;
    }
    check(equal, "depthwise_taps_%s %s: %s", wide ? "s16" : "s8", name, describe(&p.w));
    problem_free(&p);
}

static void run_s8(void *user, const oct_depthwise_args *args, int32_t x0)
{
    const run *r = user;
    r->kernels->depthwise_s8(args, r->dot, r->rq, (int8_t *)r->p->y + run_offset(r, x0));
}

static void check_s8(const oct_kernel_set *kernels, const char *name)
{
    problem p = problem_create(1, 1);
    fill_integers(&p, false);
    int32_t n = p.w.in_c, taps = (int32_t)p.taps, whole = (n + 63) / 64 * 64;
    oct_multiplier by[256];
    for (int32_t c = 0; c < n; c++)
        by[c] = (oct_multiplier){ check_extreme(1 << 30, INT32_MAX), -check_between(5, 12) };
    int32_t zero = check_extreme(-128, 127), out_zero = check_extreme(-128, 100);
    oct_requant rq = {
        .by = by, .zero = out_zero, .lo = check_random() % 2 ? out_zero : -128, .hi = 127
    };
    oct_requant_block *blocks = check_packed_create((size_t)whole / 16 * sizeof *blocks);
    oct_requant_tile tile;
    oct_requant_tile_init(&rq, n, whole, oct_depthwise_dot_order, blocks, &tile);
    void *dot = check_packed_create(oct_depthwise_dot_bytes(taps, n));
    oct_depthwise_pack_dot(p.filter, p.bias, taps, n, zero, dot);
    check_input missing = check_input_create((size_t)n);
    memset(missing.data, zero, (size_t)n);
    run r = { .kernels = kernels, .p = &p, .rq = &tile, .dot = dot };
    oct_depthwise_plan plan = {
        .window = p.w, .in_bytes = 1, .weights = p.packed, .missing = missing.data
    };
    each_row(&plan, &r, run_s8);
    bool equal = check_output_intact(p.y, p.y_bytes);
    for (size_t pixel = 0; equal && pixel < oct_window_pixels(&p.w); pixel++) {
        int32_t sum[MOST_PIXEL_CHANNELS];
        int8_t want[MOST_PIXEL_CHANNELS];
        define_sums(&p, false, zero, pixel, sum);
        oct_requant_s8(sum, NULL, (size_t)n, &rq, want);
        equal = memcmp(want, (int8_t *)p.y + pixel * (size_t)n, (size_t)n) == 0;
    }
    check(equal, "depthwise_s8 %s: %s", name, describe(&p.w));
    check_input_free(&missing);
    free(dot);
    free(blocks);
    problem_free(&p);
}

int main(void)
{
    CHECK_LEVELS(level, kernels) {
        for (int round = 0; round < 400; round++) {
            check_f32(kernels, oct_cpu_name(level));
            if (kernels->depthwise_strip != NULL)
                check_strip(kernels, oct_cpu_name(level));
            check_taps(kernels, oct_cpu_name(level), false);
            check_taps(kernels, oct_cpu_name(level), true);
            if (kernels->depthwise_s8 != NULL)
                check_s8(kernels, oct_cpu_name(level));
        }
    }
    return check_done();
}
