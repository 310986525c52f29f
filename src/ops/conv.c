/*
 * CONV_2D: a window over NHWC with filters [out_c][kh][kw][in_c / groups].
 */
#include "ops/arith.h"
#include "ops/fast_conv.h"

enum { DATA, FILTER, BIAS };

static oct_status make_window(const oct_op *op, oct_window *w, oct_error *err)
{
    const oct_conv2d_options *o = op->options;
    const oct_value *in = op->in[DATA], *filter = op->in[FILTER];
    if (filter->rank != 4)
        return oct_op_fail(op, OCT_E_INVALID, err, "weights %s have %d dimensions, not 4",
            filter->label, (int)filter->rank);
    *w = (oct_window){ .out_c = filter->dims[0], .kernel_h = filter->dims[1],
        .kernel_w = filter->dims[2], .depth = filter->dims[3], .stride_h = o->stride_h,
        .stride_w = o->stride_w, .dilation_h = o->dilation_h_factor,
        .dilation_w = o->dilation_w_factor };
    OCT_TRY(oct_linear_window(op, in, w, o->padding == OCT_PADDING_SAME, err));
    if (w->depth < 1 || w->in_c < 1 || w->in_c % w->depth != 0 || w->out_c < 1
        || w->out_c % (w->in_c / w->depth) != 0)
        return oct_op_fail(op, OCT_E_INVALID, err,
            "%d input channels do not fit %d filters over %d channels", (int)w->in_c,
            (int)w->out_c, (int)w->depth);
    return OCT_OK;
}

static oct_status infer(oct_op *op, oct_error *err)
{
    return oct_linear_infer(op, DATA, make_window, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    const oct_conv2d_options *o = op->options;
    oct_linear *l = oct_op_alloc(op, sizeof *l);
    if (l == NULL)
        return oct_fail_memory(err, sizeof *l, "CONV_2D");
    op->prepared = l;
    OCT_TRY(make_window(op, &l->window, err));
    oct_linear_slots slots = { .data = DATA, .filter = FILTER, .bias = BIAS, .channel_axis = 0,
        .channels = l->window.out_c, .activation = o->fused_activation,
        .bias_type = o->quantized_bias_type };
    OCT_TRY(oct_linear_prepare(op, &slots, l, err));
    /* One scale for all channels and no groups: the symmetric scheme; else the asymmetric one. */
    l->asymmetric = !l->scales_equal || l->window.depth != l->window.in_c;
    l->channel_first = l->asymmetric;
    return OCT_OK;
}

OCT_LINEAR_REFS(conv)

static int32_t version(const oct_subgraph *sub, const oct_node *node)
{
    oct_linear_types t = oct_linear_node_types(sub, node, DATA, FILTER, 0);
    const oct_tensor *in = sub->tensors[node->inputs[DATA]];
    const oct_tensor *filter = sub->tensors[node->inputs[FILTER]];
    const oct_conv2d_options *o = node->options;
    if (t.data == OCT_INT16 && t.filter == OCT_INT8 && t.out == OCT_INT16
        && o->quantized_bias_type != OCT_FLOAT32)
        return 8;
    if (in->rank == 4 && filter->rank == 4 && in->dims[3] != filter->dims[3])
        return 6;
    if (t.data == OCT_INT16 && t.filter == OCT_INT16 && t.out == OCT_INT16)
        return 4;
    if (t.data == OCT_INT8 && t.out == OCT_INT8)
        return t.filter == OCT_INT4 ? 7 : 3;
    if (t.data == OCT_FLOAT32 && t.filter == OCT_INT8)
        return t.per_channel ? 5 : 2;
    return 1;
}

#define REF(form, name) [OCT_FORM_##form] = { .prepare = oct_linear_scratch, .eval = ref_##name }
#define FAST(form)                                                                                 \
    [OCT_FORM_##form] = { .prepare = oct_fast_conv_prepare, .eval = oct_fast_conv_eval }

const oct_op_def oct_op_conv_2d = {
    .name = "CONV_2D", .code = OCT_OP_CONV_2D, .min_in = 2, .max_in = 3, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Conv2D, .traits = OCT_TRAIT_FUSES_RELU | OCT_TRAIT_LINEAR,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_WEIGHT, OCT_ROLE_BIAS }, .in_slots = 3,
        .out = { OCT_ROLE_ACT }, .out_slots = 1, .weight_axis = 0, .s8 = true, .s16 = true,
        .dynamic = OCT_DYNAMIC_HYBRID, .dynamic_slot = FILTER, .dynamic_axis = 0,
        .narrow = OCT_NARROW_S8 | OCT_NARROW_S16 | OCT_NARROW_HYBRID },
    .version = version, .runtime = "1.5 1.14 1.14 2.3 2.4 2.9 2.11 2.15", .infer = infer,
    .prepare = prepare,
    .ref = { REF(F32, f32), REF(HYBRID, hybrid), REF(S8, s8), REF(U8, u8), REF(S16, s16) },
    .fast = { FAST(F32), FAST(HYBRID), FAST(S8), FAST(S16) },
};
