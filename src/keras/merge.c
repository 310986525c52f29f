/*
 * Layers that join tensors: sums, products, extrema, concatenation.
 */
#include "keras/layer.h"

/* Keras aligns ranks behind the batch axis: [B,3] meets [B,4,4,3] as [B,1,1,3]. */
static oct_status align_rank(oct_keras_call *call, int32_t x, int32_t rank, int32_t *y, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, x), wide = { .rank = rank };
    *y = x;
    if (shape.rank == rank || shape.rank < 2)
        return OCT_OK;
    int32_t added = rank - shape.rank;
    for (int32_t i = 0; i < rank; i++)
        wide.dims[i] = i == 0 ? shape.dims[0] : i <= added ? 1 : shape.dims[i - added];
    return oct_keras_emit_reshape(call, x, &wide, y, err);
}

static oct_status chain(oct_keras_call *call, oct_builtin op, int32_t *y, oct_error *err)
{
    int32_t rank = 0, next;
    if (call->input_count < 2)
        return oct_fail(err, OCT_E_INVALID, "joins %d tensor", call->input_count);
    for (int32_t i = 0; i < call->input_count; i++) {
        int32_t here = oct_keras_shape_of(call, call->inputs[i]).rank;
        rank = here > rank ? here : rank;
    }
    OCT_TRY(align_rank(call, call->inputs[0], rank, y, err));
    for (int32_t i = 1; i < call->input_count; i++) {
        OCT_TRY(align_rank(call, call->inputs[i], rank, &next, err));
        OCT_TRY(oct_keras_emit_binary(call, op, *y, next, y, err));
    }
    return OCT_OK;
}

oct_status oct_keras_lower_merge(oct_keras_call *call, int32_t *y, oct_error *err)
{
    if (call->variant == OCT_OP_SUB && call->input_count != 2)
        return oct_fail(err, OCT_E_INVALID, "subtracts %d tensors", call->input_count);
    return chain(call, (oct_builtin)call->variant, y, err);
}

oct_status oct_keras_lower_average(oct_keras_call *call, int32_t *y, oct_error *err)
{
    OCT_TRY(chain(call, OCT_OP_ADD, y, err));
    return oct_keras_emit_scalar(call, OCT_OP_MUL, *y, 1.0f / (float)call->input_count, y, err);
}

/* [a, b]: a + b * scale, of InceptionResNetV2. */
oct_status oct_keras_lower_scaled_residual(oct_keras_call *call, int32_t *y, oct_error *err)
{
    float scale = (float)oct_keras_number(call->config, "scale", 1);
    int32_t scaled;
    if (call->input_count != 2)
        return oct_fail(err, OCT_E_INVALID, "joins %d tensors", call->input_count);
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MUL, call->inputs[1], scale, &scaled, err));
    return oct_keras_emit_binary(call, OCT_OP_ADD, call->inputs[0], scaled, y, err);
}

static oct_status join_shape(const oct_keras_call *call, int32_t axis, oct_keras_shape *shape,
    oct_error *err)
{
    for (int32_t i = 1; i < call->input_count; i++) {
        oct_keras_shape next = oct_keras_shape_of(call, call->inputs[i]);
        if (next.rank != shape->rank)
            return oct_fail(err, OCT_E_INVALID, "joins tensors of rank %d and %d", shape->rank,
                next.rank);
        for (int32_t k = 0; k < shape->rank; k++) {
            int64_t sum = (int64_t)shape->dims[k] + next.dims[k];
            if (k == axis)
                shape->dims[k] = shape->dims[k] < 0 || next.dims[k] < 0 || sum > INT32_MAX
                                     ? -1
                                     : (int32_t)sum;
            else if (shape->dims[k] < 0)
                shape->dims[k] = next.dims[k];
            else if (next.dims[k] >= 0 && next.dims[k] != shape->dims[k])
                return oct_fail(err, OCT_E_INVALID, "joins tensors of %d and %d elements along axis %d",
                    shape->dims[k], next.dims[k], k);
        }
    }
    return OCT_OK;
}

oct_status oct_keras_lower_concatenate(oct_keras_call *call, int32_t *y, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, call->inputs[0]);
    int32_t axis = -1, place;
    const json_t *given = oct_keras_setting(call, "axis");
    int32_t count;
    if (given != NULL)
        OCT_TRY(oct_keras_list(given, "axis", 1, &axis, &count, err));
    OCT_TRY(oct_keras_axis(axis, shape.rank, &place, err));
    if (call->input_count == 1)
        return OCT_OK;
    OCT_TRY(join_shape(call, place, &shape, err));
    for (int32_t i = 1; i < call->input_count; i++)
        if (oct_keras_type_of(call, call->inputs[i]) != oct_keras_type_of(call, call->inputs[0]))
            return oct_fail(err, OCT_E_UNSUPPORTED, "joins tensors of different types");
    oct_concatenation_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_CONCATENATION, call->inputs, call->input_count,
        OCT_OPTIONS_Concatenation, oct_keras_type_of(call, call->inputs[0]), &shape, y, &options, err));
    options->axis = axis;
    return OCT_OK;
}
