/*
 * Layers over three axes: Conv3D and its transpose have operators of their own, pooling is two poolings one
 * after the other.
 *
 * A window of a volume is a window of its planes and then one along the depth; an average of averages is the
 * average, because every plane of a window has as many elements.
 */
#include "keras/layer.h"

#include <string.h>

static oct_status read_padding(const oct_keras_call *call, bool *same, oct_error *err)
{
    const char *padding = oct_keras_text(call->config, "padding", "valid");
    *same = strcmp(padding, "same") == 0;
    OCT_TRY(oct_keras_channels_last(call, err));
    OCT_TRY(oct_keras_require_rank(call, call->inputs[0], 5, err));
    return *same || strcmp(padding, "valid") == 0
               ? OCT_OK
               : oct_fail(err, OCT_E_INVALID, "padding '%s'", padding);
}

/* The bias, zeros when the layer has none. */
static oct_status make_bias(oct_keras_call *call, int64_t channels, int32_t *bias, oct_error *err)
{
    int32_t count = (int32_t)channels;
    float *zeros; /* as they are made */
    return oct_keras_variable_find(call, "bias") != NULL
               ? oct_keras_constant_variable(call, "bias", 1, &channels, bias, err)
               : oct_keras_constant_floats(call, "bias", 1, &count, &zeros, bias, err);
}

typedef struct window {
    int32_t size[3], stride[3];
    bool same;
} window;

static oct_status read_window(const oct_keras_call *call, window *w, oct_error *err)
{
    int32_t dilation[3], groups;
    OCT_TRY(read_padding(call, &w->same, err));
    OCT_TRY(oct_keras_ints(call->config, "kernel_size", 3, 1, 1, w->size, err));
    OCT_TRY(oct_keras_ints(call->config, "strides", 3, 1, 1, w->stride, err));
    OCT_TRY(oct_keras_ints(call->config, "dilation_rate", 3, 1, 1, dilation, err));
    OCT_TRY(oct_keras_int(call->config, "groups", 1, 1, &groups, err));
    if (groups > 1 || dilation[0] > 1 || dilation[1] > 1 || dilation[2] > 1)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "a three-dimensional convolution with %s has no operator in TensorFlow Lite",
            groups > 1 ? "groups" : "dilation");
    return OCT_OK;
}

static oct_status emit_conv(oct_keras_call *call, oct_builtin op, const window *w, const int32_t *inputs,
    int32_t input_count, const oct_keras_shape *shape, int32_t *y, oct_error *err)
{
    oct_conv3d_options *options;
    OCT_TRY(oct_keras_emit(call, op, inputs, input_count, OCT_OPTIONS_Conv3D, OCT_FLOAT32, shape, y,
        &options, err));
    options->padding = w->same ? OCT_PADDING_SAME : OCT_PADDING_VALID;
    options->stride_d = w->stride[0];
    options->stride_h = w->stride[1];
    options->stride_w = w->stride[2];
    return oct_keras_activate(call, json_object_get(call->config, "activation"), *y, y, err);
}

/* The kernel [d, h, w, in, out] lies as the operator wants it. */
oct_status oct_keras_lower_conv_3d(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t inputs[3] = { call->inputs[0] };
    window w;
    OCT_TRY(read_window(call, &w, err));
    oct_keras_shape shape = oct_keras_shape_of(call, inputs[0]);
    int64_t dims[5] = { w.size[0], w.size[1], w.size[2], shape.dims[4], -1 };
    OCT_TRY(oct_keras_constant_variable(call, "kernel", 5, dims, &inputs[1], err));
    OCT_TRY(make_bias(call, dims[4], &inputs[2], err));
    for (int i = 0; i < 3; i++)
        shape.dims[1 + i] = oct_keras_window(shape.dims[1 + i], w.size[i], w.stride[i], 1, w.same);
    shape.dims[4] = (int32_t)dims[4];
    return emit_conv(call, OCT_OP_CONV_3D, &w, inputs, 3, &shape, y, err);
}

/* So does [d, h, w, out, in]. */
oct_status oct_keras_lower_transpose_conv_3d(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t inputs[4], extra[3] = { -1, -1, -1 };
    window w;
    OCT_TRY(read_window(call, &w, err));
    inputs[2] = call->inputs[0];
    oct_keras_shape shape = oct_keras_shape_of(call, inputs[2]);
    OCT_TRY(oct_keras_require_known(&shape, 1, err));
    if (oct_keras_has(call->config, "output_padding"))
        OCT_TRY(oct_keras_ints(call->config, "output_padding", 3, 0, 0, extra, err));
    int64_t dims[5] = { w.size[0], w.size[1], w.size[2], -1, shape.dims[4] };
    OCT_TRY(oct_keras_constant_variable(call, "kernel", 5, dims, &inputs[1], err));
    OCT_TRY(make_bias(call, dims[3], &inputs[3], err));
    for (int i = 0; i < 3; i++) {
        int64_t size = oct_keras_transposed_size(shape.dims[1 + i], w.size[i], w.stride[i], w.same, extra[i]);
        if (size < 1 || size > INT32_MAX)
            return oct_fail(err, OCT_E_INVALID, "its output would have %lld elements along an axis",
                (long long)size);
        shape.dims[1 + i] = (int32_t)size;
    }
    shape.dims[4] = (int32_t)dims[3];
    OCT_TRY(oct_keras_shape_tensor(call, inputs[2], &shape, &inputs[0], err));
    return emit_conv(call, OCT_OP_CONV_3D_TRANSPOSE, &w, inputs, 4, &shape, y, err);
}

/* A window over the middle axes of x, seen as images of the given shape. */
static oct_status pool_plane(oct_keras_call *call, oct_keras_shape shape, const int32_t *size,
    const int32_t *stride, bool same, int32_t *x, oct_error *err)
{
    OCT_TRY(oct_keras_emit_reshape(call, *x, &shape, x, err));
    for (int i = 0; i < 2; i++)
        shape.dims[1 + i] = oct_keras_window(shape.dims[1 + i], size[i], stride[i], 1, same);
    oct_pool2d_options *options;
    OCT_TRY(oct_keras_emit(call, (oct_builtin)call->variant, x, 1, OCT_OPTIONS_Pool2D, OCT_FLOAT32,
        &shape, x, &options, err));
    options->padding = same ? OCT_PADDING_SAME : OCT_PADDING_VALID;
    options->filter_height = size[0];
    options->filter_width = size[1];
    options->stride_h = stride[0];
    options->stride_w = stride[1];
    return OCT_OK;
}

/* Variant: the operator over two axes. */
oct_status oct_keras_lower_pool_3d(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t size[3], stride[3], x = call->inputs[0];
    bool same;
    oct_keras_shape s = oct_keras_shape_of(call, x);
    OCT_TRY(read_padding(call, &same, err));
    OCT_TRY(oct_keras_require_known(&s, 1, err));
    OCT_TRY(oct_keras_ints(call->config, "pool_size", 3, 2, 1, size, err));
    memcpy(stride, size, sizeof size);
    if (oct_keras_has(call->config, "strides"))
        OCT_TRY(oct_keras_ints(call->config, "strides", 3, 1, 1, stride, err));
    int64_t planes = (int64_t)s.dims[0] * s.dims[1];
    if (planes > INT32_MAX)
        return oct_fail(err, OCT_E_INVALID, "its input is too large");
    oct_keras_shape images = { 4, { s.dims[0] < 0 ? -1 : (int32_t)planes, s.dims[2], s.dims[3],
                                      s.dims[4] } };
    OCT_TRY(pool_plane(call, images, size + 1, stride + 1, same, &x, err));
    s.dims[2] = oct_keras_window(s.dims[2], size[1], stride[1], 1, same);
    s.dims[3] = oct_keras_window(s.dims[3], size[2], stride[2], 1, same);
    int32_t depth[2] = { size[0], 1 }, step[2] = { stride[0], 1 };
    int64_t plane = (int64_t)s.dims[2] * s.dims[3];
    if (plane > INT32_MAX)
        return oct_fail(err, OCT_E_INVALID, "its output is too large");
    oct_keras_shape columns = { 4, { s.dims[0], s.dims[1], (int32_t)plane, s.dims[4] } };
    OCT_TRY(pool_plane(call, columns, depth, step, same, &x, err));
    s.dims[1] = oct_keras_window(s.dims[1], size[0], stride[0], 1, same);
    return oct_keras_emit_reshape(call, x, &s, y, err);
}

/* Each element `size` times along every axis of the volume. */
oct_status oct_keras_lower_up_sampling_3d(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t size[3], x = call->inputs[0];
    OCT_TRY(oct_keras_channels_last(call, err));
    OCT_TRY(oct_keras_require_rank(call, x, 5, err));
    OCT_TRY(oct_keras_ints(call->config, "size", 3, 2, 1, size, err));
    for (int32_t i = 0; i < 3; i++)
        OCT_TRY(oct_keras_emit_repeat(call, x, 1 + i, size[i], &x, err));
    *y = x;
    return OCT_OK;
}
