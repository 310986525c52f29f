/*
 * Scales and integer values of constants.
 */
#include "quant/constants.h"

#include <math.h>
#include <string.h>

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

oct_status oct_constant_magnitudes(oct_work *work, const oct_tensor *tensor, int32_t axis,
    oct_magnitudes *out, oct_error *err)
{
    layout l = layout_of(tensor, axis);
    const float *values = tensor->data;
    float *largest = oct_arena_array(&work->arena, (size_t)l.count, sizeof *largest);
    if (largest == NULL)
        return oct_fail_memory(err, (size_t)l.count * sizeof *largest, "weight ranges");
    for (int64_t i = 0; i < l.elements; i++) {
        int32_t c = channel_of(&l, i);
        largest[c] = fmaxf(largest[c], fabsf(values[i]));
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

static int8_t encode_weight(float value, float magnitude, float scale, bool own_range,
    oct_weight_style style)
{
    if (style == OCT_WEIGHT_DYNAMIC)
        return (int8_t)oct_quantize_affine(value, oct_scale_weight(magnitude), 0, -127, 127);
    if (style == OCT_WEIGHT_PLAIN || own_range)
        return (int8_t)oct_quantize_symmetric(value, oct_inverse_range(magnitude), 127);
    return (int8_t)oct_quantize_symmetric(value, oct_inverse_scale(scale), 127);
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
    for (int64_t i = 0; i < l.elements; i++) {
        int32_t c = channel_of(&l, i);
        to[i] = encode_weight(from[i], magnitudes->values[c], scheme->scales[c], own_range, style);
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
