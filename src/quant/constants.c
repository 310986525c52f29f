/*
 * Scales and integer values of constants.
 */
#include "quant/constants.h"

#include <math.h>
#include <string.h>

#include "kernels/dispatch.h"
#include "numeric/qparams.h"

/* Which channel an element belongs to: (i / inner) % count. */
typedef struct layout {
    int64_t elements, inner;
    int32_t count;
} layout;

static layout layout_of(const oct_tensor *tensor, int32_t axis)
{
    layout l = { oct_tensor_elements(tensor), 1, 1 };
    if (axis < 0)
        return l;
    for (int32_t i = axis + 1; i < tensor->rank; i++)
        l.inner *= tensor->dims[i];
    l.count = tensor->dims[axis];
    return l;
}

static int32_t channel_of(const layout *l, int64_t i)
{
    return l->count == 1 ? 0 : (int32_t)((i / l->inner) % l->count);
}

/* How many elements in a row belong to one channel. */
static int64_t run_of(const layout *l)
{
    return l->count == 1 ? l->elements : l->inner;
}

/* The largest |x| of a run of one channel. */
static float fold_run(float largest, const float *x, int64_t n)
{
    float low = -largest, high = largest;
    oct_kernel_set_get()->extremes(x, (size_t)n, &low, &high);
    return fmaxf(-low, high);
}

/* The same for a row that holds one value of each channel. */
static void fold_channels(float *restrict largest, const float *restrict x, int32_t count)
{
    for (int32_t c = 0; c < count; c++) {
        float size = fabsf(x[c]);
        largest[c] = size > largest[c] ? size : largest[c];
    }
}

oct_status oct_constant_magnitudes(oct_work *work, const oct_tensor *tensor, int32_t axis,
    oct_magnitudes *out, oct_error *err)
{
    layout l = layout_of(tensor, axis);
    const float *values = tensor->data;
    float *largest = oct_arena_array(&work->arena, (size_t)l.count, sizeof *largest);
    if (largest == NULL)
        return oct_fail_memory(err, (size_t)l.count * sizeof *largest, "weight ranges");
    if (l.inner == 1 && l.count > 1)
        for (int64_t i = 0; i < l.elements; i += l.count)
            fold_channels(largest, values + i, l.count);
    else
        for (int64_t i = 0; i < l.elements; i += run_of(&l)) {
            int32_t c = channel_of(&l, i);
            largest[c] = fold_run(largest[c], values + i, run_of(&l));
        }
    *out = (oct_magnitudes){ axis, l.count, largest };
    return OCT_OK;
}

oct_status oct_weight_scheme(oct_work *work, const oct_magnitudes *magnitudes,
    oct_weight_style style, oct_scheme *out, oct_error *err)
{
    size_t bytes = (size_t)magnitudes->count * sizeof(float);
    float *scales = oct_arena_alloc(&work->arena, bytes);
    if (scales == NULL)
        return oct_fail_memory(err, bytes, "weight scales");
    for (int32_t i = 0; i < magnitudes->count; i++) {
        float largest = magnitudes->values[i];
        scales[i] = style == OCT_WEIGHT_LEGACY ? oct_scale_weight_legacy(largest) :
            style == OCT_WEIGHT_DYNAMIC        ? (float)oct_scale_weight(largest) :
                                                 oct_scale_weight_plain(largest);
    }
    *out = (oct_scheme){ .type = OCT_INT8, .narrow = true, .axis = magnitudes->axis,
        .count = magnitudes->count, .scales = scales };
    return OCT_OK;
}

/* The legacy quantizer of whole tensors goes by the values' own range unless the scale was changed. */
static bool follows_own_range(const oct_magnitudes *magnitudes, const oct_scheme *scheme)
{
    float own = oct_scale_weight_plain(magnitudes->values[0]);
    return fabs((double)own - (double)scheme->scales[0]) <= 1e-3;
}

/* How weights of a channel become codes: x / divisor in double, or x * inverse in float where that is 0. */
typedef struct step { double divisor; float inverse; } step;

static step step_of(float magnitude, float scale, bool own_range, oct_weight_style style)
{
    if (style == OCT_WEIGHT_DYNAMIC)
        return (step){ .divisor = oct_scale_weight(magnitude) };
    if (style == OCT_WEIGHT_PLAIN || own_range)
        return (step){ .inverse = oct_inverse_range(magnitude) };
    return (step){ .inverse = oct_inverse_scale(scale) };
}

/* round() of what is in [-127, 127], written so that compilers vectorise it: adding just less than a half
   before the fraction is cut off misses no tie and lifts nothing below one. */
static inline int8_t code_of(double v)
{
    v = v < -127.0 ? -127.0 : v > 127.0 ? 127.0 : v;
    return (int8_t)(int32_t)(v + copysign(0.5 - 0x1p-54, v));
}

/* Equal to oct_quantize_affine() with zero point 0 and oct_quantize_symmetric(). */
static void encode_run(step by, int64_t n, const float *restrict from, int8_t *restrict to)
{
    if (by.divisor != 0)
        for (int64_t i = 0; i < n; i++)
            to[i] = code_of((double)from[i] / by.divisor);
    else
        for (int64_t i = 0; i < n; i++)
            to[i] = code_of((double)(from[i] * by.inverse));
}

static oct_status new_encoded(oct_work *work, const oct_tensor *tensor, const oct_scheme *scheme,
    size_t element_bytes, void **bytes, int32_t *index, oct_error *err)
{
    size_t size = (size_t)oct_tensor_elements(tensor) * element_bytes;
    *bytes = oct_graph_new_bytes(work->graph, size);
    if (*bytes == NULL)
        return oct_fail_memory(err, size, "a quantized constant");
    OCT_TRY(oct_work_new_constant(work, tensor, scheme->type, *bytes, size, index, err));
    return oct_work_set_scheme(work, work->sub->tensors[*index], scheme, err);
}

oct_status oct_weight_encode(oct_work *work, const oct_tensor *tensor,
    const oct_magnitudes *magnitudes, const oct_scheme *scheme, oct_weight_style style,
    int32_t *index, oct_error *err)
{
    void *bytes;
    OCT_TRY(new_encoded(work, tensor, scheme, 1, &bytes, index, err));
    int8_t *to = bytes;
    const float *from = tensor->data;
    layout l = layout_of(tensor, scheme->axis);
    bool own_range = style == OCT_WEIGHT_LEGACY && scheme->axis < 0 &&
        follows_own_range(magnitudes, scheme);
    for (int64_t i = 0; i < l.elements; i += run_of(&l)) {
        int32_t c = channel_of(&l, i);
        step by = step_of(magnitudes->values[c], scheme->scales[c], own_range, style);
        encode_run(by, run_of(&l), from + i, to + i);
    }
    return OCT_OK;
}

void oct_constant_range(const oct_tensor *tensor, float *min, float *max)
{
    const float *values = tensor->data;
    int64_t count = oct_tensor_elements(tensor);
    *min = *max = count > 0 ? values[0] : 0.f;
    for (int64_t i = 1; i < count; i++) {
        *min = fminf(*min, values[i]);
        *max = fmaxf(*max, values[i]);
    }
}

static void encode_one(void *to, int64_t i, oct_type type, float value, float scale, int32_t zero)
{
    switch (type) {
    case OCT_INT8:
        ((int8_t *)to)[i] = (int8_t)oct_quantize_affine(value, (double)scale, zero, -128, 127);
        break;
    case OCT_INT16:
        ((int16_t *)to)[i] =
            (int16_t)oct_quantize_symmetric(value, oct_inverse_scale(scale), INT16_MAX);
        break;
    case OCT_INT32:
        ((int32_t *)to)[i] = oct_quantize_bias_s32(value, oct_inverse_scale(scale));
        break;
    default:
        ((int64_t *)to)[i] = oct_quantize_bias_s64(value, oct_inverse_scale(scale));
        break;
    }
}

oct_status oct_constant_encode(oct_work *work, const oct_tensor *tensor, const oct_scheme *scheme,
    int32_t *index, oct_error *err)
{
    void *to;
    OCT_TRY(new_encoded(work, tensor, scheme, (size_t)oct_type_bits(scheme->type) / 8, &to, index,
        err));
    const float *from = tensor->data;
    layout l = layout_of(tensor, scheme->axis);
    for (int64_t i = 0; i < l.elements; i++)
        encode_one(to, i, scheme->type, from[i], scheme->scales[channel_of(&l, i)],
            scheme->zero_point);
    return OCT_OK;
}

oct_status oct_bias_scheme(oct_work *work, oct_type type, float input_scale,
    const oct_scheme *weights, int32_t axis, oct_scheme *out, oct_error *err)
{
    size_t bytes = (size_t)weights->count * sizeof(float);
    float *scales = oct_arena_alloc(&work->arena, bytes);
    if (scales == NULL)
        return oct_fail_memory(err, bytes, "bias scales");
    for (int32_t i = 0; i < weights->count; i++)
        scales[i] = input_scale * weights->scales[i];
    *out = (oct_scheme){ .type = type, .axis = weights->count == 1 ? -1 : axis,
        .count = weights->count, .scales = scales };
    return OCT_OK;
}
