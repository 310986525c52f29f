/*
 * Normalizations by what the data is when the model runs: layer, group, RMS and unit normalization.
 */
#include "keras/layer.h"

/* The axes must be the last ones: gamma and beta then broadcast as they are. */
static oct_status trailing_axes(const oct_keras_call *call, int32_t rank, int32_t *axes,
    int32_t *count, oct_error *err)
{
    axes[0] = -1;
    *count = 1;
    if (oct_keras_has(call->config, "axis"))
        OCT_TRY(oct_keras_list(json_object_get(call->config, "axis"), "axis", 8, axes, count, err));
    for (int32_t i = 0; i < *count; i++) {
        OCT_TRY(oct_keras_axis(axes[i], rank, &axes[i], err));
        if (axes[i] != rank - *count + i)
            return oct_fail(err, OCT_E_UNSUPPORTED, "normalizes over axes that are not the last ones");
    }
    return *count > 0 ? OCT_OK : oct_fail(err, OCT_E_INVALID, "normalizes over no axis");
}

/* *mean and *factor = 1 / sqrt(variance + epsilon) over axes, which stay as ones. */
static oct_status emit_moments(oct_keras_call *call, int32_t x, const int32_t *axes, int32_t count,
    float epsilon, int32_t *mean, int32_t *factor, oct_error *err)
{
    OCT_TRY(oct_keras_emit_reduce(call, OCT_OP_MEAN, x, axes, count, true, mean, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_SQUARED_DIFFERENCE, x, *mean, factor, err));
    OCT_TRY(oct_keras_emit_reduce(call, OCT_OP_MEAN, *factor, axes, count, true, factor, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_ADD, *factor, epsilon, factor, err));
    return oct_keras_emit_unary(call, OCT_OP_RSQRT, OCT_OPTIONS_NONE, *factor, factor, err);
}

/* y = op(x, the layer's variable), when it has that variable. */
static oct_status apply_variable(oct_keras_call *call, oct_builtin op, const char *name, int32_t rank,
    int64_t *dims, int32_t *y, oct_error *err)
{
    int32_t constant;
    if (oct_keras_variable_find(call, name) == NULL)
        return OCT_OK;
    OCT_TRY(oct_keras_constant_variable(call, name, rank, dims, &constant, err));
    return oct_keras_emit_binary(call, op, *y, constant, y, err);
}

/* y = (x - mean) * (rsqrt(var + eps) * gamma) + beta, with the biased variance. */
oct_status oct_keras_lower_layer_normalization(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t x = call->inputs[0], axes[8], count, mean, factor;
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    int64_t dims[8];
    float epsilon = (float)oct_keras_number(call->config, "epsilon", 1e-3);
    if (oct_keras_flag(call->config, "rms_scaling", false))
        return oct_fail(err, OCT_E_UNSUPPORTED, "rms_scaling");
    OCT_TRY(trailing_axes(call, shape.rank, axes, &count, err));
    for (int32_t i = 0; i < count; i++)
        dims[i] = shape.dims[axes[i]];
    OCT_TRY(emit_moments(call, x, axes, count, epsilon, &mean, &factor, err));
    OCT_TRY(apply_variable(call, OCT_OP_MUL, "gamma", count, dims, &factor, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_SUB, x, mean, y, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_MUL, *y, factor, y, err));
    return apply_variable(call, OCT_OP_ADD, "beta", count, dims, y, err);
}

/* As [n, pixels, groups, channels of a group], so that no operator sees more than four axes. */
oct_status oct_keras_lower_group_normalization(oct_keras_call *call, int32_t *y, oct_error *err)
{
    static const int32_t axes[] = { 1, 3 };
    int32_t groups, axis, given, mean, factor, x = call->inputs[0];
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    float epsilon = (float)oct_keras_number(call->config, "epsilon", 1e-3);
    OCT_TRY(oct_keras_require_known(&shape, 1, err));
    OCT_TRY(oct_keras_int(call->config, "axis", -1, -8, &given, err));
    OCT_TRY(oct_keras_axis(given, shape.rank, &axis, err));
    OCT_TRY(oct_keras_int(call->config, "groups", 32, -1, &groups, err));
    int32_t channels = shape.dims[axis];
    groups = groups == -1 ? channels : groups;
    if (axis != shape.rank - 1 || axis == 0)
        return oct_fail(err, OCT_E_UNSUPPORTED, "normalizes over an axis that is not the last one");
    if (groups < 1 || channels % groups != 0)
        return oct_fail(err, OCT_E_INVALID, "%d channels in %d groups", channels, groups);
    int64_t pixels = oct_keras_elements(&shape, 1) / channels, dims[1] = { channels };
    if (pixels > INT32_MAX)
        return oct_fail(err, OCT_E_INVALID, "its input is too large");
    oct_keras_shape parts = { 4, { shape.dims[0], (int32_t)pixels, groups, channels / groups } };
    OCT_TRY(oct_keras_emit_reshape(call, x, &parts, &x, err));
    OCT_TRY(emit_moments(call, x, axes, 2, epsilon, &mean, &factor, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_SUB, x, mean, y, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_MUL, *y, factor, y, err));
    OCT_TRY(oct_keras_emit_reshape(call, *y, &shape, y, err));
    OCT_TRY(apply_variable(call, OCT_OP_MUL, "gamma", 1, dims, y, err));
    return apply_variable(call, OCT_OP_ADD, "beta", 1, dims, y, err);
}

/* y = x * rsqrt(mean(x * x) + eps) * scale */
oct_status oct_keras_lower_rms_normalization(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t x = call->inputs[0], axes[8], count, factor;
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    int64_t dims[8];
    float epsilon = (float)oct_keras_number(call->config, "epsilon", 1e-6);
    OCT_TRY(trailing_axes(call, shape.rank, axes, &count, err));
    for (int32_t i = 0; i < count; i++)
        dims[i] = shape.dims[axes[i]];
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_SQUARE, OCT_OPTIONS_Square, x, &factor, err));
    OCT_TRY(oct_keras_emit_reduce(call, OCT_OP_MEAN, factor, axes, count, true, &factor, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_ADD, factor, epsilon, &factor, err));
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_RSQRT, OCT_OPTIONS_NONE, factor, &factor, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_MUL, x, factor, y, err));
    return apply_variable(call, OCT_OP_MUL, "scale", count, dims, y, err);
}

/* y = x / |x|; a vector of zeros stays zero. */
oct_status oct_keras_lower_unit_normalization(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t x = call->inputs[0], axes[8] = { -1 }, count = 1, factor;
    int32_t rank = oct_keras_shape_of(call, x).rank;
    if (oct_keras_has(call->config, "axis"))
        OCT_TRY(oct_keras_list(json_object_get(call->config, "axis"), "axis", 8, axes, &count, err));
    for (int32_t i = 0; i < count; i++)
        OCT_TRY(oct_keras_axis(axes[i], rank, &axes[i], err));
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_SQUARE, OCT_OPTIONS_Square, x, &factor, err));
    OCT_TRY(oct_keras_emit_reduce(call, OCT_OP_SUM, factor, axes, count, true, &factor, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MAXIMUM, factor, 1e-12f, &factor, err));
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_RSQRT, OCT_OPTIONS_NONE, factor, &factor, err));
    return oct_keras_emit_binary(call, OCT_OP_MUL, x, factor, y, err);
}
