/*
 * What a lowering asks of its call: the variables of the layer, the arguments of an operation.
 */
#include "keras/layer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CONSTANT = 1 << 24 };

static const oct_keras_def defs[] = {
#define OCT_KERAS(kind, name, family, variant, variables)                                          \
    { OCT_KERAS_##kind, name, oct_keras_lower_##family, variant, variables },
#include "keras/layers.def"
#undef OCT_KERAS
};

const oct_keras_def *oct_keras_def_find(oct_keras_kind kind, const char *name)
{
    for (size_t i = 0; i < sizeof defs / sizeof defs[0]; i++)
        if (defs[i].kind == kind && strcmp(defs[i].name, name) == 0)
            return &defs[i];
    return NULL;
}

bool oct_keras_def_wraps(const oct_keras_def *def)
{
    size_t length = strlen(def->variables);
    return length > 0 && def->variables[length - 1] == '/';
}

oct_status oct_keras_channels_last(const oct_keras_call *call, oct_error *err)
{
    const char *format = oct_keras_text(call->config, "data_format", "channels_last");
    if (!call->turned && strcmp(format, "channels_last") != 0)
        return oct_fail(err, OCT_E_UNSUPPORTED, "data_format '%s'; only channels_last is supported",
            format);
    return OCT_OK;
}

const oct_h5_dataset *oct_keras_variable_find(const oct_keras_call *call, const char *name)
{
    const oct_keras_layer *layer = call->layer;
    size_t scope = strlen(call->scope);
    for (int32_t i = 0; i < layer->variable_count; i++) {
        const char *full = layer->variables[i].name;
        if (layer->variables[i].bound && strncmp(full, call->scope, scope) == 0 &&
            strcmp(full + scope, name) == 0)
            return &layer->variables[i].set;
    }
    return NULL;
}

/* "[3,3,?,8]" */
static const char *shape_text(int32_t rank, const int64_t *dims, char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, "[");
    for (int32_t i = 0; i < rank && at < size; i++)
        at += dims[i] < 0 ? (size_t)snprintf(text + at, size - at, i == 0 ? "?" : ",?")
                          : (size_t)snprintf(text + at, size - at, i == 0 ? "%lld" : ",%lld",
                                (long long)dims[i]);
    if (at < size)
        snprintf(text + at, size - at, "]");
    return text;
}

oct_status oct_keras_weight(const oct_keras_call *call, const char *name, int32_t rank, int64_t *dims,
    const oct_h5_dataset **out, oct_error *err)
{
    const oct_h5_dataset *set = oct_keras_variable_find(call, name);
    *out = set;
    if (set == NULL)
        return oct_fail(err, OCT_E_INVALID, "%s is missing", name);
    bool fits = set->rank == rank;
    for (int32_t i = 0; fits && i < rank; i++)
        fits = set->dims[i] > 0 && (dims[i] < 0 || dims[i] == set->dims[i]);
    char expected[128], found[128];
    if (!fits)
        return oct_fail(err, OCT_E_INVALID, "%s: expected the shape %s, found %s", name,
            shape_text(rank, dims, expected, sizeof expected),
            shape_text(set->rank, set->dims, found, sizeof found));
    memcpy(dims, set->dims, (size_t)rank * sizeof *dims);
    return OCT_OK;
}

/* Blocks keep both sides in the cache: VGG's first Dense has a hundred million weights. */
enum { BLOCK = 32 };

static void transpose_block(const oct_h5_dataset *set, int64_t a, int64_t b, int64_t run, int64_t i0,
    int64_t j0, float *dst)
{
    int64_t i1 = i0 + BLOCK < a ? i0 + BLOCK : a, j1 = j0 + BLOCK < b ? j0 + BLOCK : b;
    for (int64_t i = i0; i < i1; i++)
        for (int64_t j = j0; j < j1; j++)
            oct_h5_dataset_floats(set, (i * b + j) * run, run, dst + (j * a + i) * run);
}

void oct_keras_transpose(const oct_h5_dataset *set, int64_t a, int64_t b, int64_t run, float *dst)
{
    for (int64_t j = 0; j < b; j += BLOCK)
        for (int64_t i = 0; i < a; i += BLOCK)
            transpose_block(set, a, b, run, i, j, dst);
}

static const oct_keras_argument *find_argument(const oct_keras_call *call, int32_t position,
    const char *keyword)
{
    int32_t positional = 0;
    for (int32_t i = 0; i < call->argument_count; i++) {
        const oct_keras_argument *argument = &call->arguments[i];
        if (argument->keyword == NULL ? positional++ == position
                                      : strcmp(argument->keyword, keyword) == 0)
            return argument;
    }
    return NULL;
}

const json_t *oct_keras_argument_value(const oct_keras_call *call, int32_t position,
    const char *keyword)
{
    const oct_keras_argument *argument = find_argument(call, position, keyword);
    return argument == NULL ? NULL : argument->value;
}

const json_t *oct_keras_setting(const oct_keras_call *call, const char *key)
{
    /* The configuration of a TFOpLambda is that of a layer: its dtype is not the function's. */
    bool is_function = call->layer->def != NULL && call->layer->def->kind == OCT_KERAS_FUNCTION;
    const json_t *value = is_function ? NULL : json_object_get(call->config, key);
    if (value == NULL)
        value = oct_keras_argument_value(call, -1, key);
    return json_is_null(value) ? NULL : value;
}

/* The shape of a nested list; false when it is ragged or too deep. */
static bool list_shape(const json_t *value, int32_t *rank, int32_t *dims)
{
    for (*rank = 0; json_is_array(value) && *rank < 8; value = json_array_get(value, 0)) {
        if (json_array_size(value) == 0 || json_array_size(value) > INT32_MAX)
            return false;
        dims[(*rank)++] = (int32_t)json_array_size(value);
    }
    return json_is_number(value);
}

/* Writes the numbers of a list of this shape; false when it has another. */
static bool flatten(const json_t *value, int32_t rank, const int32_t *dims, oct_type type, void **to)
{
    if (rank == 0) {
        float real = (float)json_number_value(value);
        int32_t whole = (int32_t)json_integer_value(value);
        memcpy(*to, type == OCT_INT32 ? (const void *)&whole : (const void *)&real, 4);
        *to = (char *)*to + 4;
        return json_is_number(value) && (type != OCT_INT32 || json_is_integer(value));
    }
    if (json_array_size(value) != (size_t)dims[0])
        return false;
    for (int32_t i = 0; i < dims[0]; i++)
        if (!flatten(json_array_get(value, (size_t)i), rank - 1, dims + 1, type, to))
            return false;
    return true;
}

static oct_status constant_array(oct_keras_call *call, const json_t *value, const char *keyword,
    oct_type type, int32_t *tensor, oct_error *err)
{
    int32_t rank, dims[8];
    int64_t count = 1;
    bool good = (type == OCT_FLOAT32 || type == OCT_INT32) && list_shape(value, &rank, dims);
    for (int32_t i = 0; good && i < rank; i++)
        good = (count *= dims[i]) <= MAX_CONSTANT;
    if (!good)
        return oct_fail(err, OCT_E_UNSUPPORTED, "its argument '%s' is neither a tensor nor a number",
            keyword);
    void *numbers = malloc((size_t)count * 4), *at = numbers;
    if (numbers == NULL)
        return oct_fail_memory(err, (size_t)count * 4, keyword);
    oct_status status = flatten(value, rank, dims, type, &at)
                            ? oct_graph_add_constant(call->graph, call->sub, call->path, type, rank,
                                  dims, numbers, tensor, err)
                            : oct_fail(err, OCT_E_INVALID, "its argument '%s' is no array", keyword);
    free(numbers);
    return status;
}

oct_status oct_keras_argument_typed(oct_keras_call *call, int32_t position, const char *keyword,
    oct_type type, int32_t *tensor, oct_error *err)
{
    const oct_keras_argument *argument = find_argument(call, position, keyword);
    if (argument != NULL && argument->value == NULL) {
        *tensor = argument->tensor;
        return OCT_OK;
    }
    const json_t *value = argument == NULL ? NULL : argument->value;
    if (json_is_number(value) && type == OCT_FLOAT32)
        return oct_keras_constant_scalar(call, (float)json_number_value(value), tensor, err);
    const json_t *inner = json_object_get(json_object_get(value, "config"), "value");
    return constant_array(call, inner != NULL ? inner : value, keyword, type, tensor, err);
}

oct_status oct_keras_argument_tensor(oct_keras_call *call, int32_t position, const char *keyword,
    int32_t *tensor, oct_error *err)
{
    return oct_keras_argument_typed(call, position, keyword, OCT_FLOAT32, tensor, err);
}
