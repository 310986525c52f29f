/*
 * Normalizations with constants of their own, and affine preprocessing: every one ends as MUL and ADD.
 *
 * The order of the float32 operations in batch normalization is the converter's, so that folding it into a
 * convolution gives the converter's bits: r = 1/sqrt(var + eps), s = gamma * r, t = beta - mean * s.
 */
#include "keras/layer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Refuses options that would change the arithmetic. */
static oct_status refuse_flag(const oct_keras_call *call, const char *key, oct_error *err)
{
    return oct_keras_flag(call->config, key, false) ? oct_fail(err, OCT_E_UNSUPPORTED, "%s", key)
                                                    : OCT_OK;
}

/* The axis of a layer with one: a number, or a list of one. */
static oct_status single_axis(const oct_keras_call *call, int32_t rank, int32_t *axis, oct_error *err)
{
    int32_t list[8] = { -1 }, count = 1;
    if (oct_keras_has(call->config, "axis"))
        OCT_TRY(oct_keras_list(json_object_get(call->config, "axis"), "axis", 8, list, &count, err));
    if (count != 1)
        return oct_fail(err, OCT_E_UNSUPPORTED, "normalizes over %d axes at once", count);
    return oct_keras_axis(list[0], rank, axis, err);
}

/* Channels first: the vector gets trailing axes, [1, C, 1, 1]. */
static oct_status vector_shape(const oct_keras_call *call, int32_t axis, oct_keras_shape *out,
    oct_error *err)
{
    oct_keras_shape from = oct_keras_shape_of(call, call->inputs[0]);
    int32_t channels = from.dims[axis];
    if (channels < 0)
        return oct_fail(err, OCT_E_UNSUPPORTED, "normalizes over an axis of unknown size");
    *out = (oct_keras_shape){ 1, { channels } };
    if (axis == from.rank - 1)
        return OCT_OK;
    out->rank = from.rank;
    for (int32_t i = 0; i < from.rank; i++)
        out->dims[i] = i == axis ? channels : 1;
    return OCT_OK;
}

/* A vector variable as floats, or `fallback` everywhere when the layer has none; *out is for free(). */
static oct_status read_vector(const oct_keras_call *call, const char *name, int32_t count,
    float fallback, float **out, oct_error *err)
{
    int64_t dims[1] = { count };
    const oct_h5_dataset *set = NULL;
    if (oct_keras_variable_find(call, name) != NULL)
        OCT_TRY(oct_keras_weight(call, name, 1, dims, &set, err));
    *out = malloc((size_t)count * sizeof **out);
    if (*out == NULL)
        return oct_fail_memory(err, (size_t)count * sizeof **out, name);
    for (int32_t i = 0; set == NULL && i < count; i++)
        (*out)[i] = fallback;
    if (set != NULL)
        oct_h5_dataset_floats(set, 0, count, *out);
    return OCT_OK;
}

static void scale_and_shift(int32_t count, float epsilon, const float *gamma, const float *beta,
    const float *mean, const float *variance, float *scale, float *shift)
{
    for (int32_t i = 0; i < count; i++) {
        float root = 1.0f / sqrtf(variance[i] + epsilon);
        scale[i] = gamma[i] * root;
        shift[i] = beta[i] - mean[i] * scale[i];
    }
}

static oct_status fill_batch_normalization(const oct_keras_call *call, int32_t count, float *scale,
    float *shift, oct_error *err)
{
    static const char *const names[] = { "gamma", "beta", "moving_mean", "moving_variance" };
    float *vectors[4] = { NULL }, epsilon = (float)oct_keras_number(call->config, "epsilon", 1e-3);
    oct_status status = OCT_OK;
    for (int i = 0; i < 4 && status == OCT_OK; i++)
        status = read_vector(call, names[i], count, i == 0 || i == 3 ? 1.0f : 0.0f, &vectors[i], err);
    if (status == OCT_OK)
        scale_and_shift(count, epsilon, vectors[0], vectors[1], vectors[2], vectors[3], scale, shift);
    for (int i = 0; i < 4; i++)
        free(vectors[i]);
    return status;
}

oct_status oct_keras_lower_batch_normalization(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t x = call->inputs[0], axis, scale, shift;
    float *scales, *shifts;
    oct_keras_shape vector;
    OCT_TRY(refuse_flag(call, "renorm", err));
    OCT_TRY(single_axis(call, oct_keras_shape_of(call, x).rank, &axis, err));
    OCT_TRY(vector_shape(call, axis, &vector, err));
    int32_t count = oct_keras_shape_of(call, x).dims[axis];
    int64_t dims[1] = { count };
    const oct_h5_dataset *set; /* the file must back the size before it is allocated */
    OCT_TRY(oct_keras_weight(call, "moving_mean", 1, dims, &set, err));
    OCT_TRY(oct_keras_constant_floats(call, "scale", vector.rank, vector.dims, &scales, &scale, err));
    OCT_TRY(oct_keras_constant_floats(call, "shift", vector.rank, vector.dims, &shifts, &shift, err));
    if (scales != NULL && shifts != NULL)
        OCT_TRY(fill_batch_normalization(call, count, scales, shifts, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_MUL, x, scale, y, err));
    return oct_keras_emit_binary(call, OCT_OP_ADD, *y, shift, y, err);
}

/* ConvNeXt's per-channel factor. */
oct_status oct_keras_lower_layer_scale(oct_keras_call *call, int32_t *y, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, call->inputs[0]);
    int64_t dims[1] = { shape.dims[shape.rank > 0 ? shape.rank - 1 : 0] };
    int32_t gamma;
    OCT_TRY(oct_keras_constant_variable(call, "gamma", 1, dims, &gamma, err));
    return oct_keras_emit_binary(call, OCT_OP_MUL, call->inputs[0], gamma, y, err);
}

/* A number, or a nested list of numbers that all lie on one axis, flattened; *values is for free(). */
static size_t count_numbers(const json_t *value)
{
    if (!json_is_array(value))
        return 1;
    size_t total = 0;
    for (size_t i = 0; i < json_array_size(value); i++)
        total += count_numbers(json_array_get(value, i));
    return total;
}

static bool flatten_numbers(const json_t *value, float **to)
{
    if (json_is_number(value)) {
        *(*to)++ = (float)json_number_value(value);
        return true;
    }
    if (!json_is_array(value))
        return false;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!flatten_numbers(json_array_get(value, i), to))
            return false;
    return true;
}

static oct_status read_numbers(const json_t *value, const char *key, float **values, int32_t *count,
    oct_error *err)
{
    size_t total = count_numbers(value);
    *values = malloc(total * sizeof **values + 1);
    if (*values == NULL)
        return oct_fail_memory(err, total * sizeof **values, key);
    float *at = *values;
    if (total == 0 || total > INT32_MAX || !flatten_numbers(value, &at)) {
        free(*values);
        *values = NULL;
        return oct_fail(err, OCT_E_INVALID, "%s: expected a number or a list of numbers", key);
    }
    *count = (int32_t)total;
    return OCT_OK;
}

/* y = op(x, values): a scalar for one value, else a vector along the last axis. */
static oct_status emit_vector(oct_keras_call *call, oct_builtin op, int32_t x, const float *values,
    int32_t count, const char *suffix, int32_t *y, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    if (count == 1)
        return oct_keras_emit_scalar(call, op, x, values[0], y, err);
    if (shape.rank == 0 || shape.dims[shape.rank - 1] != count)
        return oct_fail(err, OCT_E_INVALID, "%s has %d values for %d channels", suffix, count,
            shape.rank == 0 ? 1 : shape.dims[shape.rank - 1]);
    float *made;
    int32_t constant;
    OCT_TRY(oct_keras_constant_floats(call, suffix, 1, &count, &made, &constant, err));
    if (made != NULL)
        memcpy(made, values, (size_t)count * sizeof *made);
    return oct_keras_emit_binary(call, op, x, constant, y, err);
}

static oct_status rescale_by(oct_keras_call *call, oct_builtin op, const char *key, double neutral,
    int32_t *y, oct_error *err)
{
    const json_t *value = json_object_get(call->config, key);
    float *values;
    int32_t count;
    if (value == NULL || (json_is_number(value) && json_number_value(value) == neutral))
        return OCT_OK;
    OCT_TRY(read_numbers(value, key, &values, &count, err));
    oct_status status = emit_vector(call, op, *y, values, count, key, y, err);
    free(values);
    return status;
}

oct_status oct_keras_lower_rescaling(oct_keras_call *call, int32_t *y, oct_error *err)
{
    OCT_TRY(oct_keras_emit_cast(call, call->inputs[0], OCT_FLOAT32, y, err));
    OCT_TRY(rescale_by(call, OCT_OP_MUL, "scale", 1, y, err));
    return rescale_by(call, OCT_OP_ADD, "offset", 0, y, err);
}

/* mean or variance: in the configuration, or adapted and then a variable. */
static oct_status read_statistic(const oct_keras_call *call, const char *name, float **values,
    int32_t *count, oct_error *err)
{
    const oct_h5_dataset *set = oct_keras_variable_find(call, name);
    if (set == NULL)
        return read_numbers(json_object_get(call->config, name), name, values, count, err);
    if (set->elements < 1 || set->elements > INT32_MAX)
        return oct_fail(err, OCT_E_INVALID, "%s has %lld values", name, (long long)set->elements);
    *count = (int32_t)set->elements;
    *values = malloc((size_t)*count * sizeof **values);
    if (*values == NULL)
        return oct_fail_memory(err, (size_t)*count * sizeof **values, name);
    oct_h5_dataset_floats(set, 0, *count, *values);
    return OCT_OK;
}

oct_status oct_keras_lower_normalization(oct_keras_call *call, int32_t *y, oct_error *err)
{
    bool invert = oct_keras_flag(call->config, "invert", false);
    float *mean = NULL, *variance = NULL;
    int32_t mean_count, variance_count;
    OCT_TRY(oct_keras_emit_cast(call, call->inputs[0], OCT_FLOAT32, y, err));
    oct_status status = read_statistic(call, "mean", &mean, &mean_count, err);
    if (status == OCT_OK)
        status = read_statistic(call, "variance", &variance, &variance_count, err);
    if (status == OCT_OK) {
        for (int32_t i = 0; i < variance_count; i++) {
            float deviation = fmaxf(sqrtf(variance[i]), 1e-7f);
            variance[i] = invert ? deviation : 1.0f / deviation;
        }
        if (!invert)
            status = emit_vector(call, OCT_OP_SUB, *y, mean, mean_count, "mean", y, err);
        if (status == OCT_OK)
            status = emit_vector(call, OCT_OP_MUL, *y, variance, variance_count, "factor", y, err);
        if (status == OCT_OK && invert)
            status = emit_vector(call, OCT_OP_ADD, *y, mean, mean_count, "mean", y, err);
    }
    free(mean);
    free(variance);
    return status;
}
