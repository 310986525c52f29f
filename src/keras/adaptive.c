/*
 * Pooling to a given size: output i takes what lies from floor(i * in / out) to ceil((i + 1) * in / out).
 *
 * Axis by axis, because the average over a box is the average of averages over its lines. Along one axis
 * the windows have one size or two; all windows of each are computed, and those that are wanted picked.
 */
#include "keras/layer.h"

#include <string.h>

enum { MAX_SIZE = 1 << 16 };

/* Windows of `size` along an axis of images, one at each place or side by side. */
static oct_status emit_windows(oct_keras_call *call, int32_t x, int32_t axis, int32_t size, int32_t stride,
    int32_t *y, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    oct_pool2d_options *options;
    shape.dims[axis] = oct_keras_window(shape.dims[axis], size, stride, 1, false);
    OCT_TRY(oct_keras_emit(call, (oct_builtin)(call->variant / 4), &x, 1, OCT_OPTIONS_Pool2D, OCT_FLOAT32,
        &shape, y, &options, err));
    options->padding = OCT_PADDING_VALID;
    options->filter_height = axis == 1 ? size : 1;
    options->filter_width = axis == 2 ? size : 1;
    options->stride_h = axis == 1 ? stride : 1;
    options->stride_w = axis == 2 ? stride : 1;
    return OCT_OK;
}

/* Which of the windows each output takes; those of the larger size stand behind the others. */
static oct_status constant_places(oct_keras_call *call, int32_t in, int32_t out, int32_t small,
    int32_t *tensor, oct_error *err)
{
    int32_t *places = oct_arena_array(&call->graph->arena, (size_t)out, sizeof *places);
    if (places == NULL)
        return oct_fail_memory(err, (size_t)out * sizeof *places, "the windows of a pooling");
    for (int64_t i = 0; i < out; i++) {
        int64_t begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
        places[i] = (int32_t)(begin + (end - begin > small ? in - small + 1 : 0));
    }
    return oct_keras_constant_ints(call, "windows", out, places, tensor, err);
}

/* The smallest and the largest window. */
static void window_sizes(int32_t in, int32_t out, int32_t *small, int32_t *large)
{
    *small = in;
    *large = 1;
    for (int64_t i = 0; i < out; i++) {
        int32_t size = (int32_t)(((i + 1) * in + out - 1) / out - i * in / out);
        *small = size < *small ? size : *small;
        *large = size > *large ? size : *large;
    }
}

/* An axis of images [n, h, w, c] becomes `out` long. */
static oct_status pool_axis(oct_keras_call *call, int32_t x, int32_t axis, int32_t out, int32_t *y,
    oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    int32_t in = shape.dims[axis], parts[2], inputs[2], small, large;
    if (in > MAX_SIZE || out > MAX_SIZE)
        return oct_fail(err, OCT_E_UNSUPPORTED, "pools %d elements to %d", in, out);
    if (in % out == 0)
        return emit_windows(call, x, axis, in / out, in / out, y, err);
    window_sizes(in, out, &small, &large);
    OCT_TRY(emit_windows(call, x, axis, small, 1, &parts[0], err));
    inputs[0] = parts[0];
    if (large > small) {
        oct_concatenation_options *join;
        OCT_TRY(emit_windows(call, x, axis, large, 1, &parts[1], err));
        shape.dims[axis] = 2 * in + 2 - small - large;
        OCT_TRY(oct_keras_emit(call, OCT_OP_CONCATENATION, parts, 2, OCT_OPTIONS_Concatenation,
            OCT_FLOAT32, &shape, &inputs[0], &join, err));
        join->axis = axis;
    }
    shape.dims[axis] = out;
    OCT_TRY(constant_places(call, in, out, small, &inputs[1], err));
    oct_gather_options *pick;
    OCT_TRY(oct_keras_emit(call, OCT_OP_GATHER, inputs, 2, OCT_OPTIONS_Gather, OCT_FLOAT32, &shape, y,
        &pick, err));
    pick->axis = axis;
    return OCT_OK;
}

/* The last axes of a volume as images, then its depth. */
static oct_status pool_volume(oct_keras_call *call, const int32_t *sizes, oct_keras_shape s, int32_t *y,
    oct_error *err)
{
    int64_t planes = (int64_t)s.dims[0] * s.dims[1], pixels = (int64_t)sizes[1] * sizes[2];
    if (planes > INT32_MAX || pixels > INT32_MAX)
        return oct_fail(err, OCT_E_INVALID, "its input or output is too large");
    oct_keras_shape images = { 4, { s.dims[0] < 0 ? -1 : (int32_t)planes, s.dims[2], s.dims[3],
                                      s.dims[4] } };
    oct_keras_shape columns = { 4, { s.dims[0], s.dims[1], (int32_t)pixels, s.dims[4] } };
    OCT_TRY(oct_keras_emit_reshape(call, *y, &images, y, err));
    OCT_TRY(pool_axis(call, *y, 1, sizes[1], y, err));
    OCT_TRY(pool_axis(call, *y, 2, sizes[2], y, err));
    OCT_TRY(oct_keras_emit_reshape(call, *y, &columns, y, err));
    OCT_TRY(pool_axis(call, *y, 1, sizes[0], y, err));
    oct_keras_shape shape = { 5, { s.dims[0], sizes[0], sizes[1], sizes[2], s.dims[4] } };
    return oct_keras_emit_reshape(call, *y, &shape, y, err);
}

/* Variant: 4 times the operator over two axes, and the number of axes. */
oct_status oct_keras_lower_adaptive_pool(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t axes = call->variant % 4, sizes[3];
    oct_keras_shape shape = oct_keras_shape_of(call, call->inputs[0]);
    OCT_TRY(oct_keras_channels_last(call, err));
    OCT_TRY(oct_keras_require_rank(call, call->inputs[0], axes + 2, err));
    OCT_TRY(oct_keras_require_known(&shape, 1, err));
    OCT_TRY(oct_keras_ints(call->config, "output_size", axes, 1, 1, sizes, err));
    *y = call->inputs[0];
    if (axes == 3)
        return pool_volume(call, sizes, shape, y, err);
    if (axes == 2) {
        OCT_TRY(pool_axis(call, *y, 1, sizes[0], y, err));
        return pool_axis(call, *y, 2, sizes[1], y, err);
    }
    oct_keras_shape image = { 4, { shape.dims[0], shape.dims[1], 1, shape.dims[2] } };
    OCT_TRY(oct_keras_emit_reshape(call, *y, &image, y, err));
    OCT_TRY(pool_axis(call, *y, 1, sizes[0], y, err));
    shape.dims[1] = sizes[0];
    return oct_keras_emit_reshape(call, *y, &shape, y, err);
}
