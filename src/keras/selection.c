/*
 * Operations that multiply matrices, choose, repeat and split. Some have several results.
 */
#include "keras/layer.h"

#include <string.h>

oct_status oct_keras_lower_matmul(oct_keras_call *call, int32_t *y, oct_error *err)
{
    static const char *const refused[] = { "adjoint_a", "adjoint_b", "a_is_sparse", "b_is_sparse" };
    int32_t a, b;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (json_is_true(oct_keras_setting(call, refused[i])))
            return oct_fail(err, OCT_E_UNSUPPORTED, "%s", refused[i]);
    OCT_TRY(oct_keras_argument_tensor(call, 0, call->keras2 ? "a" : "x1", &a, err));
    OCT_TRY(oct_keras_argument_tensor(call, 1, call->keras2 ? "b" : "x2", &b, err));
    return oct_keras_emit_matmul(call, a, b, json_is_true(oct_keras_setting(call, "transpose_a")),
        json_is_true(oct_keras_setting(call, "transpose_b")), y, err);
}

oct_status oct_keras_lower_where(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t inputs[3];
    oct_keras_shape shape;
    OCT_TRY(oct_keras_argument_tensor(call, 0, "condition", &inputs[0], err));
    OCT_TRY(oct_keras_argument_tensor(call, 1, call->keras2 ? "x" : "x1", &inputs[1], err));
    OCT_TRY(oct_keras_argument_tensor(call, 2, call->keras2 ? "y" : "x2", &inputs[2], err));
    oct_keras_shape parts[3] = { oct_keras_shape_of(call, inputs[0]),
        oct_keras_shape_of(call, inputs[1]), oct_keras_shape_of(call, inputs[2]) };
    OCT_TRY(oct_keras_broadcast(&parts[0], &parts[1], &shape, err));
    OCT_TRY(oct_keras_broadcast(&shape, &parts[2], &shape, err));
    oct_type type = oct_keras_type_of(call, inputs[1]);
    if (type != oct_keras_type_of(call, inputs[2]))
        return oct_fail(err, OCT_E_UNSUPPORTED, "mixes %s and %s", oct_type_name(type),
            oct_type_name(oct_keras_type_of(call, inputs[2])));
    OCT_TRY(oct_keras_emit_cast(call, inputs[0], OCT_BOOL, &inputs[0], err));
    return oct_keras_emit(call, OCT_OP_SELECT_V2, inputs, 3, OCT_OPTIONS_SelectV2, type, &shape, y,
        NULL, err);
}

/* The setting `axis` of x, which must be given when `fallback` is INT32_MIN. */
static oct_status read_axis(const oct_keras_call *call, int32_t rank, int32_t fallback, int32_t *axis,
    oct_error *err)
{
    const json_t *value = oct_keras_setting(call, "axis");
    int32_t given = fallback, count = 1;
    if (value == NULL && fallback == INT32_MIN)
        return oct_fail(err, OCT_E_UNSUPPORTED, "without an axis; give the axis");
    if (value != NULL)
        OCT_TRY(oct_keras_list(value, "axis", 1, &given, &count, err));
    if (count != 1)
        return oct_fail(err, OCT_E_INVALID, "axis: expected one number");
    return oct_keras_axis(given, rank, axis, err);
}

/* Constant indices, a number or a list, count from the back when they are negative. */
static oct_status constant_indices(oct_keras_call *call, const json_t *value, int32_t size,
    int32_t *tensor, oct_error *err)
{
    int32_t indices[256], count;
    OCT_TRY(oct_keras_list(value, "indices", 256, indices, &count, err));
    for (int32_t i = 0; i < count; i++) {
        if (size < 0 || indices[i] >= size || indices[i] < -size)
            return oct_fail(err, OCT_E_INVALID, "index %d of %d elements", indices[i], size);
        indices[i] += indices[i] < 0 ? size : 0;
    }
    return json_is_array(value) ? oct_keras_constant_ints(call, "indices", count, indices, tensor, err)
                                : oct_keras_constant_int(call, "indices", indices[0], tensor, err);
}

oct_status oct_keras_lower_take(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t inputs[2] = { call->inputs[0] }, axis;
    oct_keras_shape from = oct_keras_shape_of(call, inputs[0]), shape = { 0 };
    const json_t *indices = oct_keras_argument_value(call, 1, "indices");
    if (json_number_value(oct_keras_setting(call, "batch_dims")) != 0)
        return oct_fail(err, OCT_E_UNSUPPORTED, "batch_dims");
    OCT_TRY(read_axis(call, from.rank, call->keras2 ? 0 : INT32_MIN, &axis, err));
    if (indices != NULL) {
        OCT_TRY(constant_indices(call, indices, from.dims[axis], &inputs[1], err));
    } else {
        OCT_TRY(oct_keras_argument_tensor(call, 1, "indices", &inputs[1], err));
        OCT_TRY(oct_keras_emit_cast(call, inputs[1], OCT_INT32, &inputs[1], err));
    }
    oct_keras_shape picked = oct_keras_shape_of(call, inputs[1]);
    if (from.rank - 1 + picked.rank > 8)
        return oct_fail(err, OCT_E_UNSUPPORTED, "would have more than 8 axes");
    for (int32_t i = 0; i < from.rank; i++) {
        if (i != axis)
            shape.dims[shape.rank++] = from.dims[i];
        for (int32_t k = 0; i == axis && k < picked.rank; k++)
            shape.dims[shape.rank++] = picked.dims[k];
    }
    oct_gather_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_GATHER, inputs, 2, OCT_OPTIONS_Gather,
        oct_keras_type_of(call, inputs[0]), &shape, y, &options, err));
    options->axis = axis;
    return OCT_OK;
}

static oct_status emit_tile(oct_keras_call *call, int32_t x, const int32_t *times, int32_t *y,
    oct_error *err)
{
    int32_t inputs[2] = { x };
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    for (int32_t i = 0; i < shape.rank; i++) {
        int64_t size = (int64_t)shape.dims[i] * times[i];
        if (times[i] < 1 || size > INT32_MAX)
            return oct_fail(err, OCT_E_INVALID, "repeats axis %d %d times", i, times[i]);
        shape.dims[i] = shape.dims[i] < 0 ? -1 : (int32_t)size;
    }
    OCT_TRY(oct_keras_constant_ints(call, "multiples", shape.rank, times, &inputs[1], err));
    return oct_keras_emit(call, OCT_OP_TILE, inputs, 2, OCT_OPTIONS_Tile, oct_keras_type_of(call, x),
        &shape, y, NULL, err);
}

oct_status oct_keras_lower_tile(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t rank = oct_keras_shape_of(call, call->inputs[0]).rank, times[8], count;
    const json_t *given = oct_keras_setting(call, call->keras2 ? "multiples" : "repeats");
    OCT_TRY(oct_keras_list(given, "repeats", 8, times, &count, err));
    if (count != rank)
        return oct_fail(err, OCT_E_UNSUPPORTED, "repeats %d of %d axes; give one number an axis", count,
            rank);
    return emit_tile(call, call->inputs[0], times, y, err);
}

/* [.., d, ..] as [.., d, 1, ..], tiled, and back. */
oct_status oct_keras_emit_repeat(oct_keras_call *call, int32_t x, int32_t axis, int32_t times, int32_t *y,
    oct_error *err)
{
    oct_keras_shape from = oct_keras_shape_of(call, x), wide = from;
    int32_t tiles[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    int64_t size = (int64_t)from.dims[axis] * times;
    *y = x;
    if (times == 1)
        return OCT_OK;
    if (axis == 0 || from.rank > 7)
        return oct_fail(err, OCT_E_UNSUPPORTED, "repeats axis %d of a tensor of rank %d", axis,
            from.rank);
    if (size > INT32_MAX)
        return oct_fail(err, OCT_E_INVALID, "its output is too large");
    wide.rank++;
    memmove(wide.dims + axis + 2, from.dims + axis + 1,
        (size_t)(from.rank - axis - 1) * sizeof *from.dims);
    wide.dims[axis + 1] = 1;
    tiles[axis + 1] = times;
    OCT_TRY(oct_keras_emit_reshape(call, x, &wide, y, err));
    OCT_TRY(emit_tile(call, *y, tiles, y, err));
    from.dims[axis] = (int32_t)size;
    return oct_keras_emit_reshape(call, *y, &from, y, err);
}

oct_status oct_keras_lower_repeat(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t axis, count, times, rank = oct_keras_shape_of(call, call->inputs[0]).rank;
    OCT_TRY(read_axis(call, rank, INT32_MIN, &axis, err));
    OCT_TRY(oct_keras_list(oct_keras_setting(call, "repeats"), "repeats", 1, &times, &count, err));
    if (count != 1)
        return oct_fail(err, OCT_E_INVALID, "repeats: expected one number");
    return oct_keras_emit_repeat(call, call->inputs[0], axis, times, y, err);
}

enum { MAX_PARTS = 64 };

/* Keras 3 says where to cut, Keras 2 how long the parts are, one of which may be -1. */
static oct_status read_parts(const oct_keras_call *call, const json_t *given, int32_t size,
    int32_t *parts, int32_t *count, oct_error *err)
{
    int32_t list[MAX_PARTS], begin = 0, open = -1;
    OCT_TRY(oct_keras_list(given, "sections", MAX_PARTS - 1, list, count, err));
    if (!call->keras2)
        list[(*count)++] = size;
    for (int32_t i = 0; i < *count; i++) {
        int64_t length = call->keras2 ? list[i] : (int64_t)list[i] - begin;
        if (length == -1 && call->keras2 && open < 0) {
            open = i;
            continue;
        }
        if (length < 1 || length > size - begin)
            return oct_fail(err, OCT_E_INVALID, "part %d of the split is empty or too long", i);
        parts[i] = (int32_t)length;
        begin += parts[i];
    }
    if (open >= 0)
        parts[open] = size - begin;
    if (open >= 0 ? begin >= size : begin != size)
        return oct_fail(err, OCT_E_INVALID, "the parts of the split do not add up to %d", size);
    return OCT_OK;
}

static oct_status equal_parts(const json_t *given, int32_t size, int32_t *parts, int32_t *count,
    oct_error *err)
{
    int32_t one;
    OCT_TRY(oct_keras_list(given, "sections", 1, count, &one, err));
    if (*count < 1 || *count > MAX_PARTS || size % *count != 0)
        return oct_fail(err, OCT_E_INVALID, "splits %d elements into %d parts", size, *count);
    for (int32_t i = 0; i < *count; i++)
        parts[i] = size / *count;
    return OCT_OK;
}

oct_status oct_keras_lower_split(oct_keras_call *call, int32_t *y, oct_error *err)
{
    const char *key = call->keras2 ? "num_or_size_splits" : "indices_or_sections";
    const json_t *given = oct_keras_setting(call, key);
    oct_keras_shape shape = oct_keras_shape_of(call, call->inputs[0]);
    oct_type type = oct_keras_type_of(call, call->inputs[0]);
    int32_t inputs[3] = { call->inputs[0] }, axis, parts[MAX_PARTS], count;
    OCT_TRY(read_axis(call, shape.rank, 0, &axis, err));
    int32_t size = shape.dims[axis];
    if (size < 0)
        return oct_fail(err, OCT_E_UNSUPPORTED, "splits axis %d, whose size is open", axis);
    OCT_TRY(json_is_number(given) ? equal_parts(given, size, parts, &count, err)
                                  : read_parts(call, given, size, parts, &count, err));
    OCT_TRY(oct_keras_constant_ints(call, "sizes", count, parts, &inputs[1], err));
    OCT_TRY(oct_keras_constant_int(call, "axis", axis, &inputs[2], err));
    OCT_TRY(oct_keras_several(call, count, err));
    for (int32_t i = 0; i < count; i++) {
        shape.dims[axis] = parts[i];
        OCT_TRY(oct_keras_new_output(call, OCT_OP_SPLIT_V, type, &shape, &call->outputs[i], err));
    }
    oct_split_v_options *options;
    OCT_TRY(oct_keras_emit_node(call, OCT_OP_SPLIT_V, inputs, 3, call->outputs, count,
        OCT_OPTIONS_SplitV, &options, err));
    options->num_splits = count;
    *y = call->outputs[0];
    return OCT_OK;
}

oct_status oct_keras_lower_top_k(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t inputs[2] = { call->inputs[0] }, k;
    oct_keras_shape shape = oct_keras_shape_of(call, inputs[0]);
    OCT_TRY(oct_keras_int(call->config, "k", 1, 1, &k, err));
    if (shape.rank < 1 || (shape.dims[shape.rank - 1] >= 0 && k > shape.dims[shape.rank - 1]))
        return oct_fail(err, OCT_E_INVALID, "the largest %d of fewer elements", k);
    shape.dims[shape.rank - 1] = k;
    OCT_TRY(oct_keras_constant_int(call, "k", k, &inputs[1], err));
    OCT_TRY(oct_keras_several(call, 2, err));
    OCT_TRY(oct_keras_new_output(call, OCT_OP_TOPK_V2, oct_keras_type_of(call, inputs[0]), &shape,
        &call->outputs[0], err));
    OCT_TRY(oct_keras_new_output(call, OCT_OP_TOPK_V2, OCT_INT32, &shape, &call->outputs[1], err));
    OCT_TRY(oct_keras_emit_node(call, OCT_OP_TOPK_V2, inputs, 2, call->outputs, 2, OCT_OPTIONS_TopKV2,
        NULL, err));
    *y = call->outputs[0];
    return OCT_OK;
}

oct_status oct_keras_lower_arg_extremum(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t inputs[2] = { call->inputs[0] }, axis;
    oct_keras_shape from = oct_keras_shape_of(call, inputs[0]), shape = { 0 };
    OCT_TRY(read_axis(call, from.rank, INT32_MIN, &axis, err));
    for (int32_t i = 0; i < from.rank; i++)
        if (i != axis)
            shape.dims[shape.rank++] = from.dims[i];
    OCT_TRY(oct_keras_constant_int(call, "axis", axis, &inputs[1], err));
    void *options;
    oct_options_type kind = call->variant == OCT_OP_ARG_MAX ? OCT_OPTIONS_ArgMax : OCT_OPTIONS_ArgMin;
    OCT_TRY(oct_keras_emit(call, (oct_builtin)call->variant, inputs, 2, kind, OCT_INT32, &shape, y,
        &options, err));
    if (call->variant == OCT_OP_ARG_MAX)
        ((oct_arg_max_options *)options)->output_type = OCT_INT32;
    else
        ((oct_arg_min_options *)options)->output_type = OCT_INT32;
    from.dims[axis] = 1;
    return json_is_true(oct_keras_setting(call, "keepdims"))
               ? oct_keras_emit_reshape(call, *y, &from, y, err)
               : OCT_OK;
}
