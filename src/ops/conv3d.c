/*
 * CONV_3D and CONV_3D_TRANSPOSE on NDHWC floats, filters [kd][kh][kw][in][out] and [kd][kh][kw][out][in].
 *
 * The transposed one scatters each input over the output, its padding is that of the convolution which maps
 * the output back to the input.
 * Sources: LiteRT tflite/kernels/conv3d.cc, conv3d_transpose.cc, internal/reference/conv3d.h,
 * conv3d_transpose.h.
 */
#include <string.h>

#include "kernels/window.h"
#include "ops/arith.h"

enum { AXES = 3 };

/* One geometry for both: `small` is the side of the convolution's output, `large` that of its input. */
typedef struct volume {
    int32_t batches, in_c, out_c;
    int32_t large[AXES], small[AXES], kernel[AXES], stride[AXES], dilation[AXES], pad[AXES];
    float lo, hi;
} volume;

static oct_status read_options(const oct_op *op, volume *v, oct_error *err)
{
    const oct_conv3d_options *o = op->options;
    *v = (volume){ .stride = { o->stride_d, o->stride_h, o->stride_w },
        .dilation = { o->dilation_d_factor, o->dilation_h_factor, o->dilation_w_factor } };
    oct_activation_range_f32(o->fused_activation, &v->lo, &v->hi);
    for (int i = 0; i < AXES; i++)
        if (v->stride[i] < 1 || v->dilation[i] < 1 || v->dilation[i] > 4096)
            return oct_op_fail(op, OCT_E_INVALID, err, "stride %d, dilation %d", (int)v->stride[i],
                (int)v->dilation[i]);
    return OCT_OK;
}

static oct_status check_tensors(const oct_op *op, const oct_value *in, const oct_value *filter,
    int32_t bias_slot, int32_t out_c, oct_error *err)
{
    const oct_value *bias = bias_slot < op->in_count ? op->in[bias_slot] : NULL;
    if (in->rank != 5 || filter->rank != 5 || in->type != OCT_FLOAT32 ||
        filter->type != OCT_FLOAT32)
        return oct_op_fail(
            op, OCT_E_INVALID, err, "needs float32 data and weights of 5 dimensions");
    if (bias != NULL && (bias->type != OCT_FLOAT32 || oct_value_count(bias) != (size_t)out_c))
        return oct_op_fail(
            op, OCT_E_INVALID, err, "bias %s does not fit %d channels", bias->label, (int)out_c);
    for (int i = 0; i < AXES; i++)
        if (filter->dims[i] < 1 || filter->dims[i] > 65536 || in->dims[1 + i] > INT32_MAX / 4)
            return oct_op_fail(op, OCT_E_INVALID, err, "kernel or volume of impossible size");
    return OCT_OK;
}

/* Sets `small` and the padding from `large`. */
static void slide(volume *v, bool same)
{
    for (int i = 0; i < AXES; i++)
        oct_window_axis(same, v->large[i], v->kernel[i], v->stride[i], v->dilation[i], &v->small[i],
            &v->pad[i]);
}

static oct_status make_forward(const oct_op *op, volume *v, oct_error *err)
{
    const oct_value *in = op->in[0], *filter = op->in[1];
    OCT_TRY(read_options(op, v, err));
    OCT_TRY(check_tensors(op, in, filter, 2, filter->rank == 5 ? filter->dims[4] : 0, err));
    v->batches = in->dims[0];
    v->in_c = in->dims[4];
    v->out_c = filter->dims[4];
    memcpy(v->large, in->dims + 1, sizeof v->large);
    memcpy(v->kernel, filter->dims, sizeof v->kernel);
    slide(v, ((const oct_conv3d_options *)op->options)->padding == OCT_PADDING_SAME);
    for (int i = 0; i < AXES; i++)
        if (v->small[i] < 1)
            return oct_op_fail(op, OCT_E_INVALID, err, "the kernel does not fit the volume");
    if (filter->dims[3] != v->in_c)
        return oct_op_fail(op, OCT_E_INVALID, err, "%d channels, weights for %d", (int)v->in_c,
            (int)filter->dims[3]);
    return OCT_OK;
}

static oct_status make_transposed(const oct_op *op, volume *v, oct_error *err)
{
    const oct_value *shape = op->in[0], *filter = op->in[1], *in = op->in[2];
    OCT_TRY(oct_op_need_known(op, 0, "output shape", err));
    OCT_TRY(read_options(op, v, err));
    OCT_TRY(check_tensors(op, in, filter, 3, filter->rank == 5 ? filter->dims[3] : 0, err));
    if (shape->type != OCT_INT32 || oct_value_count(shape) != 5)
        return oct_op_fail(
            op, OCT_E_INVALID, err, "output shape %s must be five int32 numbers", shape->label);
    const int32_t *dims = shape->data;
    v->batches = in->dims[0];
    v->in_c = in->dims[4];
    v->out_c = filter->dims[3];
    memcpy(v->large, dims + 1, sizeof v->large);
    memcpy(v->kernel, filter->dims, sizeof v->kernel);
    for (int i = 0; i < AXES; i++)
        if (v->large[i] < 1 || v->large[i] > INT32_MAX / 4)
            return oct_op_fail(op, OCT_E_INVALID, err, "output dimension %d", (int)v->large[i]);
    slide(v, ((const oct_conv3d_options *)op->options)->padding == OCT_PADDING_SAME);
    if (memcmp(v->small, in->dims + 1, sizeof v->small) != 0 || filter->dims[4] != v->in_c ||
        dims[0] != v->batches || dims[4] != v->out_c)
        return oct_op_fail(op, OCT_E_INVALID, err, "output shape, weights and data do not fit");
    return OCT_OK;
}

static oct_status set_output(oct_op *op, const volume *v, const int32_t *sides, oct_error *err)
{
    int32_t dims[5] = { v->batches, sides[0], sides[1], sides[2], v->out_c };
    return oct_op_set_shape(op, 0, OCT_FLOAT32, 5, dims, err);
}

static oct_status infer_forward(oct_op *op, oct_error *err)
{
    volume v;
    OCT_TRY(make_forward(op, &v, err));
    return set_output(op, &v, v.small, err);
}

static oct_status infer_transposed(oct_op *op, oct_error *err)
{
    volume v;
    OCT_TRY(make_transposed(op, &v, err));
    return set_output(op, &v, v.large, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    volume *v = oct_op_alloc(op, sizeof *v);
    if (v == NULL)
        return oct_fail_memory(err, sizeof *v, op->out[0]->label);
    op->prepared = v;
    return op->node->op == OCT_OP_CONV_3D ? make_forward(op, v, err) : make_transposed(op, v, err);
}

/* Offset of voxel (b, at) in channels-last data with these sides. */
static size_t voxel(int32_t b, const int32_t *sides, const int32_t *at, int32_t channels)
{
    size_t index = (size_t)b;
    for (int i = 0; i < AXES; i++)
        index = index * (size_t)sides[i] + (size_t)at[i];
    return index * (size_t)channels;
}

/* Where kernel tap `tap` of small voxel `at` lies on the large side; false: outside. */
static bool place(const volume *v, const int32_t *at, const int32_t *tap, int32_t *out)
{
    for (int i = 0; i < AXES; i++) {
        out[i] = at[i] * v->stride[i] - v->pad[i] + tap[i] * v->dilation[i];
        if (out[i] < 0 || out[i] >= v->large[i])
            return false;
    }
    return true;
}

/* Counts through a box of these sides; false after the last. */
static bool next(int32_t *at, const int32_t *sides)
{
    for (int i = AXES - 1; i >= 0; i--) {
        if (++at[i] < sides[i])
            return true;
        at[i] = 0;
    }
    return false;
}

static size_t tap_index(const volume *v, const int32_t *tap)
{
    return ((size_t)tap[0] * (size_t)v->kernel[1] + (size_t)tap[1]) * (size_t)v->kernel[2] +
           (size_t)tap[2];
}

static void gather(
    const volume *v, const float *x, const float *filter, int32_t b, const int32_t *at, float *y)
{
    int32_t tap[AXES] = { 0 }, from[AXES];
    size_t in_c = (size_t)v->in_c, out_c = (size_t)v->out_c;
    memset(y, 0, out_c * sizeof *y);
    do {
        if (!place(v, at, tap, from))
            continue;
        const float *in = x + voxel(b, v->large, from, v->in_c);
        const float *w = filter + tap_index(v, tap) * in_c * out_c;
        for (size_t i = 0; i < in_c; i++)
            for (size_t o = 0; o < out_c; o++)
                y[o] += in[i] * w[i * out_c + o];
    } while (next(tap, v->kernel));
}

static void scatter(
    const volume *v, const float *x, const float *filter, int32_t b, const int32_t *at, float *y)
{
    size_t in_c = (size_t)v->in_c, out_c = (size_t)v->out_c;
    const float *in = x + voxel(b, v->small, at, v->in_c);
    for (size_t i = 0; i < in_c; i++) {
        int32_t tap[AXES] = { 0 }, to[AXES];
        do {
            if (!place(v, at, tap, to))
                continue;
            float *out = y + voxel(b, v->large, to, v->out_c);
            const float *w = filter + tap_index(v, tap) * in_c * out_c;
            for (size_t o = 0; o < out_c; o++)
                out[o] += in[i] * w[o * in_c + i];
        } while (next(tap, v->kernel));
    }
}

static void finish(const oct_op *op, int32_t bias_slot)
{
    const volume *v = op->prepared;
    const oct_value *bias = bias_slot < op->in_count ? op->in[bias_slot] : NULL;
    float *y = op->out[0]->data;
    size_t count = oct_value_count(op->out[0]);
    for (size_t i = 0; i < count; i++) {
        float add = bias != NULL ? ((const float *)bias->data)[i % (size_t)v->out_c] : 0.f;
        y[i] = oct_clamp_f32(y[i] + add, v->lo, v->hi);
    }
}

static oct_status eval_forward(oct_op *op, oct_error *err)
{
    (void)err;
    const volume *v = op->prepared;
    float *y = op->out[0]->data;
    for (int32_t b = 0; b < v->batches; b++) {
        int32_t at[AXES] = { 0 };
        do {
            gather(v, op->in[0]->data, op->in[1]->data, b, at, y);
            y += v->out_c;
        } while (next(at, v->small));
    }
    finish(op, 2);
    return OCT_OK;
}

static oct_status eval_transposed(oct_op *op, oct_error *err)
{
    (void)err;
    const volume *v = op->prepared;
    if (op->out[0]->size > 0)
        memset(op->out[0]->data, 0, op->out[0]->size);
    for (int32_t b = 0; b < v->batches; b++) {
        int32_t at[AXES] = { 0 };
        do
            scatter(v, op->in[2]->data, op->in[1]->data, b, at, op->out[0]->data);
        while (next(at, v->small));
    }
    finish(op, 3);
    return OCT_OK;
}

const oct_op_def oct_op_conv_3d = {
    .name = "CONV_3D",
    .code = OCT_OP_CONV_3D,
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_Conv3D,
    .traits = OCT_TRAIT_FUSES_RELU,
    .runtime = "2.6",
    .infer = infer_forward,
    .prepare = prepare,
    .ref = { [OCT_FORM_F32] = { .eval = eval_forward } },
};
const oct_op_def oct_op_conv_3d_transpose = {
    .name = "CONV_3D_TRANSPOSE",
    .code = OCT_OP_CONV_3D_TRANSPOSE,
    .min_in = 3,
    .max_in = 4,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_Conv3D,
    .traits = OCT_TRAIT_FUSES_RELU,
    .runtime = "2.6",
    .quant = { .in = { OCT_ROLE_NONE, OCT_ROLE_WEIGHT, OCT_ROLE_ACT, OCT_ROLE_BIAS },
        .in_slots = 4,
        .out = { OCT_ROLE_ACT },
        .out_slots = 1,
        .weight_axis = -1 },
    .infer = infer_transposed,
    .prepare = prepare,
    .ref = { [OCT_FORM_F32] = { .eval = eval_transposed } },
};
