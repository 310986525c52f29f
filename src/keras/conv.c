/*
 * Convolutions: Conv, DepthwiseConv, SeparableConv, ConvTranspose, each over one or two axes.
 *
 * Kernels turn from HWIO to OHWI; a bias is always emitted, zeros when the layer has none, because batch
 * normalization will be folded into it. One-dimensional layers run as H = 1 between two reshapes, with
 * the activation in between, where it can be fused.
 */
#include "keras/layer.h"

#include <string.h>

typedef struct window {
    int32_t axes; /* spatial: 1 or 2 */
    int32_t kernel[2], stride[2], dilation[2]; /* h, w; h is 1 for one axis */
    bool same, causal;
} window;

static oct_status read_spatial(const json_t *config, const char *key, int32_t axes, int32_t *hw,
    oct_error *err)
{
    hw[0] = 1;
    return oct_keras_ints(config, key, axes, 1, 1, hw + 2 - axes, err);
}

static oct_status read_window(const oct_keras_call *call, window *out, oct_error *err)
{
    const char *padding = oct_keras_text(call->config, "padding", "valid");
    *out = (window){ .axes = call->variant };
    OCT_TRY(oct_keras_channels_last(call, err));
    OCT_TRY(read_spatial(call->config, "kernel_size", out->axes, out->kernel, err));
    OCT_TRY(read_spatial(call->config, "strides", out->axes, out->stride, err));
    OCT_TRY(read_spatial(call->config, "dilation_rate", out->axes, out->dilation, err));
    out->same = strcmp(padding, "same") == 0;
    out->causal = strcmp(padding, "causal") == 0 && out->axes == 1;
    if (!out->same && !out->causal && strcmp(padding, "valid") != 0)
        return oct_fail(err, OCT_E_INVALID, "padding '%s'", padding);
    return oct_keras_require_rank(call, call->inputs[0], out->axes + 2, err);
}

/* The input as [n, h, w, c], padded on the left for causal layers. */
static oct_status open_image(oct_keras_call *call, const window *win, int32_t *x, oct_error *err)
{
    if (win->axes == 2)
        return OCT_OK;
    if (win->causal) {
        int32_t sides[3][2] = { { 0 } };
        int64_t left = ((int64_t)win->kernel[1] - 1) * win->dilation[1];
        if (left > INT32_MAX / 2)
            return oct_fail(err, OCT_E_INVALID, "pads by too much");
        sides[1][0] = (int32_t)left;
        OCT_TRY(oct_keras_emit_pad(call, *x, sides, x, err));
    }
    oct_keras_shape shape = oct_keras_shape_of(call, *x);
    shape = (oct_keras_shape){ 4, { shape.dims[0], 1, shape.dims[1], shape.dims[2] } };
    int32_t inputs[2] = { *x }, axis = -3;
    OCT_TRY(oct_keras_constant_ints(call, "axis", 1, &axis, &inputs[1], err));
    return oct_keras_emit(call, OCT_OP_EXPAND_DIMS, inputs, 2, OCT_OPTIONS_ExpandDims, OCT_FLOAT32,
        &shape, x, NULL, err);
}

static oct_status close_image(oct_keras_call *call, const window *win, int32_t *y, oct_error *err)
{
    OCT_TRY(oct_keras_activate(call, json_object_get(call->config, "activation"), *y, y, err));
    if (win->axes == 2)
        return OCT_OK;
    oct_keras_shape shape = oct_keras_shape_of(call, *y);
    shape = (oct_keras_shape){ 3, { shape.dims[0], shape.dims[2], shape.dims[3] } };
    return oct_keras_emit_reshape(call, *y, &shape, y, err);
}

static oct_keras_shape output_shape(const oct_keras_call *call, const window *win, int32_t x,
    int32_t channels)
{
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    for (int i = 0; i < 2; i++)
        shape.dims[1 + i] = oct_keras_window(shape.dims[1 + i], win->kernel[i], win->stride[i],
            win->dilation[i], win->same);
    shape.dims[3] = channels;
    return shape;
}

/* The bias variable, or zeros. */
static oct_status make_bias(oct_keras_call *call, const char *suffix, int32_t channels, bool zero,
    int32_t *tensor, oct_error *err)
{
    float *values;
    const oct_h5_dataset *set = NULL;
    int64_t dims[1] = { channels };
    if (!zero && oct_keras_variable_find(call, "bias") != NULL)
        OCT_TRY(oct_keras_weight(call, "bias", 1, dims, &set, err));
    OCT_TRY(oct_keras_constant_floats(call, suffix, 1, &channels, &values, tensor, err));
    if (values != NULL && set != NULL)
        oct_h5_dataset_floats(set, 0, channels, values);
    return OCT_OK;
}

/* A kernel [h, w, i, o] (one axis: [w, i, o]) of known size; in and out -1: as found. */
static oct_status read_kernel(const oct_keras_call *call, const char *name, const window *win,
    int64_t *in, int64_t *out, const oct_h5_dataset **set, oct_error *err)
{
    int64_t dims[4] = { win->kernel[0], win->kernel[1], *in, *out };
    int32_t skip = 2 - win->axes;
    OCT_TRY(oct_keras_weight(call, name, 4 - skip, dims + skip, set, err));
    *in = dims[2];
    *out = dims[3];
    return OCT_OK;
}

static oct_status emit_conv(oct_keras_call *call, const window *win, int32_t x, int32_t kernel,
    int32_t bias, int32_t channels, int32_t *y, oct_error *err)
{
    int32_t inputs[] = { x, kernel, bias };
    oct_keras_shape shape = output_shape(call, win, x, channels);
    oct_conv2d_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_CONV_2D, inputs, 3, OCT_OPTIONS_Conv2D, OCT_FLOAT32, &shape, y,
        &options, err));
    options->padding = win->same ? OCT_PADDING_SAME : OCT_PADDING_VALID;
    options->stride_h = win->stride[0];
    options->stride_w = win->stride[1];
    options->dilation_h_factor = win->dilation[0];
    options->dilation_w_factor = win->dilation[1];
    return OCT_OK;
}

static oct_status emit_depthwise(oct_keras_call *call, const window *win, int32_t x, int32_t kernel,
    int32_t bias, int32_t channels, int32_t multiplier, int32_t *y, oct_error *err)
{
    int32_t inputs[] = { x, kernel, bias };
    oct_keras_shape shape = output_shape(call, win, x, channels);
    oct_depthwise_conv2d_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_DEPTHWISE_CONV_2D, inputs, 3, OCT_OPTIONS_DepthwiseConv2D,
        OCT_FLOAT32, &shape, y, &options, err));
    options->padding = win->same ? OCT_PADDING_SAME : OCT_PADDING_VALID;
    options->stride_h = win->stride[0];
    options->stride_w = win->stride[1];
    options->dilation_h_factor = win->dilation[0];
    options->dilation_w_factor = win->dilation[1];
    options->depth_multiplier = multiplier;
    return OCT_OK;
}

/* A depthwise kernel [h, w, c, m] is [1, h, w, c*m] as it lies. */
static oct_status make_depthwise_kernel(oct_keras_call *call, const window *win,
    const oct_h5_dataset *set, int64_t channels, const char *suffix, int32_t *tensor, oct_error *err)
{
    if (channels > INT32_MAX)
        return oct_fail(err, OCT_E_INVALID, "has too many channels");
    int32_t dims[] = { 1, win->kernel[0], win->kernel[1], (int32_t)channels };
    float *values;
    OCT_TRY(oct_keras_constant_floats(call, suffix, 4, dims, &values, tensor, err));
    if (values != NULL)
        oct_h5_dataset_floats(set, 0, set->elements, values);
    return OCT_OK;
}

static oct_status make_conv_kernel(oct_keras_call *call, const window *win, const oct_h5_dataset *set,
    int64_t in, int64_t out, const char *suffix, int32_t *tensor, oct_error *err)
{
    int32_t dims[] = { (int32_t)out, win->kernel[0], win->kernel[1], (int32_t)in };
    float *values;
    OCT_TRY(oct_keras_constant_floats(call, suffix, 4, dims, &values, tensor, err));
    if (values != NULL)
        oct_keras_transpose(set, set->elements / out, out, 1, values);
    return OCT_OK;
}

oct_status oct_keras_lower_conv(oct_keras_call *call, int32_t *y, oct_error *err)
{
    window win;
    int32_t x = call->inputs[0], groups, filters, kernel, bias;
    const oct_h5_dataset *set;
    OCT_TRY(read_window(call, &win, err));
    OCT_TRY(oct_keras_int(call->config, "groups", 1, 1, &groups, err));
    oct_keras_shape from = oct_keras_shape_of(call, x);
    int32_t channels = from.dims[win.axes + 1];
    if (channels < 1 || channels % groups != 0)
        return oct_fail(err, OCT_E_INVALID, "%d input channels in %d groups", channels, groups);
    OCT_TRY(oct_keras_int(call->config, "filters", -1, -1, &filters, err));
    int64_t in = channels / groups, out = filters;
    OCT_TRY(read_kernel(call, "kernel", &win, &in, &out, &set, err));
    OCT_TRY(open_image(call, &win, &x, err));
    OCT_TRY(make_bias(call, "bias", (int32_t)out, false, &bias, err));
    /* One input channel a group: depthwise, which every delegate runs. */
    if (groups > 1 && groups == channels && out % groups == 0) {
        OCT_TRY(make_depthwise_kernel(call, &win, set, out, "kernel", &kernel, err));
        OCT_TRY(emit_depthwise(call, &win, x, kernel, bias, (int32_t)out, (int32_t)out / groups, y,
            err));
    } else {
        OCT_TRY(make_conv_kernel(call, &win, set, in, out, "kernel", &kernel, err));
        OCT_TRY(emit_conv(call, &win, x, kernel, bias, (int32_t)out, y, err));
    }
    return close_image(call, &win, y, err);
}

static oct_status require_one_group(const oct_keras_call *call, oct_error *err)
{
    int32_t groups;
    OCT_TRY(oct_keras_int(call->config, "groups", 1, 1, &groups, err));
    return groups == 1 ? OCT_OK : oct_fail(err, OCT_E_UNSUPPORTED, "groups %d", groups);
}

oct_status oct_keras_lower_depthwise(oct_keras_call *call, int32_t *y, oct_error *err)
{
    window win;
    int32_t x = call->inputs[0], kernel, bias;
    const oct_h5_dataset *set;
    OCT_TRY(read_window(call, &win, err));
    OCT_TRY(require_one_group(call, err));
    int64_t in = oct_keras_shape_of(call, x).dims[win.axes + 1], multiplier = -1;
    OCT_TRY(read_kernel(call, "kernel", &win, &in, &multiplier, &set, err));
    OCT_TRY(open_image(call, &win, &x, err));
    OCT_TRY(make_depthwise_kernel(call, &win, set, in * multiplier, "kernel", &kernel, err));
    OCT_TRY(make_bias(call, "bias", (int32_t)(in * multiplier), false, &bias, err));
    OCT_TRY(emit_depthwise(call, &win, x, kernel, bias, (int32_t)(in * multiplier),
        (int32_t)multiplier, y, err));
    return close_image(call, &win, y, err);
}

oct_status oct_keras_lower_separable(oct_keras_call *call, int32_t *y, oct_error *err)
{
    window win;
    int32_t x = call->inputs[0], kernel, bias;
    const oct_h5_dataset *set;
    OCT_TRY(read_window(call, &win, err));
    OCT_TRY(require_one_group(call, err));
    int64_t in = oct_keras_shape_of(call, x).dims[win.axes + 1], multiplier = -1, out = -1;
    OCT_TRY(read_kernel(call, "depthwise_kernel", &win, &in, &multiplier, &set, err));
    OCT_TRY(open_image(call, &win, &x, err));
    int64_t middle = in * multiplier;
    OCT_TRY(make_depthwise_kernel(call, &win, set, middle, "depthwise_kernel", &kernel, err));
    OCT_TRY(make_bias(call, "depthwise_bias", (int32_t)middle, true, &bias, err));
    OCT_TRY(emit_depthwise(call, &win, x, kernel, bias, (int32_t)middle, (int32_t)multiplier, &x,
        err));
    window point = { .axes = win.axes, .kernel = { 1, 1 }, .stride = { 1, 1 }, .dilation = { 1, 1 } };
    OCT_TRY(read_kernel(call, "pointwise_kernel", &point, &middle, &out, &set, err));
    OCT_TRY(make_conv_kernel(call, &point, set, middle, out, "pointwise_kernel", &kernel, err));
    OCT_TRY(make_bias(call, "bias", (int32_t)out, false, &bias, err));
    OCT_TRY(emit_conv(call, &point, x, kernel, bias, (int32_t)out, y, err));
    return close_image(call, &win, y, err);
}

int64_t oct_keras_transposed_size(int64_t in, int64_t kernel, int64_t stride, bool same, int64_t extra)
{
    if (extra < 0)
        return in * stride + (same || kernel < stride ? 0 : kernel - stride);
    return (in - 1) * stride + kernel + extra - (same ? 2 * (kernel / 2) : 0);
}

static oct_status transposed_shape(const oct_keras_call *call, const window *win, int32_t x,
    int32_t channels, oct_keras_shape *shape, oct_error *err)
{
    int32_t extra[2] = { -1, -1 };
    if (oct_keras_has(call->config, "output_padding")) {
        extra[0] = 0;
        OCT_TRY(oct_keras_ints(call->config, "output_padding", win->axes, 0, 0, extra + 2 - win->axes,
            err));
    }
    *shape = oct_keras_shape_of(call, x);
    OCT_TRY(oct_keras_require_known(shape, 1, err));
    for (int i = 0; i < 2; i++) {
        int64_t size = oct_keras_transposed_size(shape->dims[1 + i], win->kernel[i], win->stride[i],
            win->same, extra[i]);
        if (size < 1 || size > INT32_MAX)
            return oct_fail(err, OCT_E_INVALID, "its output would have %lld elements along an axis",
                (long long)size);
        shape->dims[1 + i] = (int32_t)size;
    }
    shape->dims[3] = channels;
    return OCT_OK;
}

oct_status oct_keras_shape_tensor(oct_keras_call *call, int32_t x, const oct_keras_shape *shape,
    int32_t *tensor, oct_error *err)
{
    if (shape->dims[0] > 0)
        return oct_keras_constant_ints(call, "output_shape", shape->rank, shape->dims, tensor, err);
    oct_keras_shape vector = { 1, { shape->rank } }, scalar = { 0 };
    int32_t sizes, zero = 0, one = 1, slice[4], pack[8], no_dims = 0;
    oct_shape_options *shape_options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_SHAPE, &x, 1, OCT_OPTIONS_Shape, OCT_INT32, &vector, &sizes,
        &shape_options, err));
    shape_options->out_type = OCT_INT32;
    slice[0] = sizes;
    OCT_TRY(oct_keras_constant_ints(call, "begin", 1, &zero, &slice[1], err));
    OCT_TRY(oct_keras_constant_ints(call, "end", 1, &one, &slice[2], err));
    OCT_TRY(oct_keras_constant_ints(call, "strides", 1, &one, &slice[3], err));
    oct_strided_slice_options *slice_options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_STRIDED_SLICE, slice, 4, OCT_OPTIONS_StridedSlice, OCT_INT32,
        &scalar, &pack[0], &slice_options, err));
    slice_options->shrink_axis_mask = 1;
    for (int32_t i = 1; i < shape->rank; i++)
        OCT_TRY(oct_graph_add_constant(call->graph, call->sub, NULL, OCT_INT32, 0, &no_dims,
            &shape->dims[i], &pack[i], err));
    oct_pack_options *pack_options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_PACK, pack, shape->rank, OCT_OPTIONS_Pack, OCT_INT32, &vector,
        tensor, &pack_options, err));
    pack_options->values_count = shape->rank;
    return OCT_OK;
}

oct_status oct_keras_lower_transpose_conv(oct_keras_call *call, int32_t *y, oct_error *err)
{
    window win;
    int32_t x = call->inputs[0], inputs[4];
    const oct_h5_dataset *set;
    OCT_TRY(read_window(call, &win, err));
    OCT_TRY(require_one_group(call, err));
    if (win.dilation[0] != 1 || win.dilation[1] != 1)
        return oct_fail(err, OCT_E_UNSUPPORTED, "dilation_rate of a transposed convolution");
    if (win.causal)
        return oct_fail(err, OCT_E_INVALID, "padding 'causal'");
    int64_t in = oct_keras_shape_of(call, x).dims[win.axes + 1], out = -1;
    OCT_TRY(read_kernel(call, "kernel", &win, &out, &in, &set, err)); /* filters before inputs */
    OCT_TRY(open_image(call, &win, &x, err));
    int32_t dims[] = { (int32_t)out, win.kernel[0], win.kernel[1], (int32_t)in };
    float *values;
    OCT_TRY(oct_keras_constant_floats(call, "kernel", 4, dims, &values, &inputs[1], err));
    if (values != NULL)
        oct_keras_transpose(set, (int64_t)win.kernel[0] * win.kernel[1], out, in, values);
    oct_keras_shape shape;
    OCT_TRY(transposed_shape(call, &win, x, (int32_t)out, &shape, err));
    OCT_TRY(oct_keras_shape_tensor(call, x, &shape, &inputs[0], err));
    inputs[2] = x;
    OCT_TRY(make_bias(call, "bias", (int32_t)out, false, &inputs[3], err));
    oct_transpose_conv_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_TRANSPOSE_CONV, inputs, 4, OCT_OPTIONS_TransposeConv,
        OCT_FLOAT32, &shape, y, &options, err));
    options->padding = win.same ? OCT_PADDING_SAME : OCT_PADDING_VALID;
    options->stride_h = win.stride[0];
    options->stride_w = win.stride[1];
    return close_image(call, &win, y, err);
}
