/*
 * RESHAPE, SQUEEZE, EXPAND_DIMS: the bytes stay, the shape changes. Sessions make the output a view, so
 * eval copies only where that is impossible (subgraph input to subgraph output).
 */
#include <string.h>

#include "ops/arith.h"

static oct_status eval_copy(oct_op *op, oct_error *err)
{
    (void)err;
    if (op->out[0]->data != op->in[0]->data && op->out[0]->size > 0)
        memcpy(op->out[0]->data, op->in[0]->data, op->out[0]->size);
    return OCT_OK;
}

/* Sets the shape of output 0 after resolving one -1 among dims. */
static oct_status set_resolved(oct_op *op, int32_t rank, int32_t *dims, oct_error *err)
{
    int64_t known = 1, count = (int64_t)oct_value_count(op->in[0]);
    int32_t open = -1;
    for (int32_t i = 0; i < rank; i++) {
        if (dims[i] == -1 && open < 0)
            open = i;
        else if (dims[i] < 0 || __builtin_mul_overflow(known, (int64_t)dims[i], &known))
            return oct_op_fail(op, OCT_E_INVALID, err, "dimension %d of the shape is %d", (int)i,
                (int)dims[i]);
    }
    if (open >= 0)
        dims[open] = known > 0 ? (int32_t)(count / known) : 0;
    if (open >= 0)
        known *= dims[open];
    if (known != count)
        return oct_op_fail(op, OCT_E_INVALID, err,
            "%lld elements do not fit a shape of %lld elements", (long long)count,
            (long long)known);
    return oct_op_set_shape(op, 0, op->in[0]->type, rank, dims, err);
}

static oct_status infer_reshape(oct_op *op, oct_error *err)
{
    enum { MAX_RANK = 32 };
    const oct_reshape_options *options = op->options;
    int32_t dims[MAX_RANK], rank;
    if (op->in_count > 1 && op->in[1] != NULL) {
        OCT_TRY(oct_op_need_known(op, 1, "shape", err));
        rank = (int32_t)oct_value_count(op->in[1]);
        for (int32_t i = 0; i < rank && i < MAX_RANK; i++)
            dims[i] = (int32_t)oct_value_integer(op->in[1], (size_t)i);
    } else {
        rank = (int32_t)options->new_shape.count;
        for (int32_t i = 0; i < rank && i < MAX_RANK; i++)
            dims[i] = options->new_shape.data[i];
        /* Old files write a scalar as {0}. */
        if (rank == 1 && dims[0] == 0 && oct_value_count(op->in[0]) == 1)
            rank = 0;
    }
    if (rank > MAX_RANK)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%d dimensions", (int)rank);
    return set_resolved(op, rank, dims, err);
}

static oct_status infer_squeeze(oct_op *op, oct_error *err)
{
    const oct_squeeze_options *options = op->options;
    const oct_value *in = op->in[0];
    uint64_t drop = 0;
    if (in->rank > 32)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%d dimensions", (int)in->rank);
    for (uint32_t i = 0; i < options->squeeze_dims.count; i++) {
        int32_t axis;
        OCT_TRY(oct_op_axis(op, options->squeeze_dims.data[i], in->rank, &axis, err));
        if (in->dims[axis] != 1)
            return oct_op_fail(op, OCT_E_INVALID, err, "dimension %d is %d, not 1", (int)axis,
                (int)in->dims[axis]);
        drop |= UINT64_C(1) << axis;
    }
    int32_t dims[32], rank = 0;
    for (int32_t i = 0; i < in->rank; i++) {
        bool gone = options->squeeze_dims.count == 0 ? in->dims[i] == 1 : (drop >> i & 1) != 0;
        if (!gone)
            dims[rank++] = in->dims[i];
    }
    return oct_op_set_shape(op, 0, in->type, rank, dims, err);
}

static oct_status infer_expand_dims(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    int32_t axis, dims[33];
    OCT_TRY(oct_op_need_known(op, 1, "axis", err));
    if (oct_value_count(op->in[1]) != 1 || in->rank > 32)
        return oct_op_fail(op, OCT_E_INVALID, err, "the axis must be one number");
    OCT_TRY(oct_op_axis(op, oct_value_integer(op->in[1], 0), in->rank + 1, &axis, err));
    for (int32_t i = 0, j = 0; i < in->rank + 1; i++)
        dims[i] = i == axis ? 1 : in->dims[j++];
    return oct_op_set_shape(op, 0, in->type, in->rank + 1, dims, err);
}

/* The data keeps its parameters; everything past it is a shape or an axis. */
#define MOVES_DATA                                                                                 \
    { .in = { OCT_ROLE_ACT, OCT_ROLE_NONE }, .in_slots = 2, .out = { OCT_ROLE_ACT },               \
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = true }

const oct_op_def oct_op_reshape = {
    .name = "RESHAPE", .code = OCT_OP_RESHAPE, .min_in = 1, .max_in = 2, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Reshape, .traits = OCT_TRAIT_VIEW, .quant = MOVES_DATA, .runtime = "1.5",
    .infer = infer_reshape, .ref = { [OCT_FORM_ANY] = { .eval = eval_copy } },
};

/* Version 2 is for strings, which are not computed with here. */
const oct_op_def oct_op_squeeze = {
    .name = "SQUEEZE", .code = OCT_OP_SQUEEZE, .min_in = 1, .max_in = 1, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Squeeze, .traits = OCT_TRAIT_VIEW, .quant = MOVES_DATA,
    .runtime = "1.6 2.5", .infer = infer_squeeze, .ref = { [OCT_FORM_ANY] = { .eval = eval_copy } },
};

const oct_op_def oct_op_expand_dims = {
    .name = "EXPAND_DIMS", .code = OCT_OP_EXPAND_DIMS, .min_in = 2, .max_in = 2, .min_out = 1,
    .max_out = 1, .options = OCT_OPTIONS_ExpandDims, .traits = OCT_TRAIT_VIEW, .quant = MOVES_DATA,
    .runtime = "1.10", .infer = infer_expand_dims,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_copy } },
};
