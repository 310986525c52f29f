/*
 * Where a graph begins and ends: the shapes and types of inputs, and the names users know.
 *
 * Names are those TFLiteConverter gives: inputs by their layer; outputs by position in Keras 3, by key
 * when the model has a dictionary of them, by their layer in Keras 2.
 */
#include "keras/build.h"

#include <string.h>

static const oct_input_shape *shape_option(const oct_keras_model *model,
    const oct_keras_layer *layer, const oct_load_options *options)
{
    for (int32_t i = 0; options != NULL && i < options->shape_count; i++) {
        const char *name = options->shapes[i].name;
        if (name == NULL ? model->input_count == 1 : strcmp(name, layer->name) == 0)
            return &options->shapes[i];
    }
    return NULL;
}

static oct_status apply_options(const oct_keras_model *model, const oct_keras_layer *layer,
    const oct_load_options *options, oct_keras_shape *shape, oct_error *err)
{
    if (options == NULL)
        return OCT_OK;
    if (options->batch > 0 && shape->rank > 0)
        shape->dims[0] = options->batch;
    const oct_input_shape *asked = shape_option(model, layer, options);
    if (asked == NULL)
        return OCT_OK;
    if (asked->rank != shape->rank)
        return oct_fail(err, OCT_E_USAGE, "input '%s' has %d dimensions, the given shape has %d",
            layer->name, shape->rank, asked->rank);
    for (int32_t i = 0; i < shape->rank; i++) {
        if (asked->dims[i] < 1 || (i > 0 && shape->dims[i] > 0 && shape->dims[i] != asked->dims[i]))
            return oct_fail(err, OCT_E_USAGE,
                "input '%s': dimension %d is %d in the model, %d in the given shape", layer->name, i,
                shape->dims[i], asked->dims[i]);
        shape->dims[i] = asked->dims[i];
    }
    return OCT_OK;
}

/* The shape lies in the input layer, or in older sequential files beside the model's layers. */
static const json_t *find_input_shape(const oct_keras_model *model, const oct_keras_layer *layer)
{
    const json_t *config = json_object_get(model->entry, "config");
    const json_t *candidates[] = { json_object_get(layer->config, "batch_shape"),
        json_object_get(layer->config, "batch_input_shape"),
        json_object_get(config, "build_input_shape"),
        json_object_get(json_object_get(model->entry, "build_config"), "input_shape") };
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++)
        if (json_is_array(candidates[i]))
            return candidates[i];
    return NULL;
}

static oct_status read_input_shape(const oct_keras_model *model, const oct_keras_layer *layer,
    const oct_load_options *options, oct_keras_shape *shape, oct_error *err)
{
    const json_t *dims = find_input_shape(model, layer);
    if (dims == NULL)
        return oct_fail(err, OCT_E_INVALID,
            "model '%s' was never built: the file does not say the shape of its input",
            model->name);
    if (json_array_size(dims) > 8)
        return oct_fail(err, OCT_E_UNSUPPORTED, "input '%s' has more than 8 dimensions", layer->name);
    shape->rank = (int32_t)json_array_size(dims);
    for (int32_t i = 0; i < shape->rank; i++) {
        const json_t *dim = json_array_get(dims, (size_t)i);
        json_int_t value = json_integer_value(dim);
        if (!json_is_null(dim) && (!json_is_integer(dim) || value < 1 || value > INT32_MAX))
            return oct_fail(err, OCT_E_INVALID, "input '%s' has an impossible shape", layer->name);
        shape->dims[i] = json_is_null(dim) ? -1 : (int32_t)value;
    }
    return apply_options(model, layer, options, shape, err);
}

static oct_status read_input_type(const oct_keras_layer *layer, oct_type *type, oct_error *err)
{
    static const struct { const char *name; oct_type type; } types[] = {
        { "float32", OCT_FLOAT32 }, { "float16", OCT_FLOAT32 }, { "bfloat16", OCT_FLOAT32 },
        { "mixed_float16", OCT_FLOAT32 }, { "mixed_bfloat16", OCT_FLOAT32 },
        { "uint8", OCT_UINT8 }, { "int8", OCT_INT8 }, { "int16", OCT_INT16 },
        { "int32", OCT_INT32 }, { "int64", OCT_INT64 }, { "bool", OCT_BOOL }
    };
    const json_t *dtype = json_object_get(layer->config, "dtype");
    const char *name = json_is_object(dtype)
                           ? oct_keras_text(json_object_get(dtype, "config"), "name", "float32")
                           : oct_keras_text(layer->config, "dtype", "float32");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0) {
            *type = types[i].type;
            return OCT_OK;
        }
    return oct_fail(err, OCT_E_UNSUPPORTED,
        strcmp(name, "string") == 0 ? "input '%s' is of the type %s; look words up before the model and "
                                      "save the part that takes numbers"
                                    : "input '%s' is of the type %s",
        layer->name, name);
}

oct_status oct_keras_make_input(oct_graph *graph, oct_subgraph *sub, const oct_keras_model *model,
    const oct_keras_layer *layer, const oct_load_options *options, int32_t *tensor, oct_error *err)
{
    oct_keras_shape shape;
    oct_type type;
    OCT_TRY(read_input_shape(model, layer, options, &shape, err));
    OCT_TRY(read_input_type(layer, &type, err));
    if (oct_keras_flag(layer->config, "sparse", false) || oct_keras_flag(layer->config, "ragged", false))
        return oct_fail(err, OCT_E_UNSUPPORTED, "input '%s' is sparse or ragged", layer->name);
    const char *name = oct_arena_format(&graph->arena, "serving_default_%s:0", layer->name);
    if (name == NULL)
        return oct_fail_memory(err, strlen(layer->name), "a name");
    return oct_keras_add_tensor(graph, sub, name, type, &shape, tensor, err);
}

static bool is_among(int32_t tensor, const int32_t *list, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        if (list[i] == tensor)
            return true;
    return false;
}

static const char *output_name(oct_graph *graph, const oct_keras_model *model, int32_t i)
{
    if (model->keras2) {
        const char *name = model->layers[model->outputs[i].layer].name;
        int32_t same = 0;
        for (int32_t k = 0; k < i; k++)
            same += model->outputs[k].layer == model->outputs[i].layer;
        return same == 0 ? oct_arena_format(&graph->arena, "%s", name)
                         : oct_arena_format(&graph->arena, "%s_%d", name, same);
    }
    if (model->output_keys != NULL)
        return oct_arena_format(&graph->arena, "%s", model->output_keys[i]);
    return oct_arena_format(&graph->arena, "output_%d", i);
}

/* Layers that draw numbers in training have a state for it, which the converter sees. */
static bool draws(const oct_keras_layer *layer)
{
    static const char *const still[] = { "InputLayer", "Identity", "ActivityRegularization" };
    const oct_keras_def *def = layer->inner != NULL ? layer->inner : layer->def;
    for (size_t i = 0; i < sizeof still / sizeof still[0]; i++)
        if (def != NULL && strcmp(def->name, still[i]) == 0)
            return false;
    return def != NULL && def->kind == OCT_KERAS_LAYER && def->lower == oct_keras_lower_identity;
}

/* Whether the model reads variables when it runs; a Normalization has copied its own. */
static bool is_stateful(const oct_keras_model *model)
{
    for (int32_t i = 0; i < model->layer_count; i++) {
        const oct_keras_layer *layer = &model->layers[i];
        bool copied = layer->def != NULL && layer->def->lower == oct_keras_lower_normalization;
        if (layer->nested != NULL ? is_stateful(layer->nested)
                                  : draws(layer) || (layer->variable_count > 0 && !copied))
            return true;
    }
    return false;
}

/* As the converter does; a tensor that is several outputs has the name of the last. */
static oct_status name_outputs(oct_graph *graph, oct_subgraph *sub, const oct_keras_model *model,
    oct_error *err)
{
    const char *call = is_stateful(model) ? "StatefulPartitionedCall" : "PartitionedCall";
    for (int32_t i = 0; i < model->output_count; i++) {
        int32_t tensor = sub->outputs[i];
        if (is_among(tensor, sub->inputs, model->input_count))
            continue;
        char *name = oct_arena_format(&graph->arena, model->keras2 ? "%s:%d" : "%s_1:%d", call, i);
        if (name == NULL)
            return oct_fail_memory(err, strlen(call), "a name");
        sub->tensors[tensor]->name = name;
    }
    return OCT_OK;
}

static oct_status make_signature(oct_graph *graph, const oct_subgraph *sub, const oct_keras_model *model,
    oct_error *err)
{
    oct_arena *arena = &graph->arena;
    oct_signature *signature = oct_arena_alloc(arena, sizeof *signature);
    size_t in = (size_t)model->input_count, out = (size_t)model->output_count;
    if (signature == NULL)
        return oct_fail_memory(err, sizeof *signature, "the signature");
    signature->key = "serving_default";
    signature->inputs = oct_arena_array(arena, in, sizeof(oct_signature_entry));
    signature->outputs = oct_arena_array(arena, out, sizeof(oct_signature_entry));
    if (signature->inputs == NULL || signature->outputs == NULL)
        return oct_fail_memory(err, (in + out) * sizeof(oct_signature_entry), "the signature");
    for (size_t i = 0; i < in; i++) {
        const char *name = model->layers[model->inputs[i].layer].name;
        signature->inputs[i].name = oct_arena_text(arena, name, strlen(name));
        signature->inputs[i].tensor = sub->inputs[i];
        if (signature->inputs[i].name == NULL)
            return oct_fail_memory(err, strlen(name), "the signature");
    }
    for (size_t i = 0; i < out; i++) {
        signature->outputs[i].name = output_name(graph, model, (int32_t)i);
        signature->outputs[i].tensor = sub->outputs[i];
        if (signature->outputs[i].name == NULL)
            return oct_fail_memory(err, 0, "the signature");
    }
    signature->input_count = (int32_t)in;
    signature->output_count = (int32_t)out;
    graph->signatures = signature;
    graph->signature_count = 1;
    return OCT_OK;
}

oct_status oct_keras_check_shapes(const oct_keras_model *model, const oct_load_options *options,
    oct_error *err)
{
    for (int32_t i = 0; options != NULL && i < options->shape_count; i++) {
        const char *name = options->shapes[i].name;
        bool found = name == NULL && model->input_count == 1;
        for (int32_t k = 0; name != NULL && k < model->input_count; k++)
            found |= strcmp(model->layers[model->inputs[k].layer].name, name) == 0;
        if (!found && name == NULL)
            return oct_fail(err, OCT_E_USAGE, "the model has %d inputs: give the shape as NAME=...",
                model->input_count);
        if (!found)
            return oct_fail(err, OCT_E_USAGE, "the model has no input '%s'", name);
    }
    return OCT_OK;
}

oct_status oct_keras_name_ends(oct_graph *graph, oct_subgraph *sub, const oct_keras_model *model,
    oct_error *err)
{
    OCT_TRY(name_outputs(graph, sub, model, err));
    return make_signature(graph, sub, model, err);
}
