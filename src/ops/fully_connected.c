/*
 * FULLY_CONNECTED: rows of `depth` values times weights [units][depth].
 *
 * TensorFlow Lite's reference kernels requantize int8 and int16 in double here, unlike everywhere
 * else.
 */
#include <string.h>

#include "ops/arith.h"
#include "ops/fast_conv.h"

enum { DATA, FILTER, BIAS };

static oct_status make_window(const oct_op *op, oct_window *w, oct_error *err)
{
    const oct_fully_connected_options *o = op->options;
    const oct_value *in = op->in[DATA], *filter = op->in[FILTER];
    if (o->weights_format != 0)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "shuffled weights");
    if (filter->rank != 2 || filter->dims[0] < 1 || filter->dims[1] < 1)
        return oct_op_fail(op, OCT_E_INVALID, err,
            "weights %s must have two dimensions, units and depth", filter->label);
    int32_t units = filter->dims[0], depth = filter->dims[1];
    size_t count = oct_value_count(in);
    if (count % (size_t)depth != 0 || count / (size_t)depth > INT32_MAX
        || (o->keep_num_dims && (in->rank < 1 || in->dims[in->rank - 1] != depth)))
        return oct_op_fail(op, OCT_E_INVALID, err, "input %s does not have rows of %d elements",
            in->label, (int)depth);
    *w = oct_window_matrix((int32_t)(count / (size_t)depth), depth, units);
    return OCT_OK;
}

static oct_status infer(oct_op *op, oct_error *err)
{
    enum { MAX_RANK = 16 };
    const oct_fully_connected_options *o = op->options;
    const oct_value *in = op->in[DATA];
    oct_window w;
    OCT_TRY(make_window(op, &w, err));
    if (!o->keep_num_dims) {
        int32_t dims[2] = { w.batches, w.out_c };
        return oct_op_set_shape(op, 0, in->type, 2, dims, err);
    }
    if (in->rank > MAX_RANK)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%d dimensions", (int)in->rank);
    int32_t dims[MAX_RANK];
    memcpy(dims, in->dims, (size_t)in->rank * sizeof *dims);
    dims[in->rank - 1] = w.out_c;
    return oct_op_set_shape(op, 0, in->type, in->rank, dims, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    const oct_fully_connected_options *o = op->options;
    oct_linear *l = oct_op_alloc(op, sizeof *l);
    if (l == NULL)
        return oct_fail_memory(err, sizeof *l, "FULLY_CONNECTED");
    op->prepared = l;
    OCT_TRY(make_window(op, &l->window, err));
    oct_linear_slots slots = { .data = DATA, .filter = FILTER, .bias = BIAS, .channel_axis = 0,
        .channels = l->window.out_c, .activation = o->fused_activation,
        .bias_type = o->quantized_bias_type, .real = true };
    l->asymmetric = o->asymmetric_quantize_inputs;
    return oct_linear_prepare(op, &slots, l, err);
}

OCT_LINEAR_REFS(conv)

static int32_t version(const oct_subgraph *sub, const oct_node *node)
{
    oct_linear_types t = oct_linear_node_types(sub, node, DATA, FILTER, 0);
    const oct_fully_connected_options *o = node->options;
    bool hybrid = t.data == OCT_FLOAT32 && t.filter == OCT_INT8 && t.out == OCT_FLOAT32;
    if (t.filter == OCT_INT2)
        return 14;
    if (t.data == OCT_INT16 && t.filter == OCT_INT4)
        return 13;
    if (hybrid && t.per_channel)
        return 12;
    if (t.data == OCT_INT16 && t.filter == OCT_INT8 && o->quantized_bias_type != OCT_FLOAT32)
        return 11;
    if (sub->tensors[node->inputs[FILTER]]->sparsity != NULL)
        return 8;
    if (t.data == OCT_INT16 && t.out == OCT_INT16)
        return 7;
    if (node->input_count == 2)
        return 6;
    if (o->keep_num_dims)
        return 5;
    if (t.data == OCT_INT8 && t.out == OCT_INT8)
        return t.filter == OCT_INT4 ? 10 : 4;
    if (hybrid)
        return o->asymmetric_quantize_inputs ? 9 : 3;
    return o->weights_format != 0 ? 2 : 1;
}

#define REF(form, name) [OCT_FORM_##form] = { .prepare = oct_linear_scratch, .eval = ref_##name }
#define FAST(form)                                                                                 \
    [OCT_FORM_##form] = { .prepare = oct_fast_conv_prepare, .eval = oct_fast_conv_eval }

const oct_op_def oct_op_fully_connected = {
    .name = "FULLY_CONNECTED", .code = OCT_OP_FULLY_CONNECTED, .min_in = 2, .max_in = 3,
    .min_out = 1, .max_out = 1, .options = OCT_OPTIONS_FullyConnected,
    .traits = OCT_TRAIT_FUSES_RELU | OCT_TRAIT_LINEAR,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_WEIGHT, OCT_ROLE_BIAS }, .in_slots = 3,
        .out = { OCT_ROLE_ACT }, .out_slots = 1, .weight_axis = 0, .s8 = true, .s16 = true,
        .dynamic = OCT_DYNAMIC_HYBRID, .dynamic_slot = FILTER, .dynamic_axis = 0,
        .narrow = OCT_NARROW_S8 | OCT_NARROW_S16 | OCT_NARROW_HYBRID, .dynamic_asymmetric = true },
    .version = version,
    .runtime = "1.5 1.10 1.14 1.14 2.0 2.1 2.3 2.3 2.3 2.11 2.15 2.17 2.18 2.21", .infer = infer,
    .prepare = prepare,
    .ref = { REF(F32, f32), REF(HYBRID, hybrid), REF(S8, s8), REF(U8, u8), REF(S16, s16) },
    .fast = { FAST(F32), FAST(HYBRID), FAST(S8), FAST(S16) },
};
