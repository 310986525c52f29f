/*
 * Operations that move elements: axes swapped, reversed, rolled, taken apart, summed up along.
 */
#include "keras/layer.h"

#include <string.h>

/* An axis among the options, or the argument at a position. */
static oct_status read_axis(const oct_keras_call *call, int32_t position, const char *key,
    int32_t rank, const int32_t *fallback, int32_t *axis, oct_error *err)
{
    const json_t *value = oct_keras_setting(call, key);
    int32_t count = 1;
    if (value == NULL && position > 0)
        value = oct_keras_argument_value(call, position, key);
    if (value == NULL && fallback == NULL)
        return oct_fail(err, OCT_E_UNSUPPORTED, "without %s", key);
    if (value == NULL)
        *axis = *fallback;
    else
        OCT_TRY(oct_keras_list(value, key, 1, axis, &count, err));
    return count == 1 ? oct_keras_axis(*axis, rank, axis, err)
                      : oct_fail(err, OCT_E_INVALID, "%s: expected one number", key);
}

/* Variant 0: two axes change places. 1: one axis moves, the others close up. */
oct_status oct_keras_lower_move_axis(oct_keras_call *call, int32_t *y, oct_error *err)
{
    static const char *const keys[][2] = { { "axis1", "axis2" }, { "source", "destination" } };
    int32_t x = call->inputs[0], from, to, perm[8];
    int32_t rank = oct_keras_shape_of(call, x).rank;
    OCT_TRY(read_axis(call, 1, keys[call->variant][0], rank, NULL, &from, err));
    OCT_TRY(read_axis(call, 2, keys[call->variant][1], rank, NULL, &to, err));
    for (int32_t i = 0; i < rank; i++)
        perm[i] = i;
    if (call->variant == 0) {
        perm[from] = to;
        perm[to] = from;
    } else if (from < to) {
        memmove(perm + from, perm + from + 1, (size_t)(to - from) * sizeof *perm);
        perm[to] = from;
    } else {
        memmove(perm + to + 1, perm + to, (size_t)(from - to) * sizeof *perm);
        perm[to] = from;
    }
    return oct_keras_emit_transpose(call, x, perm, y, err);
}

oct_status oct_keras_emit_reversed(oct_keras_call *call, int32_t x, int32_t axis, int32_t *y,
    oct_error *err)
{
    int32_t inputs[2] = { x };
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    OCT_TRY(oct_keras_constant_ints(call, "axis", 1, &axis, &inputs[1], err));
    return oct_keras_emit(call, OCT_OP_REVERSE_V2, inputs, 2, OCT_OPTIONS_ReverseV2,
        oct_keras_type_of(call, x), &shape, y, NULL, err);
}

oct_status oct_keras_lower_reverse(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t axes[8], count, rank = oct_keras_shape_of(call, call->inputs[0]).rank;
    const json_t *given = oct_keras_setting(call, "axis");
    if (given == NULL)
        return oct_fail(err, OCT_E_UNSUPPORTED, "without axis");
    OCT_TRY(oct_keras_list(given, "axis", 8, axes, &count, err));
    *y = call->inputs[0];
    for (int32_t i = 0; i < count; i++) { /* the operator takes one axis */
        OCT_TRY(oct_keras_axis(axes[i], rank, &axes[i], err));
        OCT_TRY(oct_keras_emit_reversed(call, *y, axes[i], y, err));
    }
    return OCT_OK;
}

/* The last `shift` elements of an axis come to the front. */
oct_status oct_keras_lower_roll(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t x = call->inputs[0], axis, shift, count, parts[2], sides[8][2] = { { 0 } };
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    OCT_TRY(read_axis(call, 0, "axis", shape.rank, NULL, &axis, err));
    OCT_TRY(oct_keras_list(oct_keras_setting(call, "shift"), "shift", 1, &shift, &count, err));
    int32_t size = shape.dims[axis];
    if (size < 1 || count != 1)
        return oct_fail(err, OCT_E_UNSUPPORTED, "rolls axis %d, whose size is open", axis);
    shift = (shift % size + size) % size;
    if (shift == 0)
        return OCT_OK;
    sides[axis][0] = size - shift;
    OCT_TRY(oct_keras_emit_crop(call, x, sides, &parts[0], err));
    sides[axis][0] = 0;
    sides[axis][1] = shift;
    OCT_TRY(oct_keras_emit_crop(call, x, sides, &parts[1], err));
    oct_concatenation_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_CONCATENATION, parts, 2, OCT_OPTIONS_Concatenation,
        oct_keras_type_of(call, x), &shape, y, &options, err));
    options->axis = axis;
    return OCT_OK;
}

oct_status oct_keras_lower_unstack(oct_keras_call *call, int32_t *y, oct_error *err)
{
    static const int32_t first = 0;
    int32_t x = call->inputs[0], axis;
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    OCT_TRY(read_axis(call, 0, "axis", shape.rank, &first, &axis, err));
    int32_t count = shape.dims[axis];
    if (count < 1 || count > 4096)
        return oct_fail(err, OCT_E_UNSUPPORTED, "takes apart axis %d of %d elements", axis, count);
    memmove(shape.dims + axis, shape.dims + axis + 1,
        (size_t)(--shape.rank - axis) * sizeof *shape.dims);
    OCT_TRY(oct_keras_several(call, count, err));
    for (int32_t i = 0; i < count; i++)
        OCT_TRY(oct_keras_new_output(call, OCT_OP_UNPACK, oct_keras_type_of(call, x), &shape,
            &call->outputs[i], err));
    oct_unpack_options *options;
    OCT_TRY(oct_keras_emit_node(call, OCT_OP_UNPACK, &x, 1, call->outputs, count, OCT_OPTIONS_Unpack,
        &options, err));
    options->num = count;
    options->axis = axis;
    *y = call->outputs[0];
    return OCT_OK;
}

oct_status oct_keras_lower_cumsum(oct_keras_call *call, int32_t *y, oct_error *err)
{
    static const int32_t first = 0;
    int32_t inputs[2] = { call->inputs[0] }, axis;
    oct_keras_shape shape = oct_keras_shape_of(call, inputs[0]);
    OCT_TRY(read_axis(call, 0, "axis", shape.rank, call->keras2 ? &first : NULL, &axis, err));
    OCT_TRY(oct_keras_constant_int(call, "axis", axis, &inputs[1], err));
    oct_cumsum_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_CUMSUM, inputs, 2, OCT_OPTIONS_Cumsum,
        oct_keras_type_of(call, inputs[0]), &shape, y, &options, err));
    options->exclusive = json_is_true(oct_keras_setting(call, "exclusive"));
    options->reverse = json_is_true(oct_keras_setting(call, "reverse"));
    return OCT_OK;
}

/* Blocks of an image become channels (variant OCT_OP_SPACE_TO_DEPTH), or the other way. */
oct_status oct_keras_lower_blocks(oct_keras_call *call, int32_t *y, oct_error *err)
{
    bool gather = call->variant == OCT_OP_SPACE_TO_DEPTH;
    int32_t x = call->inputs[0], size, count;
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    OCT_TRY(oct_keras_channels_last(call, err));
    OCT_TRY(oct_keras_require_rank(call, x, 4, err));
    OCT_TRY(oct_keras_require_known(&shape, 1, err));
    OCT_TRY(oct_keras_list(oct_keras_setting(call, "block_size"), "block_size", 1, &size, &count, err));
    if (count != 1 || size < 1 || size > 1024 ||
        (gather ? shape.dims[1] % size != 0 || shape.dims[2] % size != 0
                : shape.dims[3] % (size * size) != 0))
        return oct_fail(err, OCT_E_INVALID, "blocks of %d do not fit", size);
    int64_t area = (int64_t)size * size;
    for (int i = 1; i <= 2; i++)
        shape.dims[i] = gather ? shape.dims[i] / size : shape.dims[i] * size;
    shape.dims[3] = (int32_t)(gather ? shape.dims[3] * area : shape.dims[3] / area);
    oct_depth_to_space_options *options; /* both tables are one number */
    OCT_TRY(oct_keras_emit(call, (oct_builtin)call->variant, &x, 1,
        gather ? OCT_OPTIONS_SpaceToDepth : OCT_OPTIONS_DepthToSpace, oct_keras_type_of(call, x),
        &shape, y, &options, err));
    options->block_size = size;
    return OCT_OK;
}
