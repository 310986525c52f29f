/*
 * A view: the samples of a data set as the inputs of one model.
 *
 * How each input is filled is decided once, from the first sample, and checked again for every
 * sample.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "eval/cache.h"
#include "eval/random.h"
#include "eval/source.h"
#include "eval/view.h"
#include "model/model.h"

/* One model input for batch 1. */
typedef struct target {
    char name[128];
    oct_type type;
    int32_t rank;
    int32_t dims[8];
    size_t elements;
    float scale; /* of integer inputs; 0: not quantized */
    int64_t zero_point;
} target;

enum { MAX_INPUTS = 16 };

struct oct_data_view {
    oct_samples samples;
    const oct_data *data;
    oct_preprocess preprocess;
    target inputs[MAX_INPUTS];
    int32_t input_count;
};

/* Shape text for messages: "1x48x48x3". */
static const char *shape_text(int32_t rank, const int64_t *dims, char text[96])
{
    size_t at = 0;
    text[0] = 0;
    for (int32_t i = 0; i < rank && at < 80; i++)
        at += (size_t)snprintf(text + at, 96 - at, i == 0 ? "%lld" : "x%lld", (long long)dims[i]);
    return rank == 0 ? "scalar" : text;
}

static oct_status misfit(const target *t, const oct_sample_value *field, oct_error *err)
{
    char have[96], want[96];
    int64_t dims[8];
    for (int32_t i = 0; i < t->rank; i++)
        dims[i] = t->dims[i];
    return oct_fail(err, OCT_E_INVALID, "a sample of shape %s does not fit input %s of shape %s",
        shape_text(field->rank, field->dims, have), t->name, shape_text(t->rank, dims, want));
}

/* The sample has the input's shape, up to dimensions of 1. */
static bool same_shape(const target *t, const oct_sample_value *field)
{
    int32_t i = 0, k = 0;
    for (;;) {
        while (i < t->rank && t->dims[i] == 1)
            i++;
        while (k < field->rank && field->dims[k] == 1)
            k++;
        if (i == t->rank || k == field->rank)
            return i == t->rank && k == field->rank;
        if (t->dims[i++] != field->dims[k++])
            return false;
    }
}

static bool is_image_input(const target *t)
{
    return t->rank == 4 && t->dims[0] == 1 && (t->dims[3] == 1 || t->dims[3] == 3);
}

/* The sample is one: bytes, or something that is not the input already. */
static bool is_image_field(const oct_sample_value *field)
{
    return field->rank == 2 || (field->rank == 3 && (field->dims[2] == 1 || field->dims[2] == 3 ||
                                                        field->dims[2] == 4));
}

/* [N], [1, N] or [1, N, 1]: N samples of sound. */
static bool is_sound_input(const target *t)
{
    return (t->rank == 1 && t->elements > 1) ||
           (t->rank >= 2 && t->rank <= 3 && t->dims[0] == 1 && (size_t)t->dims[1] == t->elements);
}

/* What is short is followed by silence, what is long is cut, as tf.audio.decode_wav() does. */
static void fill_sound(
    const oct_data_view *view, const target *t, const oct_sample_value *field, float *to)
{
    size_t have = (size_t)field->dims[0] < t->elements ? (size_t)field->dims[0] : t->elements;
    memcpy(to, field->bytes, have * sizeof *to);
    memset(to + have, 0, (t->elements - have) * sizeof *to);
    oct_normalise(&view->preprocess, to, t->elements, 1);
}

static oct_status fill_float(const oct_data_view *view, const target *t,
    const oct_sample_value *field, float *to, oct_error *err)
{
    if (is_image_input(t) && is_image_field(field))
        return oct_image_to_input(
            &view->preprocess, field, t->dims[1], t->dims[2], t->dims[3], to, err);
    if (field->sound && is_sound_input(t)) {
        fill_sound(view, t, field, to);
        return OCT_OK;
    }
    if (!same_shape(t, field))
        return misfit(t, field, err);
    if (!oct_to_float(field->type, field->bytes, t->elements, to))
        return oct_fail(err, OCT_E_INVALID, "samples of type %s", oct_type_name(field->type));
    oct_normalise(&view->preprocess, to, t->elements, t->rank > 0 ? t->dims[t->rank - 1] : 1);
    return OCT_OK;
}

/* Noise in [-1, 1), the same for a sample whatever else is read. */
static void fill_random(int64_t index, int32_t input, float *to, size_t count)
{
    oct_random random = oct_random_seed((uint64_t)index * MAX_INPUTS + (uint64_t)input);
    for (size_t i = 0; i < count; i++)
        to[i] = (float)(oct_random_uniform(&random) * 2 - 1);
}

static void code_limits(const target *t, double *low, double *high)
{
    bool s8 = t->type == OCT_INT8, s16 = t->type == OCT_INT16;
    *low = s8 ? INT8_MIN : s16 ? INT16_MIN : 0;
    *high = s8 ? INT8_MAX : s16 ? INT16_MAX : UINT8_MAX;
}

/*
 * Source: tensorflow/lite/kernels/internal/reference/quantize.h, AffineQuantize: TfLiteRound is
 * half away.
 */
static void quantize(const target *t, const float *from, void *to)
{
    bool s8 = t->type == OCT_INT8, s16 = t->type == OCT_INT16;
    double low, high;
    code_limits(t, &low, &high);
    for (size_t i = 0; i < t->elements; i++) {
        double q = (double)roundf(from[i] / t->scale) + (double)t->zero_point;
        q = q >= low ? q <= high ? q : high : low; /* NaN becomes low */
        if (s16)
            ((int16_t *)to)[i] = (int16_t)q;
        else if (s8)
            ((int8_t *)to)[i] = (int8_t)q;
        else
            ((uint8_t *)to)[i] = (uint8_t)q;
    }
}

static bool is_quantized(const target *t)
{
    return t->scale > 0 && (t->type == OCT_INT8 || t->type == OCT_UINT8 || t->type == OCT_INT16);
}

/* Inputs that are not quantized numbers take integers as they are: token ids, indices, masks. */
static oct_status fill_plain(
    const target *t, const oct_sample_value *field, void *bytes, oct_error *err)
{
    if (!same_shape(t, field))
        return misfit(t, field, err);
    size_t size = t->elements * (size_t)oct_type_bits(t->type) / 8;
    if (field->type == t->type) {
        memcpy(bytes, field->bytes, size);
        return OCT_OK;
    }
    bool widen = field->type == OCT_INT64 && t->type == OCT_INT32;
    if (!widen)
        return oct_fail(err, OCT_E_INVALID, "input %s is %s, the data are %s", t->name,
            oct_type_name(t->type), oct_type_name(field->type));
    for (size_t i = 0; i < t->elements; i++) {
        int64_t value;
        memcpy(&value, (const char *)field->bytes + i * sizeof value, sizeof value);
        if (value < INT32_MIN || value > INT32_MAX)
            return oct_fail(
                err, OCT_E_INVALID, "input %s: %lld is no int32", t->name, (long long)value);
        ((int32_t *)bytes)[i] = (int32_t)value;
    }
    return OCT_OK;
}

static oct_status read_field(const oct_data_view *view, int64_t at, const target *t,
    oct_sample_value *field, oct_error *err)
{
    *field = (oct_sample_value){ 0 };
    if (view->data->source->random)
        return OCT_OK;
    return oct_error_prefix(
        err, oct_source_read(view->data->source, at, t->name, field, err), "%s", view->data->spec);
}

static oct_status decode(
    const oct_data_view *view, int64_t at, const target *t, float *to, oct_error *err)
{
    oct_sample_value field;
    OCT_TRY(read_field(view, at, t, &field, err));
    oct_status status = fill_float(view, t, &field, to, err);
    free(field.owned);
    return oct_error_prefix(err, status, "%s: sample %lld", view->data->spec, (long long)at);
}

/* A float input, or a quantized one before it is; of pictures from the cache, where there is one. */
static oct_status read_floats(
    const oct_data_view *view, int64_t at, int32_t input, float *to, oct_error *err)
{
    const target *t = &view->inputs[input];
    const oct_cache *cache = view->data->cache;
    const unsigned char *bytes;
    size_t size;
    oct_backing *held;
    char name[65];
    if (view->data->source->random) {
        fill_random(at, input, to, t->elements);
        return OCT_OK;
    }
    if (cache == NULL || !is_image_input(t) ||
        !oct_source_stored(view->data->source, at, &bytes, &size, &held))
        return decode(view, at, t, to, err);
    oct_cache_name(bytes, size, &view->preprocess, t->dims[1], t->dims[2], t->dims[3], name);
    oct_backing_release(held);
    if (oct_cache_get(cache, name, to, t->elements))
        return OCT_OK;
    OCT_TRY(decode(view, at, t, to, err));
    oct_cache_put(cache, name, to, t->elements);
    return OCT_OK;
}

static oct_status read_plain(
    const oct_data_view *view, int64_t at, const target *t, void *bytes, oct_error *err)
{
    oct_sample_value field;
    OCT_TRY(read_field(view, at, t, &field, err));
    oct_status status = fill_plain(t, &field, bytes, err);
    free(field.owned);
    return oct_error_prefix(err, status, "%s: sample %lld", view->data->spec, (long long)at);
}

static oct_status read_quantized(
    const oct_data_view *view, int64_t at, int32_t input, void *bytes, oct_error *err)
{
    const target *t = &view->inputs[input];
    float *values = malloc(t->elements * sizeof *values);
    if (values == NULL)
        return oct_fail_memory(err, t->elements * sizeof *values, "a sample");
    oct_status status = read_floats(view, at, input, values, err);
    if (status == OCT_OK)
        quantize(t, values, bytes);
    free(values);
    return status;
}

static oct_status read_sample(
    void *user, int64_t index, int32_t input, void *bytes, size_t size, oct_error *err)
{
    const oct_data_view *view = user;
    const oct_data *data = view->data;
    if (index < 0 || index >= data->count || input < 0 || input >= view->input_count)
        return oct_fail(err, OCT_E_USAGE, "sample %lld of input %d does not exist",
            (long long)index, (int)input);
    const target *t = &view->inputs[input];
    if (size != oct_view_input_bytes(view, input))
        return oct_fail(err, OCT_E_USAGE, "input %s: %zu bytes asked for", t->name, size);
    int64_t at = data->chosen == NULL ? index : data->chosen[index];
    if (t->type == OCT_FLOAT32)
        return read_floats(view, at, input, bytes, err);
    return is_quantized(t) ? read_quantized(view, at, input, bytes, err)
                           : read_plain(view, at, t, bytes, err);
}

/* Values up to half a step beyond the ends still have their code. */
static void fold(const target *t, const float *values, oct_extent *extent)
{
    double low = -INFINITY, high = INFINITY;
    if (is_quantized(t)) {
        code_limits(t, &low, &high);
        low = (low - (double)t->zero_point) * (double)t->scale;
        high = (high - (double)t->zero_point) * (double)t->scale;
    }
    extent->can_low = low;
    extent->can_high = high;
    double half = is_quantized(t) ? (double)t->scale / 2 : 0;
    for (size_t i = 0; i < t->elements; i++) {
        extent->low = values[i] < extent->low ? values[i] : extent->low;
        extent->high = values[i] > extent->high ? values[i] : extent->high;
        extent->beyond += (double)values[i] < low - half || (double)values[i] > high + half;
    }
    extent->values += (int64_t)t->elements;
}

oct_status oct_view_measure(const oct_data_view *view, int64_t index, int32_t input,
    oct_extent *extent, oct_error *err)
{
    const oct_data *data = view->data;
    const target *t = &view->inputs[input];
    if (data->source->random || (t->type != OCT_FLOAT32 && !is_quantized(t)))
        return OCT_OK;
    int64_t at = data->chosen == NULL ? index : data->chosen[index];
    float *values = malloc(t->elements * sizeof *values);
    oct_status status = values == NULL
                            ? oct_fail_memory(err, t->elements * sizeof *values, "a sample")
                            : read_floats(view, at, input, values, err);
    if (status == OCT_OK)
        fold(t, values, extent);
    free(values);
    return status;
}

static oct_status set_target(const oct_model *model, int32_t index, target *t, oct_error *err)
{
    oct_tensor_info info;
    oct_model_input(model, index, &info);
    snprintf(t->name, sizeof t->name, "%s", info.name);
    t->rank = info.rank;
    t->scale = info.scale;
    t->zero_point = info.zero_point;
    t->elements = 1;
    bool has_batch = oct_input_has_batch(model->graph->subgraphs[0], index);
    for (int32_t i = 0; i < info.rank; i++) {
        t->dims[i] = i == 0 && has_batch ? 1 : info.dims[i];
        if (t->dims[i] < 1)
            return oct_fail(err, OCT_E_INVALID,
                "input %s: dimension %d is not known; give it with an input shape", t->name,
                (int)i);
        if (t->elements > (1u << 30) / (size_t)t->dims[i])
            return oct_fail(err, OCT_E_INVALID, "input %s has over 2^30 elements", t->name);
        t->elements *= (size_t)t->dims[i];
    }
    for (int type = 0; type < OCT_TYPE_COUNT; type++)
        if (oct_type_name((oct_type)type) != NULL &&
            strcmp(oct_type_name((oct_type)type), info.type) == 0)
            t->type = (oct_type)type;
    return oct_type_bits(t->type) >= 8
               ? OCT_OK
               : oct_fail(err, OCT_E_UNSUPPORTED, "input %s is of type %s", t->name, info.type);
}

/* Reads sample 0 of every input, so that data that cannot fit are refused before any work. */
static oct_status try_first(oct_data_view *view, oct_error *err)
{
    for (int32_t i = 0; i < view->input_count; i++) {
        size_t size = oct_view_input_bytes(view, i);
        void *bytes = malloc(size);
        if (bytes == NULL)
            return oct_fail_memory(err, size, "a sample");
        oct_status status = read_sample(view, 0, i, bytes, size, err);
        free(bytes);
        OCT_TRY(status);
    }
    return OCT_OK;
}

static oct_status init(oct_data_view *view, const oct_model *model, oct_error *err)
{
    view->input_count = oct_model_input_count(model);
    const oct_source *source = view->data->source;
    if (view->input_count > MAX_INPUTS || view->data->count < 1)
        return oct_fail(err, OCT_E_UNSUPPORTED, "a model of %d inputs on %lld samples",
            (int)view->input_count, (long long)view->data->count);
    if (view->input_count > 1 && !source->random && source->array_count < view->input_count)
        return oct_fail(err, OCT_E_INVALID,
            "%s: the model has %d inputs; an .npz with one array per input is needed",
            view->data->spec, (int)view->input_count);
    for (int32_t i = 0; i < view->input_count; i++)
        OCT_TRY(set_target(model, i, &view->inputs[i], err));
    return try_first(view, err);
}

oct_status oct_data_view_create(const oct_data *data, const oct_model *model,
    const oct_preprocess *preprocess, oct_data_view **out, oct_error *err)
{
    *out = NULL;
    oct_data_view *view = calloc(1, sizeof *view);
    if (view == NULL)
        return oct_fail_memory(err, sizeof *view, "data");
    view->data = data;
    view->preprocess = *preprocess;
    view->samples = (oct_samples){ .user = view, .count = data->count, .read = read_sample };
    oct_status status = init(view, model, err);
    if (status != OCT_OK) {
        oct_data_view_free(view);
        return status;
    }
    *out = view;
    return OCT_OK;
}

const oct_samples *oct_data_view_samples(const oct_data_view *view)
{
    return &view->samples;
}

void oct_data_view_free(oct_data_view *view)
{
    free(view);
}

int32_t oct_view_input_count(const oct_data_view *view)
{
    return view->input_count;
}

size_t oct_view_input_bytes(const oct_data_view *view, int32_t input)
{
    const target *t = &view->inputs[input];
    return t->elements * (size_t)oct_type_bits(t->type) / 8;
}

bool oct_view_derives(const oct_data_view *view, const oct_data_view *from)
{
    if (view->input_count != from->input_count)
        return false;
    for (int32_t i = 0; i < view->input_count; i++) {
        const target *a = &view->inputs[i], *b = &from->inputs[i];
        if (b->type != OCT_FLOAT32 || (a->type != OCT_FLOAT32 && !is_quantized(a)) ||
            a->rank != b->rank || memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) != 0)
            return false;
    }
    return true;
}

void oct_view_derive(const oct_data_view *view, int32_t input, const float *values, void *to)
{
    const target *t = &view->inputs[input];
    if (t->type == OCT_FLOAT32)
        memcpy(to, values, t->elements * sizeof *values);
    else
        quantize(t, values, to);
}
