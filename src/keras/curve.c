/*
 * The rarer activations: shrinking, sparse and smoothed curves, each a short chain of operators.
 */
#include "keras/curve.h"

static oct_status unary(oct_keras_call *call, oct_builtin op, int32_t x, int32_t *y, oct_error *err)
{
    oct_options_type options = op == OCT_OP_EXP      ? OCT_OPTIONS_Exp
                               : op == OCT_OP_SQUARE ? OCT_OPTIONS_Square
                               : op == OCT_OP_NEG    ? OCT_OPTIONS_Neg
                               : op == OCT_OP_ABS    ? OCT_OPTIONS_Abs
                                                     : OCT_OPTIONS_NONE;
    return oct_keras_emit_unary(call, op, options, x, y, err);
}

/* y = x > threshold ? above : below */
static oct_status choose(oct_keras_call *call, int32_t x, double threshold, int32_t above,
    int32_t below, int32_t *y, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    int32_t select[3] = { -1, above, below }, limit;
    OCT_TRY(oct_keras_constant_scalar(call, (float)threshold, &limit, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_GREATER, x, limit, &select[0], err));
    return oct_keras_emit(call, OCT_OP_SELECT_V2, select, 3, OCT_OPTIONS_SelectV2, OCT_FLOAT32, &shape,
        y, NULL, err);
}

oct_status oct_keras_curve_threshold(oct_keras_call *call, int32_t x, double threshold, double other,
    int32_t *y, oct_error *err)
{
    int32_t constant;
    OCT_TRY(oct_keras_constant_scalar(call, (float)other, &constant, err));
    return choose(call, x, threshold, x, constant, y, err);
}

oct_status oct_keras_curve_hard_shrink(oct_keras_call *call, int32_t x, double threshold, int32_t *y,
    oct_error *err)
{
    int32_t size, zero;
    OCT_TRY(unary(call, OCT_OP_ABS, x, &size, err));
    OCT_TRY(oct_keras_constant_scalar(call, 0.0f, &zero, err));
    return choose(call, size, threshold, x, zero, y, err);
}

/* relu(x - t) - relu(-x - t) */
oct_status oct_keras_curve_soft_shrink(oct_keras_call *call, int32_t x, double threshold, int32_t *y,
    oct_error *err)
{
    int32_t below;
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_SUB, x, (float)threshold, y, err));
    OCT_TRY(unary(call, OCT_OP_RELU, *y, y, err));
    OCT_TRY(unary(call, OCT_OP_NEG, x, &below, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_SUB, below, (float)threshold, &below, err));
    OCT_TRY(unary(call, OCT_OP_RELU, below, &below, err));
    return oct_keras_emit_binary(call, OCT_OP_SUB, *y, below, y, err);
}

/* max(x, 0) + min(alpha (e^(x / alpha) - 1), 0) */
oct_status oct_keras_curve_celu(oct_keras_call *call, int32_t x, double alpha, int32_t *y,
    oct_error *err)
{
    int32_t below;
    OCT_TRY(unary(call, OCT_OP_RELU, x, y, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MINIMUM, x, 0.0f, &below, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MUL, below, (float)(1 / alpha), &below, err));
    OCT_TRY(unary(call, OCT_OP_ELU, below, &below, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MUL, below, (float)alpha, &below, err));
    return oct_keras_emit_binary(call, OCT_OP_ADD, *y, below, y, err);
}

/* One half of an axis, gated by the other. */
oct_status oct_keras_curve_glu(oct_keras_call *call, int32_t x, int32_t axis, int32_t *y,
    oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    int32_t inputs[2] = { -1, x }, parts[2];
    OCT_TRY(oct_keras_axis(axis, shape.rank, &axis, err));
    if (shape.dims[axis] < 2 || shape.dims[axis] % 2 != 0)
        return oct_fail(err, OCT_E_INVALID, "halves %d elements", shape.dims[axis]);
    shape.dims[axis] /= 2;
    OCT_TRY(oct_keras_constant_int(call, "axis", axis, &inputs[0], err));
    for (int i = 0; i < 2; i++)
        OCT_TRY(oct_keras_new_output(call, OCT_OP_SPLIT, OCT_FLOAT32, &shape, &parts[i], err));
    oct_split_options *options;
    OCT_TRY(oct_keras_emit_node(call, OCT_OP_SPLIT, inputs, 2, parts, 2, OCT_OPTIONS_Split, &options,
        err));
    options->num_splits = 2;
    OCT_TRY(unary(call, OCT_OP_LOGISTIC, parts[1], &parts[1], err));
    return oct_keras_emit_binary(call, OCT_OP_MUL, parts[0], parts[1], y, err);
}

/* (x + sqrt(x^2 + b)) / 2 */
oct_status oct_keras_curve_squareplus(oct_keras_call *call, int32_t x, double b, int32_t *y,
    oct_error *err)
{
    OCT_TRY(unary(call, OCT_OP_SQUARE, x, y, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_ADD, *y, (float)b, y, err));
    OCT_TRY(unary(call, OCT_OP_SQRT, *y, y, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_ADD, x, *y, y, err));
    return oct_keras_emit_scalar(call, OCT_OP_MUL, *y, 0.5f, y, err);
}

oct_status oct_keras_curve_tanh_shrink(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    OCT_TRY(unary(call, OCT_OP_TANH, x, y, err));
    return oct_keras_emit_binary(call, OCT_OP_SUB, x, *y, y, err);
}

/* c = clip(x, -1, 1); (c + 1)^2 / 4 + relu(x - 1) */
oct_status oct_keras_curve_sparse_plus(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    int32_t above;
    OCT_TRY(unary(call, OCT_OP_RELU_N1_TO_1, x, y, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_ADD, *y, 1.0f, y, err));
    OCT_TRY(unary(call, OCT_OP_SQUARE, *y, y, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MUL, *y, 0.25f, y, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_SUB, x, 1.0f, &above, err));
    OCT_TRY(unary(call, OCT_OP_RELU, above, &above, err));
    return oct_keras_emit_binary(call, OCT_OP_ADD, *y, above, y, err);
}

/* (clip(x, -1, 1) + 1) / 2 */
oct_status oct_keras_curve_sparse_sigmoid(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    OCT_TRY(unary(call, OCT_OP_RELU_N1_TO_1, x, y, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_ADD, *y, 1.0f, y, err));
    return oct_keras_emit_scalar(call, OCT_OP_MUL, *y, 0.5f, y, err);
}

/* ---- as operations, with their options ---- */

static double option(const oct_keras_call *call, const char *key, double fallback)
{
    const json_t *value = oct_keras_setting(call, key);
    return json_is_number(value) ? json_number_value(value) : fallback;
}

oct_status oct_keras_lower_threshold(oct_keras_call *call, int32_t *y, oct_error *err)
{
    return oct_keras_curve_threshold(call, call->inputs[0],
        option(call, "threshold", option(call, "theta", 1)), option(call, "default_value", 0), y, err);
}

oct_status oct_keras_lower_hard_shrink(oct_keras_call *call, int32_t *y, oct_error *err)
{
    return oct_keras_curve_hard_shrink(call, call->inputs[0], option(call, "threshold", 0.5), y, err);
}

oct_status oct_keras_lower_soft_shrink(oct_keras_call *call, int32_t *y, oct_error *err)
{
    return oct_keras_curve_soft_shrink(call, call->inputs[0], option(call, "threshold", 0.5), y, err);
}

oct_status oct_keras_lower_celu(oct_keras_call *call, int32_t *y, oct_error *err)
{
    return oct_keras_curve_celu(call, call->inputs[0], option(call, "alpha", 1), y, err);
}

oct_status oct_keras_lower_glu(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t axis;
    OCT_TRY(oct_keras_int(call->config, "axis", -1, -8, &axis, err));
    return oct_keras_curve_glu(call, call->inputs[0], axis, y, err);
}

oct_status oct_keras_lower_squareplus(oct_keras_call *call, int32_t *y, oct_error *err)
{
    return oct_keras_curve_squareplus(call, call->inputs[0], option(call, "b", 4), y, err);
}
