/*
 * Depthwise convolution by columns. Few channels are repeated until they fill a vector, so that
 * neighbouring pixels are taken together.
 */
#include "ops/fast_columns.h"

#include <stdlib.h>

#include "kernels/dispatch.h"

enum { MOST_LANES = 64 };

struct oct_fast_columns {
    const oct_kernel_set *kernels;
    void *packed;
    int32_t repeat;
    oct_requant_tile rq;         /* int8 form */
    oct_requant_s16_tile rq_s16; /* int16 form */
    oct_columns_hybrid shared;   /* hybrid form: all but the unit */
};

/* Where the constants of `wide` channels are made from those of the node's. */
typedef struct widening {
    int32_t channels, wide, whole; /* whole: up to full vectors */
} widening;

/* Neighbouring pixels that are taken together. */
static int32_t choose_repeat(const oct_op *op, const oct_window *w, const oct_kernel_set *kernels)
{
    if (op->form == OCT_FORM_S16)
        return oct_columns_repeat(w, 32);
    return kernels->columns->repeats ? oct_columns_repeat(w, kernels->columns->lanes) : 1;
}

static void *alloc_aligned(oct_op *op, size_t size)
{
    char *bytes = oct_op_alloc(op, size + 63);
    return bytes == NULL ? NULL : bytes + (64 - (uintptr_t)bytes % 64) % 64;
}

/* n elements of 4 bytes, repeated; zeros where from is NULL and past the channels. */
static void *widen(oct_op *op, const widening *to, const void *from)
{
    uint32_t *all = oct_op_alloc(op, (size_t)to->whole * sizeof *all);
    for (int32_t i = 0; all != NULL && from != NULL && i < to->wide; i++)
        all[i] = ((const uint32_t *)from)[i % to->channels];
    return all;
}

static int32_t *tap_sums(oct_op *op, const widening *to, const int8_t *filter, size_t taps)
{
    int32_t *sum = oct_op_alloc(op, (size_t)to->whole * sizeof *sum);
    for (int32_t i = 0; sum != NULL && i < to->wide; i++)
        for (size_t t = 0; t < taps; t++)
            sum[i] += filter[t * (size_t)to->channels + (size_t)(i % to->channels)];
    return sum;
}

/* Largest magnitude that a channel's sum with its bias can have. */
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

static oct_status prepare_requant(oct_op *op, const oct_linear *l, const widening *to,
    oct_fast_columns *f, oct_error *err)
{
    bool wide_codes = op->form == OCT_FORM_S16;
    size_t bytes = (size_t)to->whole / 16
        * (wide_codes ? sizeof(oct_requant_s16_block) : sizeof(oct_requant_block));
    void *blocks = alloc_aligned(op, bytes);
    oct_multiplier *by = oct_op_alloc(op, (size_t)to->wide * sizeof *by);
    int64_t *bias = oct_op_alloc(op, (size_t)to->wide * sizeof *bias);
    if (blocks == NULL || by == NULL || bias == NULL)
        return oct_fail_memory(err, bytes, "requantization constants");
    const int64_t *given = wide_codes ? oct_linear_bias(op, l) : NULL;
    for (int32_t i = 0; i < to->wide; i++) {
        by[i] = l->rq.by[i % to->channels];
        bias[i] = given != NULL ? given[i % to->channels] : 0;
    }
    oct_requant rq = l->rq;
    rq.by = by;
    if (wide_codes)
        oct_requant_s16_tile_init(
            &rq, bias, to->wide, to->whole, oct_columns_s16_order, blocks, &f->rq_s16);
    else
        oct_requant_tile_init(
            &rq, to->wide, to->whole, f->kernels->columns->order, blocks, &f->rq);
    return OCT_OK;
}

/* Sums of the weights, their scales and the bias for the float end. */
static oct_status prepare_hybrid(oct_op *op, const oct_linear *l, const widening *to,
    oct_fast_columns *f, oct_error *err)
{
    const int8_t *filter = op->in[l->slots.filter]->data;
    f->shared = (oct_columns_hybrid){
        .column_sum = tap_sums(op, to, filter, oct_window_taps(&l->window)),
        .scale = widen(op, to, l->scale), .bias = widen(op, to, oct_linear_bias(op, l)),
        .lo = l->lo, .hi = l->hi };
    if (f->shared.column_sum == NULL || f->shared.scale == NULL || f->shared.bias == NULL)
        return oct_fail_memory(err, (size_t)to->whole * 4, "sums of weights");
    oct_linear_offer_range(op, l);
    return OCT_OK;
}

/* The taps in the order of the kernel's interleaving, with the bias where it is part of the sums. */
static oct_status pack(oct_op *op, const oct_linear *l, const widening *to, oct_fast_columns *f,
    oct_error *err)
{
    const oct_columns_layout *layout = f->kernels->columns;
    bool wide_codes = op->form == OCT_FORM_S16;
    const void *bias = op->form == OCT_FORM_S8 ? widen(op, to, oct_linear_bias(op, l)) : NULL;
    size_t bytes = wide_codes ? oct_columns_s16_bytes(to->wide) : layout->bytes(to->wide);
    f->packed = alloc_aligned(op, bytes);
    int8_t *taps = oct_op_alloc(op, (size_t)OCT_COLUMNS_TAPS * (size_t)to->wide);
    if (f->packed == NULL || taps == NULL || (op->form == OCT_FORM_S8 && bias == NULL))
        return oct_fail_memory(err, bytes, "packed weights");
    oct_columns_order(&l->window, op->in[l->slots.filter]->data, f->repeat, taps);
    if (wide_codes)
        oct_columns_pack_s16(taps, to->wide, f->packed);
    else
        layout->pack(taps, bias, to->wide, op->form == OCT_FORM_HYBRID ? -128 : l->in_zero,
            f->packed);
    return OCT_OK;
}

static bool covers(const oct_op *op, const oct_linear *l, const oct_kernel_set *kernels)
{
    size_t taps = oct_window_taps(&l->window);
    if (!oct_columns_fit(&l->window))
        return false;
    if (op->form == OCT_FORM_HYBRID)
        return kernels->columns_hybrid != NULL && !l->channel_first;
    if (op->form == OCT_FORM_S16)
        return kernels->columns_s16 != NULL && !l->bias32;
    return op->form == OCT_FORM_S8 && kernels->columns_s8 != NULL
        && oct_requant_vectorisable(&l->rq, l->window.in_c,
            most_sum(op->in[l->slots.filter]->data, oct_linear_bias(op, l),
                (size_t)l->window.in_c, taps));
}

oct_status oct_fast_columns_prepare(oct_op *op, oct_fast_columns **out, oct_error *err)
{
    const oct_linear *l = op->prepared;
    const oct_kernel_set *kernels = oct_kernel_set_get();
    *out = NULL;
    if (!covers(op, l, kernels))
        return OCT_OK;
    oct_fast_columns *f = oct_op_alloc(op, sizeof *f);
    if (f == NULL)
        return oct_fail_memory(err, sizeof *f, "depthwise convolution");
    *f = (oct_fast_columns){ .kernels = kernels, .repeat = choose_repeat(op, &l->window, kernels) };
    int32_t wide = l->window.in_c * f->repeat;
    widening to = { l->window.in_c, wide, (wide + MOST_LANES - 1) / MOST_LANES * MOST_LANES };
    OCT_TRY(pack(op, l, &to, f, err));
    OCT_TRY((op->form == OCT_FORM_HYBRID ? prepare_hybrid : prepare_requant)(op, l, &to, f, err));
    *out = f;
    return OCT_OK;
}

typedef struct rows_task {
    const oct_op *op;
    const oct_fast_columns *columns;
} rows_task;

static void make_rows(void *user, size_t begin, size_t end, int32_t worker)
{
    const oct_op *op = ((const rows_task *)user)->op;
    const oct_fast_columns *f = ((const rows_task *)user)->columns;
    const oct_linear *l = op->prepared;
    const oct_window *w = &l->window;
    bool hybrid = op->form == OCT_FORM_HYBRID;
    const char *x = hybrid ? op->scratch[1] : op->in[l->slots.data]->data;
    size_t element = op->form == OCT_FORM_S16 ? 2 : 1;
    size_t image = (size_t)w->in_h * (size_t)w->in_w * (size_t)w->in_c * element;
    oct_columns_args args = { .in_w = w->in_w, .out_w = w->out_w, .pad_left = w->pad_left,
        .stride = w->stride_w, .channels = w->in_c, .repeat = f->repeat, .zero = l->in_zero,
        .packed = f->packed };
    for (size_t row = begin; row < end; row++) {
        size_t b = row / (size_t)w->out_h, at = row * (size_t)w->out_w * (size_t)w->out_c;
        oct_columns_set_rows(
            w, x + b * image, element, (int32_t)(row % (size_t)w->out_h), &args);
        if (hybrid) {
            oct_columns_hybrid by = f->shared;
            by.unit = ((const oct_row_quant *)op->scratch[2])[b];
            by.range = oct_linear_range(op, worker);
            args.zero = by.unit.zero;
            f->kernels->columns_hybrid(&args, &by, (float *)op->out[0]->data + at);
        } else if (op->form == OCT_FORM_S16) {
            f->kernels->columns_s16(&args, &f->rq_s16, (int16_t *)op->out[0]->data + at);
        } else {
            f->kernels->columns_s8(&args, &f->rq, (int8_t *)op->out[0]->data + at);
        }
    }
}

void oct_fast_columns_eval(oct_op *op, const oct_fast_columns *columns)
{
    const oct_window *w = &((const oct_linear *)op->prepared)->window;
    rows_task task = { op, columns };
    oct_linear_reset_range(op);
    oct_pool_for(op->pool, (size_t)w->batches * (size_t)w->out_h, 1, make_rows, &task);
}
