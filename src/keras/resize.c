/*
 * Image sizes: UpSampling and Resizing, with half-pixel centres as Keras has them.
 */
#include "keras/layer.h"

#include <string.h>

static oct_status emit_resize(oct_keras_call *call, int32_t x, const char *method, int32_t height,
    int32_t width, int32_t *y, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    int32_t inputs[2] = { x }, size[2] = { height, width };
    bool bilinear = strcmp(method, "bilinear") == 0;
    if (!bilinear && strcmp(method, "nearest") != 0)
        return oct_fail(err, OCT_E_UNSUPPORTED, "interpolation '%s' has no operator in TensorFlow Lite",
            method);
    OCT_TRY(oct_keras_emit_cast(call, x, OCT_FLOAT32, &inputs[0], err));
    OCT_TRY(oct_keras_constant_ints(call, "size", 2, size, &inputs[1], err));
    shape.dims[1] = height;
    shape.dims[2] = width;
    if (bilinear) {
        oct_resize_bilinear_options *options;
        OCT_TRY(oct_keras_emit(call, OCT_OP_RESIZE_BILINEAR, inputs, 2, OCT_OPTIONS_ResizeBilinear,
            OCT_FLOAT32, &shape, y, &options, err));
        options->half_pixel_centers = true;
        return OCT_OK;
    }
    oct_resize_nearest_neighbor_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_RESIZE_NEAREST_NEIGHBOR, inputs, 2,
        OCT_OPTIONS_ResizeNearestNeighbor, OCT_FLOAT32, &shape, y, &options, err));
    options->half_pixel_centers = true;
    return OCT_OK;
}

oct_status oct_keras_lower_up_sampling(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t axes = call->variant, x = call->inputs[0], factor[2] = { 1, 1 };
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    const char *method = oct_keras_text(call->config, "interpolation", "nearest");
    OCT_TRY(oct_keras_channels_last(call, err));
    OCT_TRY(oct_keras_require_rank(call, x, axes + 2, err));
    OCT_TRY(oct_keras_require_known(&shape, 1, err));
    OCT_TRY(oct_keras_ints(call->config, "size", axes, 2, 1, factor + 2 - axes, err));
    oct_keras_shape image = shape;
    if (axes == 1) {
        image = (oct_keras_shape){ 4, { shape.dims[0], 1, shape.dims[1], shape.dims[2] } };
        OCT_TRY(oct_keras_emit_reshape(call, x, &image, &x, err));
    }
    int64_t height = (int64_t)image.dims[1] * factor[0], width = (int64_t)image.dims[2] * factor[1];
    if (height > INT32_MAX || width > INT32_MAX)
        return oct_fail(err, OCT_E_INVALID, "its output is too large");
    OCT_TRY(emit_resize(call, x, method, (int32_t)height, (int32_t)width, y, err));
    if (axes == 2)
        return OCT_OK;
    shape.dims[1] = (int32_t)width;
    return oct_keras_emit_reshape(call, *y, &shape, y, err);
}

oct_status oct_keras_lower_resizing(oct_keras_call *call, int32_t *y, oct_error *err)
{
    static const char *const refused[] = { "crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias" };
    int32_t height, width;
    const char *method = oct_keras_text(call->config, "interpolation", "bilinear");
    OCT_TRY(oct_keras_channels_last(call, err));
    OCT_TRY(oct_keras_require_rank(call, call->inputs[0], 4, err));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (oct_keras_flag(call->config, refused[i], false))
            return oct_fail(err, OCT_E_UNSUPPORTED, "%s", refused[i]);
    OCT_TRY(oct_keras_int(call->config, "height", 0, 1, &height, err));
    OCT_TRY(oct_keras_int(call->config, "width", 0, 1, &width, err));
    return emit_resize(call, call->inputs[0], method, height, width, y, err);
}
