/*
 * Depthwise convolution, row by row: oct_depthwise_row() cuts a row into runs, a kernel makes each
 * run.
 *
 * int8 with VNNI goes straight to finished bytes; every other integer form makes a small tile of
 * sums first and finishes it like a convolution does.
 */
#include "ops/fast_depthwise.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/dispatch.h"
#include "ops/arith.h"
#include "ops/fast_columns.h"

enum { SUM_BYTES = 16 * 1024 };

typedef struct fast_depthwise {
    const oct_kernel_set *kernels;
    oct_fast_columns *columns; /* all there is to do, or NULL: nothing below is set */
    oct_depthwise_plan plan;
    int32_t channels, padded; /* padded to whole vectors of 16 */
    void *bias;               /* float or int32 [padded], zeros where sums have none */
    const float *hybrid_bias; /* the bias, or zeros */
    const int32_t *no_sums;   /* zeros [padded]: the zero point is out of the sums already */
    void *dot;                /* packed for the dot-product kernel, or NULL */
    int32_t repeat;           /* neighbouring pixels that kernel takes for one of repeat * channels */
    oct_requant_tile rq;
    oct_requant_tile_fn requant;
    oct_requant_s16_tile rq_s16;
    int32_t sum_pixels;       /* pixels of the tile of sums */
    bool strips;              /* float: windows inside the image go by strips of rows */
    oct_tap_range inner_rows, inner_columns; /* strips: of those windows */
    size_t worker_bytes;
} fast_depthwise;

static void *alloc_aligned(oct_op *op, size_t size)
{
    char *bytes = oct_op_alloc(op, size + 63);
    return bytes == NULL ? NULL : bytes + (64 - (uintptr_t)bytes % 64) % 64;
}

/* Rows of weights, [taps][padded]: floats as they are, int8 as int16 in dwords. */
static oct_status pack_taps(oct_op *op, const oct_linear *l, fast_depthwise *f, oct_error *err)
{
    size_t taps = oct_window_taps(&l->window), n = (size_t)f->channels;
    bool floats = op->form == OCT_FORM_F32;
    f->plan.weight_bytes = (size_t)f->padded * 4;
    char *weights = alloc_aligned(op, taps * f->plan.weight_bytes);
    f->plan.weights = weights;
    f->bias = alloc_aligned(op, (size_t)f->padded * 4);
    if (weights == NULL || f->bias == NULL)
        return oct_fail_memory(err, taps * f->plan.weight_bytes, "packed weights");
    const void *filter = op->in[l->slots.filter]->data, *bias = oct_linear_bias(op, l);
    for (size_t t = 0; t < taps; t++) {
        void *row = weights + t * f->plan.weight_bytes;
        if (floats)
            memcpy(row, (const float *)filter + t * n, n * sizeof(float));
        else
            for (size_t c = 0; c < n; c++)
                ((int32_t *)row)[c] = ((const int8_t *)filter)[t * n + c] & 0xffff;
    }
    if (bias != NULL && (floats || op->form == OCT_FORM_S8))
        memcpy(f->bias, bias, n * 4);
    f->no_sums = f->bias;
    f->hybrid_bias = bias != NULL ? bias : f->bias;
    return OCT_OK;
}

static int64_t most_sum(const int8_t *filter, const int32_t *bias, size_t channels, size_t taps)
{
    int64_t most = 0;
    for (size_t c = 0; c < channels; c++) {
        int64_t sum = bias != NULL ? llabs(bias[c]) : 0;
        for (size_t t = 0; t < taps; t++)
            sum += 255 * abs(filter[t * channels + c]);
        most = sum > most ? sum : most;
    }
    return most;
}

/*
 * Weights, constants and row of zero points for the dot-product kernel, which works on 64 channels. Few
 * channels are repeated until they fill them, so that neighbouring pixels can be taken together.
 */
static oct_status pack_dot(oct_op *op, const oct_linear *l, fast_depthwise *f,
    oct_requant_block *blocks, oct_error *err)
{
    int32_t taps = (int32_t)oct_window_taps(&l->window), n = f->channels;
    f->repeat = 64 % n == 0 && l->window.stride_w == 1 ? 64 / n : 1;
    int32_t wide = n * f->repeat, whole = (wide + 63) / 64 * 64;
    const int8_t *filter = op->in[l->slots.filter]->data;
    const int32_t *bias = oct_linear_bias(op, l);
    size_t packed = oct_depthwise_dot_bytes(taps, wide);
    int8_t *filter_wide = oct_op_alloc(op, (size_t)taps * (size_t)wide);
    int32_t *bias_wide = oct_op_alloc(op, (size_t)wide * sizeof *bias_wide);
    oct_multiplier *by_wide = oct_op_alloc(op, (size_t)wide * sizeof *by_wide);
    void *missing = alloc_aligned(op, (size_t)whole);
    f->dot = alloc_aligned(op, packed);
    if (filter_wide == NULL || bias_wide == NULL || by_wide == NULL || missing == NULL
        || f->dot == NULL)
        return oct_fail_memory(err, packed, "packed weights");
    for (size_t i = 0; i < (size_t)taps * (size_t)wide; i++)
        filter_wide[i] = filter[i / (size_t)wide * (size_t)n + i % (size_t)n];
    for (int32_t i = 0; i < wide; i++) {
        bias_wide[i] = bias != NULL ? bias[i % n] : 0;
        by_wide[i] = l->rq.by[i % n];
    }
    oct_requant rq = l->rq;
    rq.by = by_wide;
    oct_requant_tile_init(&rq, wide, whole, oct_depthwise_dot_order, blocks, &f->rq);
    oct_depthwise_pack_dot(filter_wide, bias_wide, taps, wide, l->in_zero, f->dot);
    memset(missing, l->in_zero, (size_t)whole);
    f->plan.missing = missing;
    return OCT_OK;
}

/* Requantization constants, and what the dot-product kernel needs where there is one. */
static oct_status prepare_s8(oct_op *op, const oct_linear *l, fast_depthwise *f, oct_error *err)
{
    f->rq = (oct_requant_tile){ .plain = l->rq };
    f->requant = oct_requant_tile_s8_c;
    int64_t most = most_sum(op->in[l->slots.filter]->data, oct_linear_bias(op, l),
        (size_t)f->channels, oct_window_taps(&l->window));
    if (!oct_requant_vectorisable(&l->rq, f->channels, most))
        return OCT_OK;
    size_t bytes = (size_t)(f->channels + 63) / 64 * 4 * sizeof(oct_requant_block);
    oct_requant_block *blocks = alloc_aligned(op, bytes);
    if (blocks == NULL)
        return oct_fail_memory(err, bytes, "requantization constants");
    if (f->kernels->depthwise_s8 != NULL)
        return pack_dot(op, l, f, blocks, err);
    oct_requant_tile_init(&l->rq, f->channels, f->channels, NULL, blocks, &f->rq);
    f->requant = f->kernels->requant_s8;
    return OCT_OK;
}

static bool is_known(const oct_op *op, const oct_linear *l)
{
    bool has_bias = l->slots.bias < op->in_count && op->in[l->slots.bias] != NULL;
    return op->in[l->slots.filter]->known && (!has_bias || op->in[l->slots.bias]->known);
}

oct_status oct_fast_depthwise_prepare(oct_op *op, bool *usable, oct_error *err)
{
    const oct_linear *l = op->prepared;
    *usable = l->window.in_c == l->window.out_c && is_known(op, l)
        && oct_window_taps(&l->window) <= OCT_DEPTHWISE_MAX_TAPS;
    if (!*usable)
        return OCT_OK;
    fast_depthwise *f = oct_op_alloc(op, sizeof *f);
    if (f == NULL)
        return oct_fail_memory(err, sizeof *f, "depthwise convolution");
    op->packed = f;
    f->kernels = oct_kernel_set_get();
    OCT_TRY(oct_linear_scratch(op, usable, err));
    op->scratch_bytes[0] = 0;
    OCT_TRY(oct_fast_columns_prepare(op, &f->columns, err));
    if (f->columns != NULL)
        return OCT_OK;
    f->channels = l->window.in_c;
    f->padded = (f->channels + 15) / 16 * 16;
    size_t element = op->form == OCT_FORM_F32 ? 4 : op->form == OCT_FORM_S16 ? 2 : 1;
    f->plan = (oct_depthwise_plan){ .window = l->window, .in_bytes = element };
    OCT_TRY(pack_taps(op, l, f, err));
    if (op->form == OCT_FORM_S8)
        OCT_TRY(prepare_s8(op, l, f, err));
    if (op->form == OCT_FORM_S16)
        OCT_TRY(oct_linear_requant_s16(op, l, NULL, f->channels, &f->rq_s16, err));
    const oct_window *w = &l->window;
    f->strips = op->form == OCT_FORM_F32 && f->kernels->depthwise_strip != NULL
        && (w->kernel_h == 3 || w->kernel_h == 5) && w->kernel_w == w->kernel_h && w->stride_w <= 2
        && w->dilation_h == 1 && w->dilation_w == 1;
    oct_depthwise_inner(w, &f->inner_rows, &f->inner_columns);
    if (op->form == OCT_FORM_F32 || f->dot != NULL)
        return OCT_OK;
    size_t pixel = (size_t)f->padded * sizeof(int32_t);
    f->sum_pixels = pixel < SUM_BYTES ? (int32_t)(SUM_BYTES / pixel) : 1;
    f->worker_bytes = (size_t)f->sum_pixels * pixel;
    op->scratch_bytes[0] = (size_t)oct_pool_threads(op->pool) * f->worker_bytes;
    return OCT_OK;
}

/* The row a worker is at. */
typedef struct row_task {
    const oct_op *op;
    int32_t batch;
    size_t row;
    int32_t *sum;
} row_task;

static void finish_sums(const row_task *t, int32_t pixels, size_t at)
{
    const oct_op *op = t->op;
    const oct_linear *l = op->prepared;
    const fast_depthwise *f = op->packed;
    size_t stride = (size_t)f->padded, n = (size_t)f->channels;
    if (op->form == OCT_FORM_S8) {
        f->requant(t->sum, stride, pixels, f->channels, &f->rq, 0, (int8_t *)op->out[0]->data + at,
            n);
        return;
    }
    if (op->form == OCT_FORM_S16) {
        f->kernels->requant_s16(t->sum, stride, pixels, f->channels, &f->rq_s16, 0,
            (int16_t *)op->out[0]->data + at, n);
        return;
    }
    for (int32_t p = 0; p < pixels; p++) {
        const oct_row_quant *unit = (const oct_row_quant *)op->scratch[2] + t->batch;
        f->kernels->hybrid_shared(&(oct_hybrid_args){ .sum = t->sum + (size_t)p * stride,
            .sum_stride = stride, .rows = 1, .columns = f->channels, .unit = &unit,
            .column_sum = f->no_sums, .scale = l->scale, .bias = f->hybrid_bias, .lo = l->lo,
            .hi = l->hi, .y = (float *)op->out[0]->data + at + (size_t)p * n, .y_stride = n });
    }
}

/* A run in pieces that fit the tile of sums. */
static void run_sums(const row_task *t, const oct_depthwise_args *args, size_t at)
{
    const fast_depthwise *f = t->op->packed;
    const oct_linear *l = t->op->prepared;
    bool wide = t->op->form == OCT_FORM_S16;
    int32_t zero = l->in_zero;
    if (t->op->form == OCT_FORM_HYBRID)
        zero = ((const oct_row_quant *)t->op->scratch[2])[t->batch].zero;
    oct_depthwise_tap taps[OCT_DEPTHWISE_MAX_TAPS];
    for (int32_t p = 0; p < args->pixels; p += f->sum_pixels) {
        oct_depthwise_args part = *args;
        part.taps = taps;
        part.pixels = args->pixels - p < f->sum_pixels ? args->pixels - p : f->sum_pixels;
        for (int32_t i = 0; i < args->count; i++)
            taps[i] = (oct_depthwise_tap){ (const char *)args->taps[i].x
                    + (size_t)p * args->step * f->plan.in_bytes,
                args->taps[i].w };
        (wide ? f->kernels->depthwise_taps_s16 : f->kernels->depthwise_taps_s8)(&part, f->bias,
            zero, t->sum, (size_t)f->padded);
        finish_sums(t, part.pixels, at + (size_t)p * (size_t)f->channels);
    }
}

/* Pixels of few channels together as far as they go, the others one by one. */
static void run_dot(const fast_depthwise *f, const oct_depthwise_args *args, int8_t *y)
{
    int32_t groups = f->repeat > 1 ? args->pixels / f->repeat : 0;
    size_t done = (size_t)(groups * f->repeat) * (size_t)f->channels;
    oct_depthwise_args part = *args;
    if (groups > 0) {
        part.pixels = groups;
        part.channels = f->channels * f->repeat;
        part.step = (size_t)part.channels;
        f->kernels->depthwise_s8(&part, f->dot, &f->rq, y);
    }
    /* A run of several pixels has no missing taps: all of them move on. */
    oct_depthwise_tap taps[OCT_DEPTHWISE_MAX_TAPS + 3];
    for (int32_t i = 0; i < args->count; i++)
        taps[i] = (oct_depthwise_tap){ (const int8_t *)args->taps[i].x + done, args->taps[i].w };
    part = *args;
    part.taps = taps;
    part.pixels -= groups * f->repeat;
    f->kernels->depthwise_s8(&part, f->dot, &f->rq, y + done);
}

/* The windows inside the image of output rows [begin, end) of one image. */
static void make_strip(const oct_op *op, size_t image, int32_t begin, int32_t end)
{
    const oct_linear *l = op->prepared;
    const fast_depthwise *f = op->packed;
    const oct_window *w = &l->window;
    size_t n = (size_t)f->channels, line = (size_t)w->in_w * n, y_step = (size_t)w->out_w * n;
    begin = begin > f->inner_rows.begin ? begin : f->inner_rows.begin;
    end = end < f->inner_rows.end ? end : f->inner_rows.end;
    if (begin >= end || f->inner_columns.begin >= f->inner_columns.end)
        return;
    size_t x0 = (size_t)(f->inner_columns.begin * w->stride_w - w->pad_left);
    size_t y0 = image * (size_t)w->in_h + (size_t)(begin * w->stride_h - w->pad_top);
    f->kernels->depthwise_strip(&(oct_depthwise_strip){
        .x = (const float *)op->in[l->slots.data]->data + y0 * line + x0 * n, .line = line,
        .row_step = (size_t)w->stride_h * line, .kernel = w->kernel_h, .stride = w->stride_w,
        .rows = end - begin,
        .pixels = f->inner_columns.end - f->inner_columns.begin, .channels = f->channels,
        .weights = f->plan.weights, .bias = f->bias, .weight_step = (size_t)f->padded, .lo = l->lo,
        .hi = l->hi, .y = (float *)op->out[0]->data
            + (image * (size_t)w->out_h + (size_t)begin) * y_step + (size_t)f->inner_columns.begin * n,
        .y_step = y_step });
}

static void make_run(void *user, const oct_depthwise_args *args, int32_t x0)
{
    const row_task *t = user;
    const oct_linear *l = t->op->prepared;
    const fast_depthwise *f = t->op->packed;
    size_t at = (t->row * (size_t)l->window.out_w + (size_t)x0) * (size_t)f->channels;
    int32_t oy = (int32_t)(t->row % (size_t)l->window.out_h);
    if (f->strips && oy >= f->inner_rows.begin && oy < f->inner_rows.end && x0 >= f->inner_columns.begin
        && x0 < f->inner_columns.end)
        return; /* part of a strip */
    if (t->op->form == OCT_FORM_F32)
        f->kernels->depthwise_f32(args, f->bias, l->lo, l->hi, (float *)t->op->out[0]->data + at);
    else if (f->dot != NULL)
        run_dot(f, args, (int8_t *)t->op->out[0]->data + at);
    else
        run_sums(t, args, at);
}

static void make_rows(void *user, size_t begin, size_t end, int32_t worker)
{
    const oct_op *op = user;
    const fast_depthwise *f = op->packed;
    const oct_window *w = &f->plan.window;
    bool hybrid = op->form == OCT_FORM_HYBRID;
    const void *x =
        hybrid ? op->scratch[1] : op->in[((const oct_linear *)op->prepared)->slots.data]->data;
    row_task task = { .op = op,
        .sum = (int32_t *)(void *)((char *)op->scratch[0] + (size_t)worker * f->worker_bytes) };
    for (task.row = begin; task.row < end; task.row++) {
        task.batch = (int32_t)(task.row / (size_t)w->out_h);
        int32_t oy = (int32_t)(task.row % (size_t)w->out_h);
        if (f->strips && (task.row == begin || oy == 0)) {
            size_t left = end - task.row, rest = (size_t)(w->out_h - oy);
            make_strip(op, (size_t)task.batch, oy, oy + (int32_t)(left < rest ? left : rest));
        }
        oct_depthwise_row(&f->plan, x, task.batch, oy, make_run, &task);
    }
}

/* Rows of a strip whose input stays in the second-level cache, but enough strips for all workers. */
static size_t strip_rows(const oct_op *op, size_t rows)
{
    enum { STRIP_BYTES = 256 * 1024, STRIPS_PER_WORKER = 3 };
    const oct_window *w = &((const fast_depthwise *)op->packed)->plan.window;
    size_t row = (size_t)w->in_w * (size_t)w->in_c * (size_t)w->stride_h * sizeof(float);
    size_t fit = row < STRIP_BYTES ? STRIP_BYTES / row : 1;
    int32_t workers = oct_pool_threads(op->pool);
    size_t share = workers > 1 ? rows / (size_t)(STRIPS_PER_WORKER * workers) + 1 : rows;
    return fit < share ? fit : share > 0 ? share : 1;
}

oct_status oct_fast_depthwise_eval(oct_op *op, oct_error *err)
{
    (void)err;
    const oct_linear *l = op->prepared;
    const fast_depthwise *f = op->packed;
    if (op->form == OCT_FORM_HYBRID)
        oct_linear_quantize(op, l, &f->kernels->quantize, true);
    if (f->columns != NULL) {
        oct_fast_columns_eval(op, f->columns);
        return OCT_OK;
    }
    size_t rows = (size_t)l->window.batches * (size_t)l->window.out_h;
    oct_pool_for(op->pool, rows, f->strips ? strip_rows(op, rows) : 1, make_rows, op);
    return OCT_OK;
}
