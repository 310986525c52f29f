/*
 * CUMSUM along one axis. Source: LiteRT tflite/kernels/cumsum.cc, internal/reference/cumsum.h.
 */
#include "ops/arith.h"

typedef struct params { size_t outer, length, inner; } params;

static oct_status prepare(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    int32_t axis;
    OCT_TRY(oct_op_need_known(op, 1, "axis", err));
    if (oct_value_count(op->in[1]) != 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "the axis must be one number");
    OCT_TRY(oct_op_axis(op, oct_value_integer(op->in[1], 0), in->rank, &axis, err));
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    p->outer = oct_value_span(in, 0, axis);
    p->length = (size_t)in->dims[axis];
    p->inner = oct_value_span(in, axis + 1, in->rank);
    return OCT_OK;
}

/* Integers wrap: summed unsigned. Exclusive sums leave the element itself out. */
#define EVAL(suffix, type, sum_type)                                                               \
    static oct_status eval_##suffix(oct_op *op, oct_error *err)                                    \
    {                                                                                              \
        (void)err;                                                                                 \
        const params *p = op->prepared;                                                            \
        const oct_cumsum_options *options = op->options;                                           \
        const type *x = op->in[0]->data;                                                           \
        type *y = op->out[0]->data;                                                                \
        for (size_t line = 0; line < p->outer * p->inner; line++) {                                \
            size_t start = line / p->inner * p->length * p->inner + line % p->inner;               \
            sum_type sum = 0;                                                                      \
            for (size_t k = 0; k < p->length; k++) {                                               \
                size_t i = start + (options->reverse ? p->length - 1 - k : k) * p->inner;          \
                type value = x[i];                                                                 \
                if (options->exclusive)                                                            \
                    y[i] = (type)sum;                                                              \
                sum += (sum_type)value;                                                            \
                if (!options->exclusive)                                                           \
                    y[i] = (type)sum;                                                              \
            }                                                                                      \
        }                                                                                          \
        return OCT_OK;                                                                             \
    }
EVAL(f32, float, float)
EVAL(i32, int32_t, uint32_t)
EVAL(i64, int64_t, uint64_t)

const oct_op_def oct_op_cumsum = {
    .name = "CUMSUM", .code = OCT_OP_CUMSUM, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Cumsum, .traits = OCT_TRAIT_INPLACE, .runtime = "2.4",
    .infer = oct_infer_same_as_input, .prepare = prepare,
    .ref = { [OCT_FORM_F32] = { .eval = eval_f32 }, [OCT_FORM_I32] = { .eval = eval_i32 },
        [OCT_FORM_I64] = { .eval = eval_i64 } },
};
