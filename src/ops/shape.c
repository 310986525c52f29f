/*
 * SHAPE and RANK: known as soon as shapes are, so a session computes them while planning. BROADCAST_ARGS:
 * the shape that two shapes broadcast to.
 * Sources: LiteRT tflite/kernels/shape.cc, rank.cc, broadcast_args.cc.
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

static oct_status infer_broadcast_args(oct_op *op, oct_error *err)
{
    const oct_value *a = op->in[0], *b = op->in[1];
    if ((a->type != OCT_INT32 && a->type != OCT_INT64) || b->type != a->type || a->rank != 1
        || b->rank != 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "needs two shapes of one integer type");
    int32_t length = a->dims[0] > b->dims[0] ? a->dims[0] : b->dims[0];
    return oct_op_set_shape(op, 0, a->type, 1, &length, err);
}

/* Dimension i of n, where shorter shapes have ones in front. */
static int64_t dim_of(const oct_value *shape, int32_t i, int32_t n)
{
    int32_t at = i - (n - shape->dims[0]);
    return at < 0 ? 1 : oct_value_integer(shape, (size_t)at);
}

static oct_status eval_broadcast_args(oct_op *op, oct_error *err)
{
    int32_t n = op->out[0]->dims[0];
    for (int32_t i = 0; i < n; i++) {
        int64_t a = dim_of(op->in[0], i, n), b = dim_of(op->in[1], i, n), dim = a == 1 ? b : a;
        if (a != b && a != 1 && b != 1)
            return oct_op_fail(op, OCT_E_INVALID, err, "dimension %d is %lld and %lld", (int)i,
                (long long)a, (long long)b);
        if (op->out[0]->type == OCT_INT64)
            ((int64_t *)op->out[0]->data)[i] = dim;
        else
            ((int32_t *)op->out[0]->data)[i] = (int32_t)dim;
    }
    return OCT_OK;
}

const oct_op_def oct_op_broadcast_args = {
    .name = "BROADCAST_ARGS", .code = OCT_OP_BROADCAST_ARGS, .min_in = 2, .max_in = 2, .min_out = 1,
    .max_out = 1, .runtime = "2.6", .infer = infer_broadcast_args,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_broadcast_args } },
};

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
