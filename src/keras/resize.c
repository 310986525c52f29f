/*
 * Image sizes: UpSampling, Resizing and CenterCrop, with half-pixel centres as Keras has them.
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

static bool flag_set(const oct_keras_call *call, const char *key)
{
    return oct_keras_flag(call->config, key, false);
}

/* The largest part in the middle, or the smallest frame, with the shape of the target. */
static oct_status fit_aspect(oct_keras_call *call, const int32_t *size, bool pad, int32_t *x,
    oct_error *err)
{
    float fill = (float)oct_keras_number(call->config, "fill_value", 0);
    oct_keras_shape shape = oct_keras_shape_of(call, *x);
    int32_t sides[4][2] = { { 0 } };
    OCT_TRY(oct_keras_require_known(&shape, 1, err));
    for (int i = 0; i < 2; i++) {
        int64_t here = shape.dims[1 + i], fits = (int64_t)shape.dims[2 - i] * size[i] / size[1 - i];
        int64_t spare = pad ? fits - here : here - fits;
        if (spare <= 0)
            continue;
        if (spare > INT32_MAX || (!pad && fits < 1))
            return oct_fail(err, OCT_E_INVALID, "cannot give %d x %d the shape of %d x %d",
                shape.dims[1], shape.dims[2], size[0], size[1]);
        sides[1 + i][0] = (int32_t)spare / 2;
        /* As Keras: a frame is as wide on both sides, one short of the shape when the rest is odd. */
        sides[1 + i][1] = pad ? sides[1 + i][0] : (int32_t)spare - sides[1 + i][0];
    }
    return pad ? oct_keras_emit_pad_with(call, *x, sides, fill, x, err)
               : oct_keras_emit_crop(call, *x, sides, x, err);
}

oct_status oct_keras_lower_resizing(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t size[2], x = call->inputs[0];
    const char *method = oct_keras_text(call->config, "interpolation", "bilinear");
    bool crop = flag_set(call, "crop_to_aspect_ratio"), pad = flag_set(call, "pad_to_aspect_ratio");
    OCT_TRY(oct_keras_channels_last(call, err));
    OCT_TRY(oct_keras_require_rank(call, x, 4, err));
    OCT_TRY(oct_keras_int(call->config, "height", 0, 1, &size[0], err));
    OCT_TRY(oct_keras_int(call->config, "width", 0, 1, &size[1], err));
    if (flag_set(call, "antialias"))
        return oct_fail(err, OCT_E_UNSUPPORTED, "antialias");
    if (crop || pad) {
        OCT_TRY(oct_keras_emit_cast(call, x, OCT_FLOAT32, &x, err));
        OCT_TRY(fit_aspect(call, size, pad, &x, err));
    }
    return emit_resize(call, x, method, size[0], size[1], y, err);
}

/* An image smaller than the crop is enlarged until its middle fills it. */
oct_status oct_keras_lower_center_crop(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t sides[4][2] = { { 0 } }, size[2], x = call->inputs[0];
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    OCT_TRY(oct_keras_channels_last(call, err));
    OCT_TRY(oct_keras_require_rank(call, x, 4, err));
    OCT_TRY(oct_keras_require_known(&shape, 1, err));
    OCT_TRY(oct_keras_int(call->config, "height", 1, 1, &size[0], err));
    OCT_TRY(oct_keras_int(call->config, "width", 1, 1, &size[1], err));
    for (int i = 0; i < 2; i++) {
        int32_t spare = shape.dims[1 + i] - size[i];
        if (spare < 0) {
            OCT_TRY(oct_keras_emit_cast(call, x, OCT_FLOAT32, &x, err));
            OCT_TRY(fit_aspect(call, size, false, &x, err));
            return emit_resize(call, x, "bilinear", size[0], size[1], y, err);
        }
        sides[1 + i][0] = spare / 2;
        sides[1 + i][1] = spare - spare / 2;
    }
    return oct_keras_emit_crop(call, x, sides, y, err);
}

/* The operation: Keras 3 says interpolation, TensorFlow method. */
oct_status oct_keras_lower_resize(oct_keras_call *call, int32_t *y, oct_error *err)
{
    static const char *const refused[] = { "antialias", "crop_to_aspect_ratio", "pad_to_aspect_ratio",
        "preserve_aspect_ratio" };
    const char *method = json_string_value(
        oct_keras_setting(call, call->keras2 ? "method" : "interpolation"));
    const json_t *given = oct_keras_setting(call, "size");
    int32_t size[2], count;
    OCT_TRY(oct_keras_channels_last(call, err));
    OCT_TRY(oct_keras_require_rank(call, call->inputs[0], 4, err));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (json_is_true(oct_keras_setting(call, refused[i])))
            return oct_fail(err, OCT_E_UNSUPPORTED, "%s", refused[i]);
    OCT_TRY(oct_keras_list(given, "size", 2, size, &count, err));
    if (count != 2 || size[0] < 1 || size[1] < 1)
        return oct_fail(err, OCT_E_INVALID, "size: expected two numbers above 0");
    return emit_resize(call, call->inputs[0], method == NULL ? "bilinear" : method, size[0], size[1], y,
        err);
}
