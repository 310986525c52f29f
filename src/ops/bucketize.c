/*
 * BUCKETIZE, SIGN, ATAN2: small element-wise operators, also on float64 where TensorFlow Lite has it.
 * Sources: LiteRT tflite/kernels/bucketize.cc, sign.cc, atan2.cc.
 */
#include <math.h>
#include <string.h>

#include "ops/arith.h"

/* Number of boundaries that are not above the value; they are sorted. */
static int32_t bucket(const oct_vec_f32 *boundaries, double value)
{
    uint32_t low = 0, high = boundaries->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (value < (double)boundaries->data[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return (int32_t)low;
}

static oct_status infer_bucketize(oct_op *op, oct_error *err)
{
    const oct_vec_f32 *b = &((const oct_bucketize_options *)op->options)->boundaries;
    for (uint32_t i = 1; i < b->count; i++)
        if (!(b->data[i - 1] <= b->data[i]))
            return oct_op_fail(op, OCT_E_INVALID, err, "boundaries %u and %u are not in order",
                (unsigned)i - 1, (unsigned)i);
    return oct_op_set_shape(op, 0, OCT_INT32, op->in[0]->rank, op->in[0]->dims, err);
}

/* Integers are compared with the float boundaries as floats. */
static oct_status eval_bucketize(oct_op *op, oct_error *err)
{
    const oct_vec_f32 *b = &((const oct_bucketize_options *)op->options)->boundaries;
    const oct_value *in = op->in[0];
    int32_t *y = op->out[0]->data;
    size_t count = oct_value_count(in);
    for (size_t i = 0; i < count; i++)
        switch (in->type) {
        case OCT_FLOAT32:
            y[i] = bucket(b, (double)((const float *)in->data)[i]);
            break;
        case OCT_FLOAT64:
            y[i] = bucket(b, ((const double *)in->data)[i]);
            break;
        case OCT_INT32:
        case OCT_INT64:
            y[i] = bucket(b, (double)(float)oct_value_integer(in, i));
            break;
        default:
            return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "type %s", oct_type_name(in->type));
        }
    return OCT_OK;
}

static double sign_of(double x)
{
    return isnan(x) ? x : x > 0 ? 1 : x < 0 ? -1 : 0;
}

static oct_status eval_sign(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    size_t count = oct_value_count(in);
    for (size_t i = 0; i < count; i++)
        switch (in->type) {
        case OCT_FLOAT32:
            ((float *)op->out[0]->data)[i] = (float)sign_of((double)((const float *)in->data)[i]);
            break;
        case OCT_FLOAT64:
            ((double *)op->out[0]->data)[i] = sign_of(((const double *)in->data)[i]);
            break;
        case OCT_INT32:
            ((int32_t *)op->out[0]->data)[i] =
                (int32_t)sign_of((double)((const int32_t *)in->data)[i]);
            break;
        default:
            return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "type %s", oct_type_name(in->type));
        }
    return OCT_OK;
}

static oct_status infer_atan2(oct_op *op, oct_error *err)
{
    const oct_value *y = op->in[0], *x = op->in[1];
    if (y->type != x->type || y->rank != x->rank ||
        (y->rank > 0 && memcmp(y->dims, x->dims, (size_t)y->rank * sizeof *y->dims) != 0))
        return oct_op_fail(op, OCT_E_INVALID, err, "operands differ in type or shape");
    return oct_infer_same_as_input(op, err);
}

static oct_status eval_atan2(oct_op *op, oct_error *err)
{
    const oct_value *y = op->in[0], *x = op->in[1];
    size_t count = oct_value_count(y);
    for (size_t i = 0; i < count; i++)
        switch (y->type) {
        case OCT_FLOAT32:
            ((float *)op->out[0]->data)[i] =
                atan2f(((const float *)y->data)[i], ((const float *)x->data)[i]);
            break;
        case OCT_FLOAT64:
            ((double *)op->out[0]->data)[i] =
                atan2(((const double *)y->data)[i], ((const double *)x->data)[i]);
            break;
        default:
            return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "type %s", oct_type_name(y->type));
        }
    return OCT_OK;
}

static int32_t version_sign(const oct_subgraph *sub, const oct_node *node)
{
    return sub->tensors[node->inputs[0]]->type == OCT_INT32 ? 2 : 1;
}

const oct_op_def oct_op_bucketize = {
    .name = "BUCKETIZE",
    .code = OCT_OP_BUCKETIZE,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_Bucketize,
    .runtime = "2.8",
    .infer = infer_bucketize,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_bucketize } },
};
const oct_op_def oct_op_sign = {
    .name = "SIGN",
    .code = OCT_OP_SIGN,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_Sign,
    .traits = OCT_TRAIT_INPLACE,
    .version = version_sign,
    .runtime = "2.11 2.12",
    .infer = oct_infer_same_as_input,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_sign } },
};
const oct_op_def oct_op_atan2 = {
    .name = "ATAN2",
    .code = OCT_OP_ATAN2,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_ATan2,
    .traits = OCT_TRAIT_INPLACE,
    .runtime = "2.10",
    .infer = infer_atan2,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_atan2 } },
};
