/*
 * Layers that move elements: Flatten, Reshape, Permute, padding, cropping, and those that do nothing.
 */
#include "keras/layer.h"

#include <string.h>

oct_status oct_keras_lower_identity(oct_keras_call *call, int32_t *y, oct_error *err)
{
    (void)err;
    *y = call->inputs[0];
    return OCT_OK;
}

oct_status oct_keras_lower_flatten(oct_keras_call *call, int32_t *y, oct_error *err)
{
    oct_keras_shape from = oct_keras_shape_of(call, call->inputs[0]);
    OCT_TRY(oct_keras_channels_last(call, err));
    OCT_TRY(oct_keras_require_known(&from, 1, err));
    int64_t elements = oct_keras_elements(&from, 1);
    if (from.rank == 2)
        return OCT_OK;
    if (elements > INT32_MAX || from.rank == 0)
        return oct_fail(err, OCT_E_INVALID, "cannot flatten a tensor of rank %d", from.rank);
    oct_keras_shape shape = { 2, { from.dims[0], (int32_t)elements } };
    return oct_keras_emit_reshape(call, call->inputs[0], &shape, y, err);
}

/* One -1 in a target takes what is left. */
static oct_status fill_open_axis(int64_t elements, oct_keras_shape *shape, int32_t first,
    oct_error *err)
{
    int64_t known = 1;
    int32_t open = -1;
    for (int32_t i = first; i < shape->rank; i++) {
        if (shape->dims[i] == -1 && open < 0)
            open = i;
        else if (shape->dims[i] < 1 ||
                 __builtin_mul_overflow(known, (int64_t)shape->dims[i], &known))
            return oct_fail(err, OCT_E_INVALID, "impossible target shape");
    }
    if (open >= 0 && elements % known == 0 && elements / known <= INT32_MAX) {
        shape->dims[open] = (int32_t)(elements / known);
        known = elements;
    }
    if (known != elements)
        return oct_fail(err, OCT_E_INVALID, "cannot give %lld elements a shape of %lld",
            (long long)elements, (long long)known);
    return OCT_OK;
}

/* A layer's target leaves the batch out; an operation's has it in front. */
oct_status oct_keras_lower_reshape(oct_keras_call *call, int32_t *y, oct_error *err)
{
    oct_keras_shape from = oct_keras_shape_of(call, call->inputs[0]), shape = from;
    bool is_layer = !call->layer->is_operation && !oct_keras_has(call->config, "function");
    const json_t *target = json_object_get(call->config, is_layer ? "target_shape" : "newshape");
    int32_t first = is_layer, count;
    if (!is_layer && target == NULL)
        target = oct_keras_argument_value(call, 1, "shape");
    OCT_TRY(oct_keras_list(target, "target shape", 8 - first, shape.dims + first, &count, err));
    shape.rank = count + first;
    OCT_TRY(oct_keras_require_known(&from, 1, err));
    /* With an open batch, -1 in front is the batch. */
    if (!is_layer && from.rank > 0 && shape.rank > 0 &&
        (shape.dims[0] == from.dims[0] || (shape.dims[0] == -1 && from.dims[0] < 0))) {
        shape.dims[0] = from.dims[0];
        first = 1;
    }
    if (first == 0)
        OCT_TRY(oct_keras_require_known(&from, 0, err));
    OCT_TRY(fill_open_axis(oct_keras_elements(&from, first), &shape, first, err));
    return oct_keras_emit_reshape(call, call->inputs[0], &shape, y, err);
}

static oct_status check_permutation(const int32_t *perm, int32_t count, int32_t rank, oct_error *err)
{
    uint32_t seen = 0;
    for (int32_t i = 0; i < count; i++)
        if (perm[i] >= 0 && perm[i] < rank)
            seen |= 1u << perm[i];
    if (count != rank || seen != (1u << rank) - 1)
        return oct_fail(err, OCT_E_INVALID, "not an order of %d axes", rank);
    return OCT_OK;
}

oct_status oct_keras_lower_permute(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t perm[8] = { 0 }, count, rank = oct_keras_shape_of(call, call->inputs[0]).rank;
    OCT_TRY(oct_keras_list(json_object_get(call->config, "dims"), "dims", 7, perm + 1, &count, err));
    OCT_TRY(check_permutation(perm, count + 1, rank, err));
    return oct_keras_emit_transpose(call, call->inputs[0], perm, y, err);
}

oct_status oct_keras_lower_transpose(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t perm[8], count, rank = oct_keras_shape_of(call, call->inputs[0]).rank;
    const json_t *axes = oct_keras_setting(call, call->keras2 ? "perm" : "axes");
    if (axes != NULL) {
        OCT_TRY(oct_keras_list(axes, "axes", 8, perm, &count, err));
        for (int32_t i = 0; i < count; i++)
            OCT_TRY(oct_keras_axis(perm[i], rank, &perm[i], err));
    } else {
        count = rank;
        for (int32_t i = 0; i < rank; i++)
            perm[i] = rank - 1 - i;
    }
    OCT_TRY(check_permutation(perm, count, rank, err));
    return oct_keras_emit_transpose(call, call->inputs[0], perm, y, err);
}

oct_status oct_keras_lower_repeat_vector(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t inputs[2], times, tiles[3] = { 1, 1, 1 };
    OCT_TRY(oct_keras_require_rank(call, call->inputs[0], 2, err));
    OCT_TRY(oct_keras_int(call->config, "n", 1, 1, &times, err));
    oct_keras_shape shape = oct_keras_shape_of(call, call->inputs[0]);
    shape = (oct_keras_shape){ 3, { shape.dims[0], 1, shape.dims[1] } };
    OCT_TRY(oct_keras_emit_reshape(call, call->inputs[0], &shape, &inputs[0], err));
    shape.dims[1] = tiles[1] = times;
    OCT_TRY(oct_keras_constant_ints(call, "multiples", 3, tiles, &inputs[1], err));
    return oct_keras_emit(call, OCT_OP_TILE, inputs, 2, OCT_OPTIONS_Tile, OCT_FLOAT32, &shape, y, NULL,
        err);
}

oct_status oct_keras_lower_zero_padding(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t sides[5][2] = { { 0 } };
    OCT_TRY(oct_keras_channels_last(call, err));
    OCT_TRY(oct_keras_require_rank(call, call->inputs[0], call->variant + 2, err));
    OCT_TRY(oct_keras_sides(call->config, "padding", call->variant, sides + 1, err));
    return oct_keras_emit_pad(call, call->inputs[0], sides, y, err);
}

/* x[begin : size - after] on every axis; ends are counted from the back, so open sizes work too. */
oct_status oct_keras_emit_crop(oct_keras_call *call, int32_t x, int32_t sides[][2], int32_t *y,
    oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    int32_t inputs[4] = { x }, begin[8], end[8], strides[8], begin_mask = 0, end_mask = 0;
    for (int32_t i = 0; i < shape.rank; i++) {
        begin[i] = sides[i][0];
        end[i] = -sides[i][1];
        strides[i] = 1;
        begin_mask |= (begin[i] == 0) << i;
        end_mask |= (end[i] == 0) << i;
        int64_t left = (int64_t)shape.dims[i] - sides[i][0] - sides[i][1];
        if (shape.dims[i] >= 0 && left < 1)
            return oct_fail(err, OCT_E_INVALID, "crops everything along axis %d", i);
        if (shape.dims[i] >= 0)
            shape.dims[i] = (int32_t)left;
    }
    OCT_TRY(oct_keras_constant_ints(call, "begin", shape.rank, begin, &inputs[1], err));
    OCT_TRY(oct_keras_constant_ints(call, "end", shape.rank, end, &inputs[2], err));
    OCT_TRY(oct_keras_constant_ints(call, "strides", shape.rank, strides, &inputs[3], err));
    oct_strided_slice_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_STRIDED_SLICE, inputs, 4, OCT_OPTIONS_StridedSlice,
        oct_keras_type_of(call, x), &shape, y, &options, err));
    options->begin_mask = begin_mask;
    options->end_mask = end_mask;
    return OCT_OK;
}

oct_status oct_keras_lower_cropping(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t sides[5][2] = { { 0 } };
    OCT_TRY(oct_keras_channels_last(call, err));
    OCT_TRY(oct_keras_require_rank(call, call->inputs[0], call->variant + 2, err));
    OCT_TRY(oct_keras_sides(call->config, "cropping", call->variant, sides + 1, err));
    return oct_keras_emit_crop(call, call->inputs[0], sides, y, err);
}
