/*
 * Pooling: windows and whole images. One-dimensional layers run as H = 1 between two reshapes.
 */
#include "keras/layer.h"

#include <string.h>

static oct_status lower_pool(oct_keras_call *call, oct_builtin op, int32_t *y, oct_error *err)
{
    int32_t axes = call->variant, x = call->inputs[0], size[2] = { 1, 1 }, stride[2] = { 1, 1 };
    const char *padding = oct_keras_text(call->config, "padding", "valid");
    bool same = strcmp(padding, "same") == 0;
    OCT_TRY(oct_keras_channels_last(call, err));
    OCT_TRY(oct_keras_require_rank(call, x, axes + 2, err));
    OCT_TRY(oct_keras_ints(call->config, "pool_size", axes, 2, 1, size + 2 - axes, err));
    memcpy(stride, size, sizeof size);
    if (oct_keras_has(call->config, "strides"))
        OCT_TRY(oct_keras_ints(call->config, "strides", axes, 1, 1, stride + 2 - axes, err));
    if (!same && strcmp(padding, "valid") != 0)
        return oct_fail(err, OCT_E_INVALID, "padding '%s'", padding);
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    if (axes == 1) {
        int32_t inputs[2] = { x }, axis = 1;
        shape = (oct_keras_shape){ 4, { shape.dims[0], 1, shape.dims[1], shape.dims[2] } };
        OCT_TRY(oct_keras_constant_ints(call, "axis", 1, &axis, &inputs[1], err));
        OCT_TRY(oct_keras_emit(call, OCT_OP_EXPAND_DIMS, inputs, 2, OCT_OPTIONS_ExpandDims,
            OCT_FLOAT32, &shape, &x, NULL, err));
    }
    for (int i = 0; i < 2; i++)
        shape.dims[1 + i] = oct_keras_window(shape.dims[1 + i], size[i], stride[i], 1, same);
    oct_pool2d_options *options;
    OCT_TRY(oct_keras_emit(call, op, &x, 1, OCT_OPTIONS_Pool2D, OCT_FLOAT32, &shape, y, &options, err));
    options->padding = same ? OCT_PADDING_SAME : OCT_PADDING_VALID;
    options->filter_height = size[0];
    options->filter_width = size[1];
    options->stride_h = stride[0];
    options->stride_w = stride[1];
    if (axes == 2)
        return OCT_OK;
    shape = (oct_keras_shape){ 3, { shape.dims[0], shape.dims[2], shape.dims[3] } };
    return oct_keras_emit_reshape(call, *y, &shape, y, err);
}

oct_status oct_keras_lower_max_pool(oct_keras_call *call, int32_t *y, oct_error *err)
{
    return lower_pool(call, OCT_OP_MAX_POOL_2D, y, err);
}

oct_status oct_keras_lower_average_pool(oct_keras_call *call, int32_t *y, oct_error *err)
{
    return lower_pool(call, OCT_OP_AVERAGE_POOL_2D, y, err);
}

/* sum(x * m) / sum(m): steps that the mask leaves out do not count. */
static oct_status average_under_mask(oct_keras_call *call, int32_t mask, int32_t *y, oct_error *err)
{
    static const int32_t steps[] = { 1 };
    oct_keras_shape shape = oct_keras_shape_of(call, mask);
    int32_t count;
    bool keep = oct_keras_flag(call->config, "keepdims", false);
    OCT_TRY(oct_keras_emit_cast(call, mask, OCT_FLOAT32, &mask, err));
    shape.dims[shape.rank++] = 1;
    OCT_TRY(oct_keras_emit_reshape(call, mask, &shape, &mask, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_MUL, call->inputs[0], mask, y, err));
    OCT_TRY(oct_keras_emit_reduce(call, OCT_OP_SUM, *y, steps, 1, keep, y, err));
    OCT_TRY(oct_keras_emit_reduce(call, OCT_OP_SUM, mask, steps, 1, keep, &count, err));
    return oct_keras_emit_binary(call, OCT_OP_DIV, *y, count, y, err);
}

static oct_status lower_global(oct_keras_call *call, oct_builtin op, int32_t *y, oct_error *err)
{
    static const int32_t axes[] = { 1, 2, 3 };
    OCT_TRY(oct_keras_channels_last(call, err));
    OCT_TRY(oct_keras_require_rank(call, call->inputs[0], call->variant + 2, err));
    int32_t mask = OCT_KERAS_UNMASKED;
    if (op == OCT_OP_MEAN && call->variant == 1)
        OCT_TRY(oct_keras_input_mask(call, 0, &mask, err));
    if (mask != OCT_KERAS_UNMASKED)
        return average_under_mask(call, mask, y, err);
    return oct_keras_emit_reduce(call, op, call->inputs[0], axes, call->variant,
        oct_keras_flag(call->config, "keepdims", false), y, err);
}

oct_status oct_keras_lower_global_average_pool(oct_keras_call *call, int32_t *y, oct_error *err)
{
    return lower_global(call, OCT_OP_MEAN, y, err);
}

oct_status oct_keras_lower_global_max_pool(oct_keras_call *call, int32_t *y, oct_error *err)
{
    return lower_global(call, OCT_OP_REDUCE_MAX, y, err);
}
