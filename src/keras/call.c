/*
 * What a lowering asks of its call: the variables of the layer, the arguments of an operation.
 */
#include "keras/layer.h"

#include <stdio.h>
#include <string.h>

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
    const json_t *value = json_object_get(call->config, key);
    if (value == NULL)
        value = oct_keras_argument_value(call, -1, key);
    return json_is_null(value) ? NULL : value;
}

oct_status oct_keras_argument_tensor(oct_keras_call *call, int32_t position, const char *keyword,
    int32_t *tensor, oct_error *err)
{
    const oct_keras_argument *argument = find_argument(call, position, keyword);
    if (argument != NULL && argument->value == NULL) {
        *tensor = argument->tensor;
        return OCT_OK;
    }
    if (argument == NULL || !json_is_number(argument->value))
        return oct_fail(err, OCT_E_UNSUPPORTED, "its argument '%s' is neither a tensor nor a number",
            keyword);
    return oct_keras_constant_scalar(call, (float)json_number_value(argument->value), tensor, err);
}
