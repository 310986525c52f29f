/*
 * The cell of ConvLSTM: all gates in one convolution of the input and one of the hidden state, which keeps
 * the size of the image.
 */
#include "keras/cell.h"

#include <string.h>

/* Sizes along h and w; h is 1 for a line. */
static oct_status read_sizes(const oct_keras_cell *r, const char *key, int32_t *hw, oct_error *err)
{
    hw[0] = 1;
    return oct_keras_ints(r->call.config, key, r->axes, 1, 1, hw + 2 - r->axes, err);
}

static oct_status read_padding(const oct_keras_cell *r, bool *same, oct_error *err)
{
    const char *padding = oct_keras_text(r->call.config, "padding", "valid");
    *same = strcmp(padding, "same") == 0;
    return *same || strcmp(padding, "valid") == 0
               ? OCT_OK
               : oct_fail(err, OCT_E_INVALID, "padding '%s'", padding);
}

oct_status oct_keras_cell_measure_image(oct_keras_cell *r, const oct_keras_shape *x, oct_error *err)
{
    int32_t size[2], stride[2], dilation[2];
    bool same;
    OCT_TRY(read_padding(r, &same, err));
    OCT_TRY(read_sizes(r, "kernel_size", size, err));
    OCT_TRY(read_sizes(r, "strides", stride, err));
    OCT_TRY(read_sizes(r, "dilation_rate", dilation, err));
    OCT_TRY(oct_keras_int(r->call.config, "filters", 0, 1, &r->units, err));
    if (r->units > INT32_MAX / 4)
        return oct_fail(err, OCT_E_INVALID, "%d filters", r->units);
    r->state = (oct_keras_shape){ 4, { x->dims[0], 0, 0, r->units } };
    for (int i = 0; i < 2; i++) {
        r->state.dims[1 + i] = oct_keras_window(x->dims[1 + i], size[i], stride[i], dilation[i], same);
        if (r->state.dims[1 + i] < 1)
            return oct_fail(err, OCT_E_INVALID, "its kernel does not fit an image of %d by %d", x->dims[1],
                x->dims[2]);
    }
    return OCT_OK;
}

/* [h, w, in, gates] as [gates, h, w, in]. */
static oct_status make_kernel(oct_keras_cell *r, const char *name, const int32_t *size, int32_t in,
    int32_t *tensor, oct_error *err)
{
    int32_t out = r->gates * r->units, dims[4] = { out, size[0], size[1], in };
    int64_t wanted[4] = { size[0], size[1], in, out };
    const oct_h5_dataset *set;
    float *values;
    int32_t first = 2 - r->axes; /* a line's kernel has no height */
    OCT_TRY(oct_keras_weight(&r->call, name, 4 - first, wanted + first, &set, err));
    OCT_TRY(oct_keras_constant_floats(&r->call, name, 4, dims, &values, tensor, err));
    if (values != NULL)
        oct_keras_transpose(set, (int64_t)size[0] * size[1] * in, out, 1, values);
    return OCT_OK;
}

oct_status oct_keras_cell_make_kernels(oct_keras_cell *r, int32_t features, oct_error *err)
{
    int32_t size[2];
    OCT_TRY(read_sizes(r, "kernel_size", size, err));
    OCT_TRY(make_kernel(r, "kernel", size, features, &r->input_kernel, err));
    return make_kernel(r, "recurrent_kernel", size, r->units, &r->kernel, err);
}

/* The operator wants a bias. */
static oct_status make_zeros(oct_keras_cell *r, int32_t *bias, oct_error *err)
{
    int32_t count = r->gates * r->units;
    float *zeros; /* as they are made */
    return oct_keras_constant_floats(&r->call, "no_bias", 1, &count, &zeros, bias, err);
}

oct_status oct_keras_cell_convolve(oct_keras_cell *r, int32_t x, int32_t kernel, int32_t bias, int32_t *y,
    oct_error *err)
{
    int32_t inputs[3] = { x, kernel, bias }, stride[2] = { 1, 1 }, dilation[2] = { 1, 1 };
    bool same = true;
    if (bias < 0)
        OCT_TRY(make_zeros(r, &inputs[2], err));
    if (kernel == r->input_kernel) {
        OCT_TRY(read_padding(r, &same, err));
        OCT_TRY(read_sizes(r, "strides", stride, err));
        OCT_TRY(read_sizes(r, "dilation_rate", dilation, err));
    }
    oct_keras_shape shape = r->state;
    oct_conv2d_options *options;
    shape.dims[3] = r->gates * r->units;
    OCT_TRY(oct_keras_emit(&r->call, OCT_OP_CONV_2D, inputs, 3, OCT_OPTIONS_Conv2D, OCT_FLOAT32, &shape, y,
        &options, err));
    options->padding = same ? OCT_PADDING_SAME : OCT_PADDING_VALID;
    options->stride_h = stride[0];
    options->stride_w = stride[1];
    options->dilation_h_factor = dilation[0];
    options->dilation_w_factor = dilation[1];
    return OCT_OK;
}
