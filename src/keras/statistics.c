/*
 * Normalizations by what the data is when the model runs: layer, group, RMS and unit normalization.
 */
#include "keras/layer.h"

#include <string.h>

static oct_status read_axes(const oct_keras_call *call, int32_t rank, int32_t *axes, int32_t *count,
    oct_error *err)
{
    axes[0] = -1;
    *count = 1;
    if (oct_keras_has(call->config, "axis"))
        OCT_TRY(oct_keras_list(json_object_get(call->config, "axis"), "axis", 8, axes, count, err));
    for (int32_t i = 0; i < *count; i++)
        OCT_TRY(oct_keras_axis(axes[i], rank, &axes[i], err));
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

/*
 * y = op(y, the layer's variable), when it has that variable, whose elements lie along axes of x. Over the
 * last axes it broadcasts as it is, over others as a tensor with ones between them.
 */
static oct_status apply_along(oct_keras_call *call, oct_builtin op, const char *name, const int32_t *axes,
    int32_t count, int32_t *y, oct_error *err)
{
    const oct_h5_dataset *set;
    oct_keras_shape shape = oct_keras_shape_of(call, call->inputs[0]), wide = { .rank = shape.rank };
    int64_t dims[8];
    bool last = true;
    float *values;
    int32_t constant;
    if (oct_keras_variable_find(call, name) == NULL)
        return OCT_OK;
    for (int32_t i = 0; i < shape.rank; i++)
        wide.dims[i] = 1;
    for (int32_t i = 0; i < count; i++) {
        dims[i] = shape.dims[axes[i]];
        wide.dims[axes[i]] = shape.dims[axes[i]];
        last &= axes[i] == shape.rank - count + i;
    }
    if (last)
        memmove(wide.dims, wide.dims + shape.rank - count, (size_t)(wide.rank = count) * sizeof *wide.dims);
    OCT_TRY(oct_keras_weight(call, name, count, dims, &set, err));
    OCT_TRY(oct_keras_constant_floats(call, name, wide.rank, wide.dims, &values, &constant, err));
    if (values != NULL)
        oct_h5_dataset_floats(set, 0, set->elements, values);
    return oct_keras_emit_binary(call, op, *y, constant, y, err);
}

/* The layer's variables have the sizes of these axes. */
static oct_status require_sizes(const oct_keras_call *call, const int32_t *axes, int32_t count,
    oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, call->inputs[0]);
    for (int32_t i = 0; i < count; i++)
        if (axes[i] == 0 || shape.dims[axes[i]] < 0)
            return oct_fail(err, OCT_E_UNSUPPORTED, "normalizes over axis %d, whose size is open", axes[i]);
    return OCT_OK;
}

/* y = (x - mean) * (rsqrt(var + eps) * gamma) + beta, with the biased variance. */
oct_status oct_keras_lower_layer_normalization(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t x = call->inputs[0], axes[8], count, mean, factor;
    float epsilon = (float)oct_keras_number(call->config, "epsilon", 1e-3);
    if (oct_keras_flag(call->config, "rms_scaling", false))
        return oct_fail(err, OCT_E_UNSUPPORTED, "rms_scaling");
    OCT_TRY(read_axes(call, oct_keras_shape_of(call, x).rank, axes, &count, err));
    OCT_TRY(require_sizes(call, axes, count, err));
    OCT_TRY(emit_moments(call, x, axes, count, epsilon, &mean, &factor, err));
    OCT_TRY(apply_along(call, OCT_OP_MUL, "gamma", axes, count, &factor, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_SUB, x, mean, y, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_MUL, *y, factor, y, err));
    return apply_along(call, OCT_OP_ADD, "beta", axes, count, y, err);
}

/*
 * As [n, pixels, groups, channels of a group], so that no operator sees more than four axes; channels in
 * front of the pixels as [n, groups, channels and pixels of a group].
 */
oct_status oct_keras_lower_group_normalization(oct_keras_call *call, int32_t *y, oct_error *err)
{
    static const int32_t behind[] = { 1, 3 }, front[] = { 2 };
    int32_t groups, axis, given, mean, factor, x = call->inputs[0];
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    float epsilon = (float)oct_keras_number(call->config, "epsilon", 1e-3);
    OCT_TRY(oct_keras_require_known(&shape, 1, err));
    OCT_TRY(oct_keras_int(call->config, "axis", -1, -8, &given, err));
    OCT_TRY(oct_keras_axis(given, shape.rank, &axis, err));
    OCT_TRY(oct_keras_int(call->config, "groups", 32, -1, &groups, err));
    int32_t channels = shape.dims[axis];
    groups = groups == -1 ? channels : groups;
    bool first = axis == 1 && axis < shape.rank - 1;
    if ((axis != shape.rank - 1 && !first) || axis == 0)
        return oct_fail(err, OCT_E_UNSUPPORTED, "has its channels neither first nor last (axis %d)", given);
    if (groups < 1 || channels % groups != 0)
        return oct_fail(err, OCT_E_INVALID, "%d channels in %d groups", channels, groups);
    int64_t pixels = oct_keras_elements(&shape, 1) / channels;
    if (pixels * channels > INT32_MAX)
        return oct_fail(err, OCT_E_INVALID, "its input is too large");
    oct_keras_shape parts = { 4, { shape.dims[0], (int32_t)pixels, groups, channels / groups } };
    if (first)
        parts = (oct_keras_shape){ 3, { shape.dims[0], groups, channels / groups * (int32_t)pixels } };
    OCT_TRY(oct_keras_emit_reshape(call, x, &parts, &x, err));
    OCT_TRY(emit_moments(call, x, first ? front : behind, first ? 1 : 2, epsilon, &mean, &factor, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_SUB, x, mean, y, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_MUL, *y, factor, y, err));
    OCT_TRY(oct_keras_emit_reshape(call, *y, &shape, y, err));
    OCT_TRY(apply_along(call, OCT_OP_MUL, "gamma", &axis, 1, y, err));
    return apply_along(call, OCT_OP_ADD, "beta", &axis, 1, y, err);
}

/* y = x * rsqrt(mean(x * x) + eps) * scale */
oct_status oct_keras_lower_rms_normalization(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t x = call->inputs[0], axes[8], count, factor;
    float epsilon = (float)oct_keras_number(call->config, "epsilon", 1e-6);
    OCT_TRY(read_axes(call, oct_keras_shape_of(call, x).rank, axes, &count, err));
    OCT_TRY(require_sizes(call, axes, count, err));
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_SQUARE, OCT_OPTIONS_Square, x, &factor, err));
    OCT_TRY(oct_keras_emit_reduce(call, OCT_OP_MEAN, factor, axes, count, true, &factor, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_ADD, factor, epsilon, &factor, err));
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_RSQRT, OCT_OPTIONS_NONE, factor, &factor, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_MUL, x, factor, y, err));
    return apply_along(call, OCT_OP_MUL, "scale", axes, count, y, err);
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
