/*
 * LOCAL_RESPONSE_NORMALIZATION: x * (bias + alpha * sum of squares of near channels) ^ -beta. The window is
 * [c - radius, c + radius): its last channel is left out, as in TensorFlow Lite.
 * Source: LiteRT tflite/kernels/internal/reference/reference_ops.h.
 */
#include <math.h>

#include "ops/arith.h"

static oct_status infer(oct_op *op, oct_error *err)
{
    if (op->in[0]->rank != 4)
        return oct_op_fail(op, OCT_E_INVALID, err, "%d dimensions, not 4", (int)op->in[0]->rank);
    return oct_infer_same_as_input(op, err);
}

static oct_status eval(oct_op *op, oct_error *err)
{
    (void)err;
    const oct_local_response_normalization_options *o = op->options;
    const oct_value *in = op->in[0];
    int64_t depth = in->dims[3];
    size_t rows = oct_value_span(in, 0, 3);
    for (size_t row = 0; row < rows; row++) {
        const float *x = (const float *)in->data + row * (size_t)depth;
        float *y = (float *)op->out[0]->data + row * (size_t)depth;
        for (int64_t c = 0; c < depth; c++) {
            int64_t begin = c - o->radius, end = c + o->radius;
            float sum = 0.f;
            for (int64_t i = begin < 0 ? 0 : begin; i < (end > depth ? depth : end); i++)
                sum += x[i] * x[i];
            y[c] = x[c] * powf(o->bias + o->alpha * sum, -o->beta);
        }
    }
    return OCT_OK;
}

const oct_op_def oct_op_local_response_normalization = {
    .name = "LOCAL_RESPONSE_NORMALIZATION",
    .code = OCT_OP_LOCAL_RESPONSE_NORMALIZATION,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_LocalResponseNormalization,
    .runtime = "1.5",
    .infer = infer,
    .ref = { [OCT_FORM_F32] = { .eval = eval } },
};
