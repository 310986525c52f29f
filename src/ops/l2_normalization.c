/*
 * L2_NORMALIZATION over the last axis. Quantized results have scale 1/128 by definition; the root of the
 * sum of squares is taken in fixed point and no epsilon is added.
 * Sources: LiteRT tflite/kernels/l2norm.cc, internal/reference/l2normalization.h,
 * integer_ops/l2normalization.h.
 */
#include <math.h>

#include "numeric/fixedpoint_math.h"
#include "ops/arith.h"
#include "ops/version.h"

static oct_status infer(oct_op *op, oct_error *err)
{
    const oct_l2_norm_options *options = op->options;
    if (op->in[0]->rank < 1 || options->fused_activation != OCT_ACT_NONE)
        return oct_op_fail(op, OCT_E_INVALID, err, "needs a dimension and no fused activation");
    return oct_infer_same_as_input(op, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    if (op->form == OCT_FORM_F32)
        return OCT_OK;
    OCT_TRY(oct_op_need_quant(op, op->in[0], err));
    OCT_TRY(oct_op_need_quant(op, op->out[0], err));
    int32_t zero = op->form == OCT_FORM_U8 ? 128 : 0;
    if (oct_value_scale(op->out[0]) != 1.f / 128 || oct_value_zero(op->out[0]) != zero)
        return oct_op_fail(op, OCT_E_INVALID, err, "results have scale 1/128 and zero point %d",
            (int)zero);
    return OCT_OK;
}

static oct_status eval_f32(oct_op *op, oct_error *err)
{
    (void)err;
    const oct_value *in = op->in[0];
    size_t depth = (size_t)in->dims[in->rank - 1], rows = oct_value_span(in, 0, in->rank - 1);
    for (size_t row = 0; row < rows; row++) {
        const float *x = (const float *)in->data + row * depth;
        float *y = (float *)op->out[0]->data + row * depth, squares = 0.f;
        for (size_t i = 0; i < depth; i++)
            squares += x[i] * x[i];
        float norm = sqrtf(squares);
        norm = norm > 1e-6f ? norm : 1e-6f;
        for (size_t i = 0; i < depth; i++)
            y[i] = x[i] / norm;
    }
    return OCT_OK;
}

/* The factor of 128: int8 has it in the exponent, uint8 in the operand, which rounds otherwise. */
#define EVAL(suffix, type, middle, low, high, shift, factor)                                                      \
    static oct_status eval_##suffix(oct_op *op, oct_error *err)                                    \
    {                                                                                              \
        (void)err;                                                                                 \
        const oct_value *in = op->in[0];                                                           \
        int32_t zero = oct_value_zero(in);                                                         \
        size_t depth = (size_t)in->dims[in->rank - 1], rows = oct_value_span(in, 0, in->rank - 1); \
        for (size_t row = 0; row < rows; row++) {                                                  \
            const type *x = (const type *)in->data + row * depth;                                  \
            type *y = (type *)op->out[0]->data + row * depth;                                      \
            int32_t squares = 0;                                                                   \
            for (size_t i = 0; i < depth; i++)                                                     \
                squares = (int32_t)((uint32_t)squares + (uint32_t)((x[i] - zero) * (x[i] - zero))); \
            oct_multiplier scale = oct_inverse_sqrt(squares);                                      \
            scale.e += shift;                                                                      \
            for (size_t i = 0; i < depth; i++)                                                     \
                y[i] = (type)oct_clamp_i32(middle + oct_mbqm((x[i] - zero) * (factor), scale),     \
                    low, high);                                                                    \
        }                                                                                          \
        return OCT_OK;                                                                             \
    }
EVAL(s8, int8_t, 0, INT8_MIN, INT8_MAX, 7, 1)
EVAL(u8, uint8_t, 128, 0, UINT8_MAX, 0, 128)

const oct_op_def oct_op_l2_normalization = {
    .name = "L2_NORMALIZATION", .code = OCT_OP_L2_NORMALIZATION, .min_in = 1, .max_in = 1,
    .min_out = 1, .max_out = 1, .options = OCT_OPTIONS_L2Norm, .traits = OCT_TRAIT_INPLACE,
    .quant = { .in = { OCT_ROLE_ACT }, .in_slots = 1, .out = { OCT_ROLE_ACT }, .out_slots = 1,
        .weight_axis = -1, .link = OCT_LINK_FIXED, .s8 = true,
        .fixed = { [OCT_FIXED_S8] = { 1.f / 128, 0 }, [OCT_FIXED_U8] = { 1.f / 128, 128 } } },
    .version = oct_version_s8_2, .runtime = "1.5 1.14", .infer = infer, .prepare = prepare,
    .ref = { [OCT_FORM_F32] = { .eval = eval_f32 }, [OCT_FORM_S8] = { .eval = eval_s8 },
        [OCT_FORM_U8] = { .eval = eval_u8 } },
};
