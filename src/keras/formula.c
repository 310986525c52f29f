/*
 * Operations that TensorFlow Lite has no operator for, put together from those it has.
 */
#include "keras/layer.h"

#include <math.h>
#include <string.h>

static oct_status emit_log(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    return oct_keras_emit_unary(call, OCT_OP_LOG, OCT_OPTIONS_NONE, x, y, err);
}

/* e^x - 1 */
oct_status oct_keras_lower_expm1(oct_keras_call *call, int32_t *y, oct_error *err)
{
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_EXP, OCT_OPTIONS_Exp, call->inputs[0], y, err));
    return oct_keras_emit_scalar(call, OCT_OP_ADD, *y, -1.0f, y, err);
}

/*
 * sign(x) (1 - (a1 t + ... + a5 t^5) e^(-x^2)) with t = 1 / (1 + p |x|), off by at most 1.5e-7: there is no
 * operator for it. Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
 */
oct_status oct_keras_lower_erf(oct_keras_call *call, int32_t *y, oct_error *err)
{
    static const float a[] = { 1.061405429f, -1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f };
    int32_t x = call->inputs[0], t, sum, tail, sign, one;
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_ABS, OCT_OPTIONS_Abs, x, &t, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MUL, t, 0.3275911f, &t, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_ADD, t, 1.0f, &t, err));
    OCT_TRY(oct_keras_constant_scalar(call, 1.0f, &one, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_DIV, one, t, &t, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MUL, t, a[0], &sum, err));
    for (int i = 1; i < 5; i++) {
        OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_ADD, sum, a[i], &sum, err));
        OCT_TRY(oct_keras_emit_binary(call, OCT_OP_MUL, sum, t, &sum, err));
    }
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_SQUARE, OCT_OPTIONS_Square, x, &tail, err));
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_NEG, OCT_OPTIONS_Neg, tail, &tail, err));
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_EXP, OCT_OPTIONS_Exp, tail, &tail, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_MUL, sum, tail, &tail, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_SUB, one, tail, &tail, err));
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_SIGN, OCT_OPTIONS_Sign, x, &sign, err));
    return oct_keras_emit_binary(call, OCT_OP_MUL, sign, tail, y, err);
}

oct_status oct_keras_lower_log1p(oct_keras_call *call, int32_t *y, oct_error *err)
{
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_ADD, call->inputs[0], 1.0f, y, err));
    return emit_log(call, *y, y, err);
}

/* The logarithm to the base of the variant. */
oct_status oct_keras_lower_log_to_base(oct_keras_call *call, int32_t *y, oct_error *err)
{
    OCT_TRY(emit_log(call, call->inputs[0], y, err));
    return oct_keras_emit_scalar(call, OCT_OP_MUL, *y, (float)(1 / log(call->variant)), y, err);
}

oct_status oct_keras_lower_reciprocal(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t one;
    OCT_TRY(oct_keras_constant_scalar(call, 1.0f, &one, err));
    return oct_keras_emit_binary(call, OCT_OP_DIV, one, call->inputs[0], y, err);
}

/* Zeros, of another type when one is given: nothing is less than itself. */
oct_status oct_keras_lower_zeros_like(oct_keras_call *call, int32_t *y, oct_error *err)
{
    const char *type = json_string_value(oct_keras_setting(call, "dtype"));
    int32_t x = call->inputs[0];
    if (type == NULL || strcmp(type, oct_type_name(oct_keras_type_of(call, x))) == 0)
        return oct_keras_emit_unary(call, OCT_OP_ZEROS_LIKE, OCT_OPTIONS_ZerosLike, x, y, err);
    if (strcmp(type, "bool") != 0)
        return oct_fail(err, OCT_E_UNSUPPORTED, "zeros of the type %s", type);
    return oct_keras_emit_binary(call, OCT_OP_LESS, x, x, y, err);
}

oct_status oct_keras_lower_ones_like(oct_keras_call *call, int32_t *y, oct_error *err)
{
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_ZEROS_LIKE, OCT_OPTIONS_ZerosLike, call->inputs[0], y,
        err));
    OCT_TRY(oct_keras_emit_cast(call, *y, OCT_FLOAT32, y, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_ADD, *y, 1.0f, y, err));
    return oct_keras_emit_cast(call, *y, oct_keras_type_of(call, call->inputs[0]), y, err);
}

/* The axes of a reduction, counted from the front; all when none are given. */
static oct_status read_axes(const oct_keras_call *call, const char *key, int32_t *axes,
    int32_t *count, oct_error *err)
{
    int32_t rank = oct_keras_shape_of(call, call->inputs[0]).rank;
    const json_t *given = oct_keras_setting(call, key);
    for (int32_t i = 0; i < rank; i++)
        axes[i] = i;
    *count = rank;
    if (given != NULL)
        OCT_TRY(oct_keras_list(given, key, 8, axes, count, err));
    for (int32_t i = 0; i < *count; i++)
        OCT_TRY(oct_keras_axis(axes[i], rank, &axes[i], err));
    return OCT_OK;
}

static oct_status drop_axes(oct_keras_call *call, int32_t x, const int32_t *axes, int32_t count,
    int32_t *y, oct_error *err)
{
    oct_keras_shape from = oct_keras_shape_of(call, x), shape = { 0 };
    for (int32_t i = 0; i < from.rank; i++) {
        bool dropped = false;
        for (int32_t k = 0; k < count; k++)
            dropped |= axes[k] == i;
        if (!dropped)
            shape.dims[shape.rank++] = from.dims[i];
    }
    return oct_keras_emit_reshape(call, x, &shape, y, err);
}

/* mean((x - mean(x))^2) over axes that stay as ones */
static oct_status emit_variance(oct_keras_call *call, const int32_t *axes, int32_t count,
    int32_t *mean, int32_t *y, oct_error *err)
{
    int32_t x = call->inputs[0];
    OCT_TRY(oct_keras_emit_reduce(call, OCT_OP_MEAN, x, axes, count, true, mean, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_SQUARED_DIFFERENCE, x, *mean, y, err));
    return oct_keras_emit_reduce(call, OCT_OP_MEAN, *y, axes, count, true, y, err);
}

/* Variant 1: the standard deviation. */
oct_status oct_keras_lower_variance(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t axes[8], count, mean;
    OCT_TRY(read_axes(call, "axis", axes, &count, err));
    OCT_TRY(emit_variance(call, axes, count, &mean, y, err));
    if (call->variant == 1)
        OCT_TRY(oct_keras_emit_unary(call, OCT_OP_SQRT, OCT_OPTIONS_NONE, *y, y, err));
    return json_is_true(oct_keras_setting(call, "keepdims"))
               ? OCT_OK
               : drop_axes(call, *y, axes, count, y, err);
}

oct_status oct_keras_lower_moments(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t axes[8], count, parts[2];
    OCT_TRY(read_axes(call, "axes", axes, &count, err));
    OCT_TRY(emit_variance(call, axes, count, &parts[0], &parts[1], err));
    OCT_TRY(oct_keras_several(call, 2, err));
    for (int i = 0; i < 2; i++) {
        call->outputs[i] = parts[i];
        if (!json_is_true(oct_keras_setting(call, "keepdims")))
            OCT_TRY(drop_axes(call, parts[i], axes, count, &call->outputs[i], err));
    }
    *y = call->outputs[0];
    return OCT_OK;
}

/* log(sum(e^(x - max))) + max: no sum overflows. */
oct_status oct_keras_lower_logsumexp(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t axes[8], count, largest, x = call->inputs[0];
    OCT_TRY(read_axes(call, "axis", axes, &count, err));
    OCT_TRY(oct_keras_emit_reduce(call, OCT_OP_REDUCE_MAX, x, axes, count, true, &largest, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_SUB, x, largest, y, err));
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_EXP, OCT_OPTIONS_Exp, *y, y, err));
    OCT_TRY(oct_keras_emit_reduce(call, OCT_OP_SUM, *y, axes, count, true, y, err));
    OCT_TRY(emit_log(call, *y, y, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_ADD, *y, largest, y, err));
    return json_is_true(oct_keras_setting(call, "keepdims"))
               ? OCT_OK
               : drop_axes(call, *y, axes, count, y, err);
}

/* x / |x| along an axis; a vector shorter than epsilon is divided by that. */
oct_status oct_keras_lower_normalize(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t axes[8] = { 0 }, count, x = call->inputs[0], factor;
    double order = oct_keras_number(call->config, "order", 2);
    const json_t *least = oct_keras_setting(call, "epsilon");
    double epsilon = json_is_number(least) ? json_number_value(least) : 1e-12;
    if (order != 2)
        return oct_fail(err, OCT_E_UNSUPPORTED, "a norm of order %g; only 2 is supported", order);
    OCT_TRY(read_axes(call, "axis", axes, &count, err));
    if (oct_keras_setting(call, "axis") == NULL)
        count = 1, axes[0] = oct_keras_shape_of(call, x).rank - 1;
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_SQUARE, OCT_OPTIONS_Square, x, &factor, err));
    OCT_TRY(oct_keras_emit_reduce(call, OCT_OP_SUM, factor, axes, count, true, &factor, err));
    /* TensorFlow compares the square with epsilon, Keras the length. */
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MAXIMUM, factor,
        (float)(call->keras2 ? epsilon : epsilon * epsilon), &factor, err));
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_RSQRT, OCT_OPTIONS_NONE, factor, &factor, err));
    return oct_keras_emit_binary(call, OCT_OP_MUL, x, factor, y, err);
}

/* The sum of all inputs. */
oct_status oct_keras_lower_add_n(oct_keras_call *call, int32_t *y, oct_error *err)
{
    for (int32_t i = 1; i < call->input_count; i++)
        OCT_TRY(oct_keras_emit_binary(call, OCT_OP_ADD, *y, call->inputs[i], y, err));
    return OCT_OK;
}
