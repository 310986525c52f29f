/*
 * DENSIFY: a constant with its zeros. Sessions hold sparse constants dense already (exec/values.c), so it is a
 * view of its input.
 * Source: LiteRT tflite/kernels/densify.cc.
 */
#include <string.h>

#include "ops/arith.h"

static oct_status eval(oct_op *op, oct_error *err)
{
    (void)err;
    if (op->out[0]->data != op->in[0]->data && op->out[0]->size > 0)
        memcpy(op->out[0]->data, op->in[0]->data, op->out[0]->size);
    return OCT_OK;
}

const oct_op_def oct_op_densify = {
    .name = "DENSIFY",
    .code = OCT_OP_DENSIFY,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_Densify,
    .traits = OCT_TRAIT_VIEW | OCT_TRAIT_DENSIFIES,
    .runtime = "2.2",
    .infer = oct_infer_same_as_input,
    .ref = { [OCT_FORM_ANY] = { .eval = eval } },
};
