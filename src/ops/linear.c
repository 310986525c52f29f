/*
 * Shared parts of operators that multiply by weights.
 */
#include "ops/linear.h"

#include <math.h>

#include "ops/arith.h"

static const oct_value *bias_value(const oct_op *op, const oct_linear_slots *slots)
{
    return slots->bias < op->in_count ? op->in[slots->bias] : NULL;
}

const void *oct_linear_bias(const oct_op *op, const oct_linear *linear)
{
    const oct_value *bias = bias_value(op, &linear->slots);
    return bias == NULL ? NULL : bias->data;
}

static oct_status need_type(const oct_op *op, const oct_value *value, oct_type type, oct_error *err)
{
    if (value->type == type)
        return OCT_OK;
    return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%s is %s; %s is needed here", value->label,
        oct_type_name(value->type), oct_type_name(type));
}

/* Types of input, filter, output and bias of each form; int16 biases are checked by check_bias16().
 */
static oct_status check_types(const oct_op *op, const oct_linear_slots *slots, oct_error *err)
{
    static const struct { oct_type data, filter, bias; } types[OCT_FORM_COUNT] = {
        [OCT_FORM_F32] = { OCT_FLOAT32, OCT_FLOAT32, OCT_FLOAT32 },
        [OCT_FORM_HYBRID] = { OCT_FLOAT32, OCT_INT8, OCT_FLOAT32 },
        [OCT_FORM_S8] = { OCT_INT8, OCT_INT8, OCT_INT32 },
        [OCT_FORM_U8] = { OCT_UINT8, OCT_UINT8, OCT_INT32 },
        [OCT_FORM_S16] = { OCT_INT16, OCT_INT8, OCT_INT64 },
    };
    const oct_value *bias = bias_value(op, slots);
    OCT_TRY(need_type(op, op->in[slots->data], types[op->form].data, err));
    OCT_TRY(need_type(op, op->in[slots->filter], types[op->form].filter, err));
    OCT_TRY(need_type(op, op->out[0], types[op->form].data, err));
    if (bias == NULL)
        return OCT_OK;
    if (oct_value_count(bias) != (size_t)slots->channels)
        return oct_op_fail(op, OCT_E_INVALID, err, "bias %s has %zu elements for %d channels",
            bias->label, oct_value_count(bias), (int)slots->channels);
    if (op->form == OCT_FORM_S16 && slots->bias_type == OCT_INT32)
        return need_type(op, bias, OCT_INT32, err);
    return need_type(op, bias, types[op->form].bias, err);
}

/* One symmetric scale, or one for each channel along the right axis. */
static oct_status check_filter_quant(const oct_op *op, const oct_linear_slots *slots,
    oct_error *err)
{
    const oct_value *filter = op->in[slots->filter];
    const oct_quant *quant = filter->quant;
    if (quant->count == 0)
        return oct_op_fail(op, OCT_E_INVALID, err, "%s is not quantized", filter->label);
    if (quant->count > 1 && (quant->count != slots->channels || op->form == OCT_FORM_U8))
        return oct_op_fail(op, OCT_E_INVALID, err, "%s has %d scales for %d channels",
            filter->label, (int)quant->count, (int)slots->channels);
    if (quant->count > 1 && quant->axis != slots->channel_axis)
        return oct_op_fail(op, OCT_E_INVALID, err, "%s is quantized along axis %d, not %d",
            filter->label, (int)quant->axis, (int)slots->channel_axis);
    for (int32_t i = 0; i < quant->count; i++) {
        if (!(quant->scale[i] >= 0.f) || !isfinite(quant->scale[i]))
            return oct_op_fail(op, OCT_E_INVALID, err, "%s: scale %d is %g", filter->label, (int)i,
                (double)quant->scale[i]);
        int64_t zero = quant->zero_point[i];
        if (op->form == OCT_FORM_U8 ? zero < 0 || zero > 255 : zero != 0)
            return oct_op_fail(op, OCT_E_INVALID, err, "%s: zero point %d is %lld", filter->label,
                (int)i, (long long)zero);
    }
    return OCT_OK;
}

/* TensorFlow Lite refuses a bias whose scale is far from s_in * s_w where it requantizes per
 * tensor. */
static oct_status check_bias_scale(const oct_op *op, const oct_linear_slots *slots, oct_error *err)
{
    const oct_value *bias = bias_value(op, slots);
    if (bias == NULL || bias->quant->count != 1 || op->in[slots->filter]->quant->count != 1)
        return OCT_OK;
    double product = (double)(oct_value_scale(op->in[slots->data])
        * oct_value_scale(op->in[slots->filter]));
    double apart = fabs(product - (double)oct_value_scale(bias));
    if (apart / (double)oct_value_scale(op->out[0]) <= 0.02)
        return OCT_OK;
    return oct_op_fail(op, OCT_E_INVALID, err,
        "bias %s has scale %g, but input scale times weight scale is %g", bias->label,
        (double)oct_value_scale(bias), product);
}

static oct_status derive_reals(oct_op *op, oct_linear *l, oct_error *err)
{
    size_t bytes = (size_t)l->slots.channels * sizeof(double);
    double *real = oct_op_alloc(op, bytes);
    if (real == NULL)
        return oct_fail_memory(err, bytes, "multipliers");
    double s_in = (double)oct_value_scale(op->in[l->slots.data]);
    for (int32_t c = 0; c < l->slots.channels; c++)
        real[c] = s_in * (double)l->scale[c] / (double)oct_value_scale(op->out[0]);
    l->rq.real = real;
    return OCT_OK;
}

static oct_status derive_multipliers(oct_op *op, oct_linear *l, oct_error *err)
{
    const oct_value *in = op->in[l->slots.data], *filter = op->in[l->slots.filter];
    size_t bytes = (size_t)l->slots.channels * sizeof(oct_multiplier);
    oct_multiplier *by = oct_op_alloc(op, bytes);
    if (by == NULL)
        return oct_fail_memory(err, bytes, "multipliers");
    double s_in = (double)oct_value_scale(in), s_out = (double)oct_value_scale(op->out[0]);
    /* The 64-bit multiplication of int16 is defined for fewer left shifts. */
    int32_t most = op->form == OCT_FORM_S16 && !l->bias32 ? 7 : 30;
    for (int32_t c = 0; c < l->slots.channels; c++) {
        double product = op->form == OCT_FORM_U8
            ? (double)(oct_value_scale(in) * oct_value_scale(filter))
            : s_in * (double)l->scale[c];
        by[c] = oct_quantize_multiplier(product / s_out);
        if (by[c].e > most)
            return oct_op_fail(op, OCT_E_UNSUPPORTED, err,
                "channel %d: input scale times weight scale over output scale is %g, 2^%d at most",
                (int)c, product / s_out, (int)most);
    }
    l->rq.by = by;
    return OCT_OK;
}

static oct_status expand_scales(oct_op *op, oct_linear *l, oct_error *err)
{
    const oct_quant *quant = op->in[l->slots.filter]->quant;
    size_t bytes = (size_t)l->slots.channels * sizeof(float);
    float *scale = oct_op_alloc(op, bytes);
    if (scale == NULL)
        return oct_fail_memory(err, bytes, "weight scales");
    l->scales_equal = true;
    for (int32_t c = 0; c < l->slots.channels; c++) {
        scale[c] = quant->scale[quant->count > 1 ? c : 0];
        l->scales_equal &= scale[c] == scale[0];
    }
    l->scale = scale;
    return OCT_OK;
}

oct_status oct_linear_prepare(oct_op *op, const oct_linear_slots *slots, oct_linear *linear,
    oct_error *err)
{
    linear->slots = *slots;
    linear->bias32 = slots->bias_type == OCT_INT32;
    oct_activation_range_f32(slots->activation, &linear->lo, &linear->hi);
    OCT_TRY(check_types(op, slots, err));
    if (op->form == OCT_FORM_F32)
        return OCT_OK;
    OCT_TRY(check_filter_quant(op, slots, err));
    OCT_TRY(expand_scales(op, linear, err));
    if (op->form == OCT_FORM_HYBRID)
        return OCT_OK;
    OCT_TRY(oct_op_need_quant(op, op->in[slots->data], err));
    OCT_TRY(oct_op_need_quant(op, op->out[0], err));
    if (op->node->op == OCT_OP_FULLY_CONNECTED || op->form == OCT_FORM_U8)
        OCT_TRY(check_bias_scale(op, slots, err));
    linear->rq.zero = oct_value_zero(op->out[0]);
    linear->in_zero = oct_value_zero(op->in[slots->data]);
    linear->filter_zero = op->form == OCT_FORM_U8 ? oct_value_zero(op->in[slots->filter]) : 0;
    oct_activation_range_quantized(slots->activation, op->out[0], &linear->rq.lo, &linear->rq.hi);
    if (slots->real)
        return derive_reals(op, linear, err);
    return derive_multipliers(op, linear, err);
}

oct_status oct_linear_scratch(oct_op *op, bool *usable, oct_error *err)
{
    (void)usable;
    const oct_linear *l = op->prepared;
    size_t workers = (size_t)oct_pool_threads(op->pool);
    op->scratch_bytes[0] = workers * (size_t)l->slots.channels * 8;
    if (op->form != OCT_FORM_HYBRID)
        return OCT_OK;
    oct_value *in = op->in[l->slots.data];
    op->scratch_bytes[1] = oct_value_count(in);
    size_t ranges = workers * OCT_RANGE_STEP * sizeof(oct_float_range);
    op->scratch_bytes[2] = (size_t)l->window.batches * sizeof(oct_row_quant) + ranges;
    if (l->window.batches == 1 && in->folds_range && in->range == NULL && !in->known)
        in->range = oct_op_alloc(op, ranges);
    return in->folds_range && in->range == NULL && l->window.batches == 1 && !in->known
        ? oct_fail_memory(err, ranges, "ranges")
        : OCT_OK;
}

oct_status oct_linear_requant_s16(oct_op *op, const oct_linear *linear, const uint8_t *order,
    int32_t columns, oct_requant_s16_tile *tile, oct_error *err)
{
    size_t bytes = (size_t)(columns + 15) / 16 * sizeof(oct_requant_s16_block);
    char *blocks = oct_op_alloc(op, bytes + 63);
    if (blocks == NULL)
        return oct_fail_memory(err, bytes, "requantization constants");
    blocks += (64 - (uintptr_t)blocks % 64) % 64;
    oct_requant_s16_tile_init(&linear->rq, oct_linear_bias(op, linear), linear->slots.channels,
        columns, order, (oct_requant_s16_block *)(void *)blocks, tile);
    return OCT_OK;
}

oct_status oct_linear_window(const oct_op *op, const oct_value *in, oct_window *w, bool same,
    oct_error *err)
{
    if (in->rank != 4)
        return oct_op_fail(op, OCT_E_INVALID, err, "input %s has %d dimensions, not 4", in->label,
            (int)in->rank);
    if (w->stride_h < 1 || w->stride_w < 1 || w->dilation_h < 1 || w->dilation_w < 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "strides %dx%d, dilations %dx%d",
            (int)w->stride_h, (int)w->stride_w, (int)w->dilation_h, (int)w->dilation_w);
    if (w->kernel_h < 1 || w->kernel_w < 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "kernel of %dx%d", (int)w->kernel_h,
            (int)w->kernel_w);
    int64_t reach_h = (int64_t)w->kernel_h * w->dilation_h,
            reach_w = (int64_t)w->kernel_w * w->dilation_w;
    if (reach_h > INT32_MAX / 4 || reach_w > INT32_MAX / 4 || in->dims[1] > INT32_MAX / 4
        || in->dims[2] > INT32_MAX / 4)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "kernel or image is too large");
    w->batches = in->dims[0];
    w->in_h = in->dims[1];
    w->in_w = in->dims[2];
    w->in_c = in->dims[3];
    oct_window_axis(same, w->in_h, w->kernel_h, w->stride_h, w->dilation_h, &w->out_h, &w->pad_top);
    oct_window_axis(
        same, w->in_w, w->kernel_w, w->stride_w, w->dilation_w, &w->out_w, &w->pad_left);
    if (w->out_h < 1 || w->out_w < 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "a %dx%d kernel does not fit a %dx%d image",
            (int)w->kernel_h, (int)w->kernel_w, (int)w->in_h, (int)w->in_w);
    return OCT_OK;
}

oct_status oct_linear_infer(oct_op *op, int32_t data,
    oct_status (*make)(const oct_op *op, oct_window *w, oct_error *err), oct_error *err)
{
    oct_window w;
    OCT_TRY(make(op, &w, err));
    int32_t dims[4] = { w.batches, w.out_h, w.out_w, w.out_c };
    return oct_op_set_shape(op, 0, op->in[data]->type, 4, dims, err);
}

oct_linear_types oct_linear_node_types(const oct_subgraph *sub, const oct_node *node, int32_t data,
    int32_t filter, int32_t channel_axis)
{
    const oct_tensor *weights = sub->tensors[node->inputs[filter]];
    return (oct_linear_types){ sub->tensors[node->inputs[data]]->type, weights->type,
        sub->tensors[node->outputs[0]]->type,
        channel_axis < weights->rank && weights->quant.count == weights->dims[channel_axis] };
}

void oct_linear_offer_range(oct_op *op, const oct_linear *linear)
{
    op->out[0]->folds_range = linear->window.batches == 1;
}

void oct_linear_reset_range(oct_op *op)
{
    for (int32_t i = 0; op->out[0]->range != NULL && i < oct_pool_threads(op->pool); i++)
        op->out[0]->range[i * OCT_RANGE_STEP] = OCT_FLOAT_RANGE_NONE;
}

oct_float_range *oct_linear_range(const oct_op *op, int32_t worker)
{
    oct_float_range *range = op->out[0]->range;
    return range != NULL ? range + worker * OCT_RANGE_STEP : NULL;
}

enum { PIECE = 16 * 1024 }; /* floats of an image that a worker takes at a time */

typedef struct quantize_task {
    const oct_quantize_kernels *kernels;
    const float *x;
    int8_t *q;
    size_t length;          /* of a unit */
    oct_row_quant *units;
    bool asymmetric;
    oct_float_range *range; /* one image: of each worker */
    oct_quantizer by;       /* one image */
} quantize_task;

/* A few units at a time, step by step: their divisions overlap. */
static void quantize_units(void *user, size_t begin, size_t end, int32_t worker)
{
    enum { AT_ONCE = 8 };
    (void)worker;
    const quantize_task *t = user;
    for (size_t first = begin; first < end; first += AT_ONCE) {
        size_t count = end - first < AT_ONCE ? end - first : AT_ONCE;
        const float *x = t->x + first * t->length;
        int8_t *q = t->q + first * t->length;
        oct_float_range range[AT_ONCE];
        oct_quantizer by[AT_ONCE];
        for (size_t i = 0; i < count; i++) {
            range[i] = OCT_FLOAT_RANGE_NONE;
            t->kernels->fold(x + i * t->length, t->length, &range[i]);
        }
        for (size_t i = 0; i < count; i++)
            by[i] = oct_quantizer_of(range[i], t->asymmetric);
        for (size_t i = 0; i < count; i++) {
            t->kernels->apply(&by[i], x + i * t->length, t->length, q + i * t->length);
            t->units[first + i] = by[i].unit;
        }
    }
}

static void fold_pieces(void *user, size_t begin, size_t end, int32_t worker)
{
    const quantize_task *t = user;
    t->kernels->fold(t->x + begin, end - begin, &t->range[worker * OCT_RANGE_STEP]);
}

static void quantize_pieces(void *user, size_t begin, size_t end, int32_t worker)
{
    (void)worker;
    const quantize_task *t = user;
    t->kernels->apply(&t->by, t->x + begin, end - begin, t->q + begin);
}

static oct_float_range join_workers(const oct_float_range *range, int32_t workers)
{
    oct_float_range all = OCT_FLOAT_RANGE_NONE;
    for (int32_t i = 0; i < workers; i++)
        oct_float_range_join(&all, range[i * OCT_RANGE_STEP]);
    return all;
}

static void quantize_image(oct_op *op, const oct_value *in, quantize_task *t)
{
    int32_t workers = oct_pool_threads(op->pool);
    if (in->range == NULL) {
        t->range = (oct_float_range *)(void *)(t->units + 1);
        for (int32_t i = 0; i < workers; i++)
            t->range[i * OCT_RANGE_STEP] = OCT_FLOAT_RANGE_NONE;
        oct_pool_for(op->pool, t->length, PIECE, fold_pieces, t);
    }
    t->by = oct_quantizer_of(
        join_workers(in->range != NULL ? in->range : t->range, workers), t->asymmetric);
    t->units[0] = t->by.unit;
    oct_pool_for(op->pool, t->length, PIECE, quantize_pieces, t);
}

void oct_linear_quantize(oct_op *op, const oct_linear *linear,
    const oct_quantize_kernels *kernels, bool asymmetric)
{
    const oct_value *in = op->in[linear->slots.data];
    size_t batches = (size_t)linear->window.batches;
    quantize_task task = { .kernels = kernels, .x = in->data, .q = op->scratch[1],
        .length = batches > 0 ? oct_value_count(in) / batches : 0, .units = op->scratch[2],
        .asymmetric = asymmetric };
    if (batches == 1)
        quantize_image(op, in, &task);
    else
        oct_pool_for(op->pool, batches, 8, quantize_units, &task);
}

/* Rows of the output (b, oy) are shared out; each worker has its own sums. */
#define EVAL_ROWS(name, in_t, filter_t, sum_t, out_t, finish)                                      \
    typedef struct task_##name {                                                                   \
        oct_op *op;                                                                                \
        const oct_linear *l;                                                                       \
        oct_sums_##name sums;                                                                      \
        const in_t *x;                                                                             \
        const filter_t *filter;                                                                    \
        const void *bias;                                                                          \
        out_t *y;                                                                                  \
    } task_##name;                                                                                 \
    static void rows_##name(void *user, size_t begin, size_t end, int32_t worker)                  \
    {                                                                                              \
        const task_##name *t = user;                                                               \
        const oct_linear *l = t->l;                                                                \
        const oct_window *w = &l->window;                                                          \
        size_t channels = (size_t)w->out_c;                                                        \
        sum_t *sum = (sum_t *)t->op->scratch[0] + (size_t)worker * channels;                       \
        for (size_t row = begin; row < end; row++) {                                               \
            int32_t b = (int32_t)(row / (size_t)w->out_h), oy = (int32_t)(row % (size_t)w->out_h); \
            out_t *y = t->y + row * (size_t)w->out_w * channels;                                   \
            for (int32_t ox = 0; ox < w->out_w; ox++, y += channels) {                             \
                t->sums(w, t->x, (sum_t)l->in_zero, t->filter, (sum_t)l->filter_zero, b, oy, ox,   \
                    sum);                                                                          \
                finish;                                                                            \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    oct_status oct_linear_eval_##name(oct_op *op, oct_sums_##name sums)                            \
    {                                                                                              \
        const oct_linear *l = op->prepared;                                                        \
        task_##name task = { op, l, sums, op->in[l->slots.data]->data,                             \
            op->in[l->slots.filter]->data, oct_linear_bias(op, l), op->out[0]->data };             \
        oct_pool_for(op->pool, (size_t)l->window.batches * (size_t)l->window.out_h, 1,             \
            rows_##name, &task);                                                                   \
        return OCT_OK;                                                                             \
    }

EVAL_ROWS(f32, float, float, float, float,
    oct_finish_f32(sum, t->bias, channels, l->lo, l->hi, y))
EVAL_ROWS(s8, int8_t, int8_t, int32_t, int8_t, oct_requant_s8(sum, t->bias, channels, &l->rq, y))
EVAL_ROWS(u8, uint8_t, uint8_t, int32_t, uint8_t,
    oct_requant_u8(sum, t->bias, channels, &l->rq, y))
EVAL_ROWS(s16, int16_t, int8_t, int64_t, int16_t,
    l->bias32 ? oct_requant_s16_b32(sum, t->bias, channels, &l->rq, y)
              : oct_requant_s16_b64(sum, t->bias, channels, &l->rq, y))

typedef struct hybrid_task {
    oct_op *op;
    const oct_linear *l;
    oct_sums_s8 sums;
} hybrid_task;

static void rows_hybrid(void *user, size_t begin, size_t end, int32_t worker)
{
    const hybrid_task *t = user;
    const oct_linear *l = t->l;
    const oct_window *w = &l->window;
    size_t channels = (size_t)w->out_c;
    int32_t *sum = (int32_t *)t->op->scratch[0] + (size_t)worker * channels;
    const float *bias = oct_linear_bias(t->op, l);
    for (size_t row = begin; row < end; row++) {
        int32_t b = (int32_t)(row / (size_t)w->out_h), oy = (int32_t)(row % (size_t)w->out_h);
        oct_row_quant unit = ((const oct_row_quant *)t->op->scratch[2])[b];
        float *y = (float *)t->op->out[0]->data + row * (size_t)w->out_w * channels;
        for (int32_t ox = 0; ox < w->out_w; ox++, y += channels) {
            t->sums(w, t->op->scratch[1], unit.zero, t->op->in[l->slots.filter]->data, 0, b, oy,
                ox, sum);
            (l->channel_first ? oct_finish_hybrid_channel : oct_finish_hybrid_shared)(sum, bias,
                channels, unit.scale, l->scale, l->lo, l->hi, y);
        }
    }
}

oct_status oct_linear_eval_hybrid(oct_op *op, oct_sums_s8 sums)
{
    const oct_linear *l = op->prepared;
    hybrid_task task = { op, l, sums };
    oct_linear_quantize(op, l, &oct_quantize_kernels_c, l->asymmetric);
    oct_pool_for(op->pool, (size_t)l->window.batches * (size_t)l->window.out_h, 1, rows_hybrid,
        &task);
    return OCT_OK;
}
