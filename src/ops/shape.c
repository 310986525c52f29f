/*
 * SHAPE and RANK: known as soon as shapes are, so a session computes them while planning.
 * Sources: LiteRT tflite/kernels/shape.cc, rank.cc.
 */
#include "ops/arith.h"

static oct_status infer_shape(oct_op *op, oct_error *err)
{
    oct_type type = op->out[0]->type;
    if (type != OCT_INT32 && type != OCT_INT64)
        return oct_op_fail(op, OCT_E_INVALID, err, "a shape of type %s", oct_type_name(type));
    return oct_op_set_shape(op, 0, type, 1, &op->in[0]->rank, err);
}

static oct_status eval_shape(oct_op *op, oct_error *err)
{
    (void)err;
    const oct_value *in = op->in[0], *out = op->out[0];
    for (int32_t i = 0; i < in->rank; i++) {
        if (out->type == OCT_INT64)
            ((int64_t *)out->data)[i] = in->dims[i];
        else
            ((int32_t *)out->data)[i] = in->dims[i];
    }
    return OCT_OK;
}

static oct_status infer_rank(oct_op *op, oct_error *err)
{
    return oct_op_set_shape(op, 0, OCT_INT32, 0, NULL, err);
}

static oct_status eval_rank(oct_op *op, oct_error *err)
{
    (void)err;
    *(int32_t *)op->out[0]->data = op->in[0]->rank;
    return OCT_OK;
}

const oct_op_def oct_op_shape = {
    .name = "SHAPE", .code = OCT_OP_SHAPE, .min_in = 1, .max_in = 1, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Shape, .traits = OCT_TRAIT_SHAPE_ONLY,
    .quant = { .in = { OCT_ROLE_ACT }, .in_slots = 1, .out = { OCT_ROLE_NONE }, .out_slots = 1,
        .weight_axis = -1, .link = OCT_LINK_FREE, .s8 = true, .s16 = true },
    .runtime = "1.10", .infer = infer_shape, .ref = { [OCT_FORM_ANY] = { .eval = eval_shape } },
};

const oct_op_def oct_op_rank = {
    .name = "RANK", .code = OCT_OP_RANK, .min_in = 1, .max_in = 1, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Rank, .traits = OCT_TRAIT_SHAPE_ONLY,
    .quant = { .in = { OCT_ROLE_ACT }, .in_slots = 1, .out = { OCT_ROLE_NONE }, .out_slots = 1,
        .weight_axis = -1, .link = OCT_LINK_FREE, .s8 = true, .s16 = true },
    .runtime = "1.14", .infer = infer_rank, .ref = { [OCT_FORM_ANY] = { .eval = eval_rank } },
};
