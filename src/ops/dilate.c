/*
 * DILATE: elements put apart, what lies between them is one given value.
 * Source: LiteRT tflite/kernels/dilate.cc.
 */
#include <string.h>

#include "ops/arith.h"

enum { DATA, FACTORS, FILLING, MAX_RANK = 8 };

static oct_status infer(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[DATA];
    int32_t dims[MAX_RANK];
    OCT_TRY(oct_op_need_whole_bytes(op, in, err));
    OCT_TRY(oct_op_need_known(op, FACTORS, "dilations", err));
    if (in->rank < 1 || in->rank > MAX_RANK || op->in[FACTORS]->type != OCT_INT32 ||
        oct_value_count(op->in[FACTORS]) != (size_t)in->rank || op->in[FILLING]->type != in->type ||
        oct_value_count(op->in[FILLING]) != 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "%zu dilations of %d dimensions",
            oct_value_count(op->in[FACTORS]), (int)in->rank);
    for (int32_t i = 0; i < in->rank; i++) {
        int64_t by = oct_value_integer(op->in[FACTORS], (size_t)i);
        int64_t dim = (in->dims[i] - 1) * by + 1;
        if (by < 1 || in->dims[i] < 1 || dim > INT32_MAX)
            return oct_op_fail(op, OCT_E_INVALID, err, "dimension %d of %d is dilated by %lld",
                (int)i, (int)in->dims[i], (long long)by);
        dims[i] = (int32_t)dim;
    }
    return oct_op_set_shape(op, 0, in->type, in->rank, dims, err);
}

static oct_status eval(oct_op *op, oct_error *err)
{
    (void)err;
    const oct_value *in = op->in[DATA], *out = op->out[0];
    size_t element = oct_type_size(in->type), count = oct_value_count(out);
    unsigned char *y = out->data;
    for (size_t i = 0; i < count; i++)
        memcpy(y + i * element, op->in[FILLING]->data, element);
    for (size_t i = 0; i < oct_value_count(in); i++) {
        size_t rest = i, at = 0, stride = 1;
        for (int32_t axis = in->rank - 1; axis >= 0; axis--) {
            size_t by = (size_t)oct_value_integer(op->in[FACTORS], (size_t)axis);
            at += rest % (size_t)in->dims[axis] * by * stride;
            rest /= (size_t)in->dims[axis];
            stride *= (size_t)out->dims[axis];
        }
        memcpy(y + at * element, (const unsigned char *)in->data + i * element, element);
    }
    return OCT_OK;
}

const oct_op_def oct_op_dilate = {
    .name = "DILATE",
    .code = OCT_OP_DILATE,
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_Dilate,
    .runtime = "2.15",
    .infer = infer,
    .ref = { [OCT_FORM_ANY] = { .eval = eval } },
};
