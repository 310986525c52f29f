/*
 * DEPTHWISE_CONV_2D: filters [1][kh][kw][out_c]; output channel oc sees input channel oc /
 * multiplier.
 */
#include "ops/arith.h"
#include "ops/fast_depthwise.h"

enum { DATA, FILTER, BIAS };

static oct_status make_window(const oct_op *op, oct_window *w, oct_error *err)
{
    const oct_depthwise_conv2d_options *o = op->options;
    const oct_value *filter = op->in[FILTER];
    if (filter->rank != 4 || filter->dims[0] != 1)
        return oct_op_fail(op, OCT_E_INVALID, err,
            "weights %s must have 4 dimensions, the first of them 1", filter->label);
    *w = (oct_window){ .out_c = filter->dims[3], .kernel_h = filter->dims[1],
        .kernel_w = filter->dims[2], .depth = 1, .stride_h = o->stride_h, .stride_w = o->stride_w,
        .dilation_h = o->dilation_h_factor, .dilation_w = o->dilation_w_factor };
    OCT_TRY(oct_linear_window(op, op->in[DATA], w, o->padding == OCT_PADDING_SAME, err));
    if (w->in_c < 1 || w->out_c < 1 || w->out_c % w->in_c != 0)
        return oct_op_fail(op, OCT_E_INVALID, err,
            "%d output channels are no multiple of %d input channels", (int)w->out_c,
            (int)w->in_c);
    return OCT_OK;
}

static oct_status infer(oct_op *op, oct_error *err)
{
    return oct_linear_infer(op, DATA, make_window, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    const oct_depthwise_conv2d_options *o = op->options;
    oct_linear *l = oct_op_alloc(op, sizeof *l);
    if (l == NULL)
        return oct_fail_memory(err, sizeof *l, "DEPTHWISE_CONV_2D");
    op->prepared = l;
    OCT_TRY(make_window(op, &l->window, err));
    oct_linear_slots slots = { .data = DATA, .filter = FILTER, .bias = BIAS, .channel_axis = 3,
        .channels = l->window.out_c, .activation = o->fused_activation, .bias_type = OCT_INT64 };
    OCT_TRY(oct_linear_prepare(op, &slots, l, err));
    if (op->form == OCT_FORM_HYBRID && op->in[FILTER]->quant->count != l->window.out_c)
        return oct_op_fail(op, OCT_E_INVALID, err,
            "with float activations the weights need one scale for each of the %d channels",
            (int)l->window.out_c);
    l->asymmetric = true;
    return OCT_OK;
}

OCT_LINEAR_REFS(depthwise)

static int32_t version(const oct_subgraph *sub, const oct_node *node)
{
    oct_linear_types t = oct_linear_node_types(sub, node, DATA, FILTER, 3);
    const oct_depthwise_conv2d_options *o = node->options;
    if (t.data == OCT_INT16 && t.filter == OCT_INT16 && t.out == OCT_INT16)
        return 5;
    if (t.data == OCT_FLOAT32 && t.filter == OCT_INT8)
        return t.per_channel ? 6 : 4;
    if (t.data == OCT_INT8 && t.out == OCT_INT8)
        return t.filter == OCT_INT4 ? 7 : 3;
    return o->dilation_w_factor != 1 || o->dilation_h_factor != 1 ? 2 : 1;
}

#define REF(form, name) [OCT_FORM_##form] = { .prepare = oct_linear_scratch, .eval = ref_##name }
#define FAST(form)                                                                                 \
    [OCT_FORM_##form] = { .prepare = oct_fast_depthwise_prepare, .eval = oct_fast_depthwise_eval }

const oct_op_def oct_op_depthwise_conv_2d = {
    .name = "DEPTHWISE_CONV_2D", .code = OCT_OP_DEPTHWISE_CONV_2D, .min_in = 2, .max_in = 3,
    .min_out = 1, .max_out = 1, .options = OCT_OPTIONS_DepthwiseConv2D,
    .traits = OCT_TRAIT_FUSES_RELU | OCT_TRAIT_LINEAR,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_WEIGHT, OCT_ROLE_BIAS }, .in_slots = 3,
        .out = { OCT_ROLE_ACT }, .out_slots = 1, .weight_axis = 3, .s8 = true, .s16 = true,
        .dynamic = OCT_DYNAMIC_HYBRID, .dynamic_slot = FILTER, .dynamic_axis = 3,
        .narrow = OCT_NARROW_S8 /* int16: LiteRT takes them and reads bytes */ },
    .version = version, .runtime = "1.5 1.12 1.14 2.2 2.3 2.3 2.11", .infer = infer,
    .prepare = prepare,
    .ref = { REF(F32, f32), REF(HYBRID, hybrid), REF(S8, s8), REF(U8, u8), REF(S16, s16) },
    .fast = { FAST(F32), FAST(HYBRID), FAST(S8), FAST(S16) },
};
