/*
 * TRANSPOSE_CONV: inputs are the output's shape, filters [out_c][kh][kw][in_c], data, optional
 * bias.
 *
 * The padding is that of the forward convolution which maps the output back to the input.
 */
#include <string.h>

#include "ops/arith.h"
#include "ops/linear.h"

enum { SHAPE, FILTER, DATA, BIAS };

static oct_status check_shape(const oct_op *op, const int32_t dims[4], oct_error *err)
{
    const oct_transpose_conv_options *o = op->options;
    const oct_value *in = op->in[DATA], *filter = op->in[FILTER];
    if (in->rank != 4 || filter->rank != 4)
        return oct_op_fail(op, OCT_E_INVALID, err, "data and weights must have 4 dimensions");
    if (o->stride_h < 1 || o->stride_w < 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "strides %dx%d", (int)o->stride_h,
            (int)o->stride_w);
    if (filter->dims[3] != in->dims[3] || dims[3] != filter->dims[0] || dims[0] != in->dims[0])
        return oct_op_fail(op, OCT_E_INVALID, err,
            "weights [%d,..,%d], data [%d,..,%d] and output [%d,..,%d] do not fit",
            (int)filter->dims[0], (int)filter->dims[3], (int)in->dims[0], (int)in->dims[3],
            (int)dims[0], (int)dims[3]);
    for (int32_t i = 1; i < 3; i++)
        if (dims[i] < 1 || dims[i] > INT32_MAX / 4 || filter->dims[i] < 1
            || filter->dims[i] > INT32_MAX / 4)
            return oct_op_fail(op, OCT_E_INVALID, err, "output size %dx%d, kernel %dx%d",
                (int)dims[1], (int)dims[2], (int)filter->dims[1], (int)filter->dims[2]);
    return OCT_OK;
}

static oct_status make_window(const oct_op *op, oct_window *w, oct_error *err)
{
    const oct_transpose_conv_options *o = op->options;
    const oct_value *in = op->in[DATA], *filter = op->in[FILTER];
    OCT_TRY(oct_op_need_known(op, SHAPE, "output shape", err));
    if (op->in[SHAPE]->type != OCT_INT32 || oct_value_count(op->in[SHAPE]) != 4)
        return oct_op_fail(op, OCT_E_INVALID, err, "output shape %s must be four int32 numbers",
            op->in[SHAPE]->label);
    int32_t dims[4];
    memcpy(dims, op->in[SHAPE]->data, sizeof dims);
    OCT_TRY(check_shape(op, dims, err));
    *w = (oct_window){ .batches = in->dims[0], .in_h = in->dims[1], .in_w = in->dims[2],
        .in_c = in->dims[3], .out_h = dims[1], .out_w = dims[2], .out_c = dims[3],
        .kernel_h = filter->dims[1], .kernel_w = filter->dims[2], .depth = in->dims[3],
        .stride_h = o->stride_h, .stride_w = o->stride_w, .dilation_h = 1, .dilation_w = 1 };
    bool same = o->padding == OCT_PADDING_SAME;
    int32_t back_h, back_w;
    oct_window_axis(same, w->out_h, w->kernel_h, w->stride_h, 1, &back_h, &w->pad_top);
    oct_window_axis(same, w->out_w, w->kernel_w, w->stride_w, 1, &back_w, &w->pad_left);
    if (back_h != w->in_h || back_w != w->in_w)
        return oct_op_fail(op, OCT_E_INVALID, err,
            "an output of %dx%d comes from data of %dx%d, not of %dx%d", (int)w->out_h,
            (int)w->out_w, (int)back_h, (int)back_w, (int)w->in_h, (int)w->in_w);
    return OCT_OK;
}

static oct_status infer(oct_op *op, oct_error *err)
{
    return oct_linear_infer(op, DATA, make_window, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    const oct_transpose_conv_options *o = op->options;
    oct_linear *l = oct_op_alloc(op, sizeof *l);
    if (l == NULL)
        return oct_fail_memory(err, sizeof *l, "TRANSPOSE_CONV");
    op->prepared = l;
    OCT_TRY(make_window(op, &l->window, err));
    oct_linear_slots slots = { .data = DATA, .filter = FILTER, .bias = BIAS, .channel_axis = 0,
        .channels = l->window.out_c, .activation = o->fused_activation,
        .bias_type = o->quantized_bias_type };
    return oct_linear_prepare(op, &slots, l, err);
}

/* Slot 0: sums of each worker's row; slots 1 and 2: hybrid activations; slot 3: transposed weights.
 */
static oct_status scratch(oct_op *op, bool *usable, oct_error *err)
{
    OCT_TRY(oct_linear_scratch(op, usable, err));
    const oct_window *w = &((const oct_linear *)op->prepared)->window;
    op->scratch_bytes[0] =
        (size_t)oct_pool_threads(op->pool) * (size_t)w->out_w * (size_t)w->out_c * 8;
    op->scratch_bytes[3] = op->in[FILTER]->size;
    return OCT_OK;
}

static size_t rows_of(const oct_window *w)
{
    return (size_t)w->batches * (size_t)w->out_h;
}

/* Rows of the output (b, oy) are shared out; finish turns n sums at `sum` into outputs at y. */
#define EVAL(name, in_t, filter_t, sum_t, out_t, bits, row_sums, finish)                           \
    static void rows_##name(void *user, size_t begin, size_t end, int32_t worker)                  \
    {                                                                                              \
        const oct_op *op = user;                                                                   \
        const oct_linear *l = op->prepared;                                                        \
        const oct_window *w = &l->window;                                                          \
        size_t n = (size_t)w->out_c, row_size = (size_t)w->out_w * n;                              \
        const void *bias = oct_linear_bias(op, l);                                                 \
        const filter_t *filter = op->scratch[3];                                                   \
        sum_t *row_sum = (sum_t *)op->scratch[0] + (size_t)worker * row_size;                      \
        for (size_t row = begin; row < end; row++) {                                               \
            int32_t b = (int32_t)(row / (size_t)w->out_h), oy = (int32_t)(row % (size_t)w->out_h); \
            row_sums;                                                                              \
            out_t *y = (out_t *)op->out[0]->data + row * row_size;                                 \
            for (sum_t *sum = row_sum; sum < row_sum + row_size; sum += n, y += n)                 \
                finish;                                                                            \
        }                                                                                          \
    }                                                                                              \
    static oct_status ref_##name(oct_op *op, oct_error *err)                                       \
    {                                                                                              \
        (void)err;                                                                                 \
        const oct_linear *l = op->prepared;                                                        \
        if (op->form == OCT_FORM_HYBRID)                                                           \
            oct_linear_quantize(op, l, &oct_quantize_kernels_c, true);                             \
        oct_transpose_filter_##bits(&l->window, op->in[FILTER]->data, op->scratch[3]);             \
        oct_pool_for(op->pool, rows_of(&l->window), 1, rows_##name, op);                           \
        return OCT_OK;                                                                             \
    }
#define SUMS(name, in_t, sum_t)                                                                    \
    oct_transpose_conv_sums_##name(w, (const in_t *)op->in[DATA]->data, (sum_t)l->in_zero, filter, \
        (sum_t)l->filter_zero, b, oy, row_sum)

EVAL(f32, float, float, float, float, 32, SUMS(f32, float, float),
    oct_finish_f32(sum, bias, n, l->lo, l->hi, y))
EVAL(s8, int8_t, int8_t, int32_t, int8_t, 8, SUMS(s8, int8_t, int32_t),
    oct_requant_s8(sum, bias, n, &l->rq, y))
EVAL(u8, uint8_t, uint8_t, int32_t, uint8_t, 8, SUMS(u8, uint8_t, int32_t),
    oct_requant_u8(sum, bias, n, &l->rq, y))
EVAL(s16, int16_t, int8_t, int64_t, int16_t, 8, SUMS(s16, int16_t, int64_t),
    l->bias32 ? oct_requant_s16_b32(sum, bias, n, &l->rq, y)
              : oct_requant_s16_b64(sum, bias, n, &l->rq, y))
EVAL(hybrid, float, int8_t, float, float, 8,
    oct_transpose_conv_sums_hybrid(w, op->scratch[1], ((const oct_row_quant *)op->scratch[2])[b],
        filter, l->scale, b, oy, row_sum),
    oct_finish_f32(sum, bias, n, l->lo, l->hi, y))

static int32_t version(const oct_subgraph *sub, const oct_node *node)
{
    const oct_transpose_conv_options *o = node->options;
    if (o->fused_activation != OCT_ACT_NONE)
        return 4;
    if (node->input_count == 4 && node->inputs[BIAS] >= 0)
        return 3;
    return sub->tensors[node->inputs[FILTER]]->type == OCT_INT8 ? 2 : 1;
}

#define REF(form, name) [OCT_FORM_##form] = { .prepare = scratch, .eval = ref_##name }

const oct_op_def oct_op_transpose_conv = {
    .name = "TRANSPOSE_CONV", .code = OCT_OP_TRANSPOSE_CONV, .min_in = 3, .max_in = 4,
    .min_out = 1, .max_out = 1, .options = OCT_OPTIONS_TransposeConv,
    .traits = OCT_TRAIT_FUSES_RELU | OCT_TRAIT_LINEAR,
    .quant = { .in = { OCT_ROLE_NONE, OCT_ROLE_WEIGHT, OCT_ROLE_ACT, OCT_ROLE_BIAS },
        .in_slots = 4, .out = { OCT_ROLE_ACT }, .out_slots = 1, .weight_axis = 0, .s8 = true,
        .s16 = true, .dynamic = OCT_DYNAMIC_HYBRID, .dynamic_slot = FILTER, .dynamic_axis = 0 },
    .version = version, .runtime = "1.9 2.2 2.3 2.13 2.15", .infer = infer, .prepare = prepare,
    .ref = { REF(F32, f32), REF(HYBRID, hybrid), REF(S8, s8), REF(U8, u8), REF(S16, s16) },
};
