/*
 * FILL, ZEROS_LIKE, RANGE, ONE_HOT: tensors made from few numbers.
 * Sources: LiteRT tflite/kernels/fill.cc, zeros_like.cc, range.cc, one_hot.cc.
 */
#include <math.h>
#include <string.h>

#include "ops/arith.h"
#include "ops/version.h"

enum { MAX_RANK = 8 };

static oct_status infer_fill(oct_op *op, oct_error *err)
{
    int32_t dims[MAX_RANK];
    OCT_TRY(oct_op_need_known(op, 0, "dims", err));
    OCT_TRY(oct_op_need_whole_bytes(op, op->in[1], err));
    size_t rank = oct_value_count(op->in[0]);
    if (rank > MAX_RANK || oct_value_count(op->in[1]) != 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "%zu dimensions and one value", rank);
    for (size_t i = 0; i < rank; i++) {
        int64_t dim = oct_value_integer(op->in[0], i);
        if (dim < 0 || dim > INT32_MAX)
            return oct_op_fail(op, OCT_E_INVALID, err, "dimension %zu is %lld", i, (long long)dim);
        dims[i] = (int32_t)dim;
    }
    return oct_op_set_shape(op, 0, op->in[1]->type, (int32_t)rank, dims, err);
}

static oct_status eval_fill(oct_op *op, oct_error *err)
{
    (void)err;
    size_t element = oct_type_size(op->in[1]->type);
    for (size_t i = 0; i < op->out[0]->size; i += element)
        memcpy((unsigned char *)op->out[0]->data + i, op->in[1]->data, element);
    return OCT_OK;
}

static oct_status eval_zeros(oct_op *op, oct_error *err)
{
    (void)err;
    if (op->out[0]->size > 0)
        memset(op->out[0]->data, 0, op->out[0]->size);
    return OCT_OK;
}

static double range_number(const oct_value *value)
{
    return value->type == OCT_FLOAT32 ? (double)*(const float *)value->data
                                      : (double)oct_value_integer(value, 0);
}

static oct_status infer_range(oct_op *op, oct_error *err)
{
    double n[3];
    for (int32_t i = 0; i < 3; i++) {
        const oct_value *in = op->in[i];
        if (!in->known)
            OCT_TRY(oct_op_need_run(op, err));
        if (in->type != op->in[0]->type || oct_value_count(in) != 1
            || (in->type != OCT_FLOAT32 && in->type != OCT_INT32 && in->type != OCT_INT64))
            return oct_op_fail(op, OCT_E_UNSUPPORTED, err,
                "start, limit and delta must be numbers of one type");
        n[i] = range_number(in);
    }
    bool real = op->in[0]->type == OCT_FLOAT32; /* the quotient is rounded to float, which may round it up */
    double count = real ? (double)ceilf(((float)n[1] - (float)n[0]) / (float)n[2])
                        : ceil((n[1] - n[0]) / n[2]);
    if (!(n[2] < 0.0 || n[2] > 0.0) || !(count <= INT32_MAX))
        return oct_op_fail(op, OCT_E_INVALID, err, "from %g to %g by %g", n[0], n[1], n[2]);
    int32_t length = count > 0 ? (int32_t)count : 0;
    return oct_op_set_shape(op, 0, op->in[0]->type, 1, &length, err);
}

static oct_status eval_range(oct_op *op, oct_error *err)
{
    (void)err;
    const oct_value *start = op->in[0], *delta = op->in[2];
    float sum = start->type == OCT_FLOAT32 ? *(const float *)start->data : 0.f;
    for (int32_t i = 0; i < op->out[0]->dims[0]; i++)
        switch (start->type) {
        case OCT_FLOAT32:
            ((float *)op->out[0]->data)[i] = sum;
            sum += *(const float *)delta->data;
            break;
        case OCT_INT32:
            ((int32_t *)op->out[0]->data)[i] = (int32_t)(oct_value_integer(start, 0)
                + i * oct_value_integer(delta, 0));
            break;
        default:
            ((int64_t *)op->out[0]->data)[i] = oct_value_integer(start, 0)
                + i * oct_value_integer(delta, 0);
            break;
        }
    return OCT_OK;
}

/* y[o, d, i] = indices[o, i] == d ? on : off */
static oct_status infer_one_hot(oct_op *op, oct_error *err)
{
    const oct_value *indices = op->in[0];
    int32_t axis = ((const oct_one_hot_options *)op->options)->axis, dims[MAX_RANK];
    OCT_TRY(oct_op_need_known(op, 1, "depth", err));
    OCT_TRY(oct_op_need_whole_bytes(op, op->in[2], err));
    int64_t depth = oct_value_count(op->in[1]) == 1 ? oct_value_integer(op->in[1], 0) : -1;
    if (depth < 0 || depth > INT32_MAX || indices->rank + 1 > MAX_RANK
        || (indices->type != OCT_INT32 && indices->type != OCT_INT64)
        || op->in[2]->type != op->in[3]->type)
        return oct_op_fail(op, OCT_E_INVALID, err, "depth %lld of %s indices", (long long)depth,
            oct_type_name(indices->type));
    OCT_TRY(oct_op_axis(op, axis, indices->rank + 1, &axis, err));
    for (int32_t i = 0, j = 0; i < indices->rank + 1; i++)
        dims[i] = i == axis ? (int32_t)depth : indices->dims[j++];
    return oct_op_set_shape(op, 0, op->in[2]->type, indices->rank + 1, dims, err);
}

static oct_status eval_one_hot(oct_op *op, oct_error *err)
{
    const oct_value *indices = op->in[0], *out = op->out[0];
    int32_t axis;
    OCT_TRY(oct_op_axis(op, ((const oct_one_hot_options *)op->options)->axis, out->rank, &axis, err));
    size_t inner = oct_value_span(out, axis + 1, out->rank), depth = (size_t)out->dims[axis];
    size_t element = oct_type_size(out->type), count = oct_value_count(out);
    for (size_t n = 0; n < count; n++) {
        size_t i = n % inner, d = n / inner % depth, o = n / inner / depth;
        bool hot = oct_value_integer(indices, o * inner + i) == (int64_t)d;
        memcpy((unsigned char *)out->data + n * element, op->in[hot ? 2 : 3]->data, element);
    }
    return OCT_OK;
}

static int32_t version_fill(const oct_subgraph *sub, const oct_node *node)
{
    switch (oct_node_type(sub, node, 1)) {
    case OCT_FLOAT8_E4M3FN:
    case OCT_FLOAT8_E5M2: return 5;
    case OCT_FLOAT16: return 4;
    case OCT_INT8:
    case OCT_INT16: return 3;
    case OCT_BOOL:
    case OCT_STRING: return 2;
    default: return 1;
    }
}

static int32_t version_range(const oct_subgraph *sub, const oct_node *node)
{
    return oct_node_type(sub, node, 0) == OCT_INT64 ? 2 : 1;
}

const oct_op_def oct_op_fill = {
    .name = "FILL", .code = OCT_OP_FILL, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Fill,
    .quant = { .in = { OCT_ROLE_NONE, OCT_ROLE_ACT }, .in_slots = 2, .out = { OCT_ROLE_ACT },
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = true },
    .version = version_fill, .runtime = "1.13 2.3 2.5 2.12 2.23", .infer = infer_fill,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_fill } },
};
const oct_op_def oct_op_zeros_like = {
    .name = "ZEROS_LIKE", .code = OCT_OP_ZEROS_LIKE, .min_in = 1, .max_in = 1, .min_out = 1,
    .max_out = 1, .options = OCT_OPTIONS_ZerosLike, .traits = OCT_TRAIT_SHAPE_ONLY,
    .runtime = "1.12", .infer = oct_infer_same_as_input, .ref = { [OCT_FORM_ANY] = { .eval = eval_zeros } },
};
const oct_op_def oct_op_range = {
    .name = "RANGE", .code = OCT_OP_RANGE, .min_in = 3, .max_in = 3, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Range, .version = version_range, .runtime = "1.13 2.14",
    .infer = infer_range, .ref = { [OCT_FORM_ANY] = { .eval = eval_range } },
};
const oct_op_def oct_op_one_hot = {
    .name = "ONE_HOT", .code = OCT_OP_ONE_HOT, .min_in = 4, .max_in = 4, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_OneHot, .runtime = "1.11", .infer = infer_one_hot,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_one_hot } },
};
