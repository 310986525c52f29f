/*
 * REAL, IMAG, COMPLEX_ABS: parts of complex numbers, which lie as pairs (real, imaginary).
 * Source: LiteRT tflite/kernels/complex_support.cc.
 */
#include <math.h>

#include "ops/arith.h"

static oct_status infer(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    if (in->type != OCT_COMPLEX64 && in->type != OCT_COMPLEX128)
        return oct_op_fail(
            op, OCT_E_INVALID, err, "%s is no complex type", oct_type_name(in->type));
    return oct_op_set_shape(
        op, 0, in->type == OCT_COMPLEX64 ? OCT_FLOAT32 : OCT_FLOAT64, in->rank, in->dims, err);
}

#define EVAL(name, expression_f32, expression_f64)                                                 \
    static oct_status eval_##name(oct_op *op, oct_error *err)                                      \
    {                                                                                              \
        (void)err;                                                                                 \
        size_t count = oct_value_count(op->in[0]);                                                 \
        for (size_t i = 0; i < count; i++) {                                                       \
            if (op->in[0]->type == OCT_COMPLEX64) {                                                \
                const float *x = (const float *)op->in[0]->data + 2 * i;                           \
                ((float *)op->out[0]->data)[i] = expression_f32;                                   \
            } else {                                                                               \
                const double *x = (const double *)op->in[0]->data + 2 * i;                         \
                ((double *)op->out[0]->data)[i] = expression_f64;                                  \
            }                                                                                      \
        }                                                                                          \
        return OCT_OK;                                                                             \
    }
EVAL(real, x[0], x[0])
EVAL(imag, x[1], x[1])
EVAL(abs, hypotf(x[0], x[1]), hypot(x[0], x[1]))

#define COMPLEX(NAME, kind)                                                                        \
    {                                                                                              \
        .name = #NAME, .code = OCT_OP_##NAME, .min_in = 1, .max_in = 1, .min_out = 1,              \
        .max_out = 1, .runtime = "2.5", .infer = infer,                                            \
        .ref = { [OCT_FORM_ANY] = { .eval = eval_##kind } },                                       \
    }
const oct_op_def oct_op_real = COMPLEX(REAL, real);
const oct_op_def oct_op_imag = COMPLEX(IMAG, imag);
const oct_op_def oct_op_complex_abs = COMPLEX(COMPLEX_ABS, abs);
