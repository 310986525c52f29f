/*
 * The configuration becomes layers and calls.
 *
 * A trap the dialects set: a nested model's own definition counts as its call 0 in Keras 2, and in the
 * output list of Keras 3 functional models; elsewhere its first use is call 0 (see shift_of).
 */
#include "keras/layer.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NESTING = 24 };

typedef struct parser {
    oct_arena *arena;
    oct_keras_model *model;
    json_t *index; /* layer name -> position */
    const oct_load_options *options;
    int depth;
} parser;

static oct_status parse_model(oct_arena *arena, const json_t *root, bool keras2,
    const oct_load_options *options, int depth, oct_keras_model **out, oct_error *err);

static const char *copy_text(oct_arena *arena, const char *text)
{
    return text == NULL ? NULL : oct_arena_text(arena, text, strlen(text));
}

static bool is_model_class(const char *class_name)
{
    return strcmp(class_name, "Functional") == 0 || strcmp(class_name, "Sequential") == 0 ||
           strcmp(class_name, "Model") == 0;
}

/* Weights in 16 bits are widened; quantized layers have other variables. */
static oct_status check_policy(const oct_keras_layer *layer, oct_error *err)
{
    const json_t *dtype = json_object_get(layer->config, "dtype");
    const char *kind = json_is_object(dtype) ? oct_keras_text(dtype, "class_name", "") : "";
    if (*kind != 0 && strcmp(kind, "DTypePolicy") != 0 && strcmp(kind, "Policy") != 0)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "layer '%s' has the dtype policy %s: its weights are quantized already; save the float "
            "model, which octavo can quantize",
            layer->name, kind);
    return OCT_OK;
}

static bool looks_like_operation(const oct_keras_layer *layer)
{
    if (layer->module != NULL)
        return strstr(layer->module, "src.ops") != NULL || strcmp(layer->module, "keras.ops") == 0;
    /* Legacy files name no module: layers say whether they are trainable, operations do not. */
    return strcmp(layer->class_name, "InputLayer") != 0 &&
           json_object_get(layer->config, "trainable") == NULL &&
           oct_keras_def_find(OCT_KERAS_OPERATION, layer->class_name) != NULL;
}

/* A user's own class may have the name of one of Keras's: its module or registered name tells. */
static const char *known_name(const oct_keras_layer *layer)
{
    static const char *const ours[] = { "keras", "tf_keras", "tensorflow" };
    if (layer->module == NULL)
        return layer->registered_name != NULL ? layer->registered_name : layer->class_name;
    size_t length = strcspn(layer->module, ".");
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strlen(ours[i]) == length && memcmp(layer->module, ours[i], length) == 0)
            return layer->class_name;
    return "";
}

/* What a wrapper holds, unless it is not known here, or a wrapper itself other than an RNN. */
static void find_inner(oct_keras_layer *layer)
{
    const json_t *entry = oct_keras_held_entry(layer->config);
    oct_keras_layer held = { .class_name = oct_keras_text(entry, "class_name", ""),
        .module = oct_keras_text(entry, "module", NULL),
        .registered_name = oct_keras_text(entry, "registered_name", NULL) };
    const oct_keras_def *def = oct_keras_def_find(OCT_KERAS_LAYER, known_name(&held));
    bool is_rnn = def != NULL && def->lower == oct_keras_lower_recurrent;
    layer->inner = def != NULL && oct_keras_def_wraps(def) && !is_rnn ? NULL : def;
}

static void find_definition(oct_keras_layer *layer)
{
    layer->is_operation = looks_like_operation(layer);
    if (strcmp(layer->class_name, "TFOpLambda") == 0 ||
        strcmp(layer->class_name, "SlicingOpLambda") == 0)
        layer->def = oct_keras_def_find(OCT_KERAS_FUNCTION,
            oct_keras_text(layer->config, "function", ""));
    else
        layer->def = oct_keras_def_find(
            layer->is_operation ? OCT_KERAS_OPERATION : OCT_KERAS_LAYER, known_name(layer));
    if (layer->def != NULL && oct_keras_def_wraps(layer->def))
        find_inner(layer);
}

/* The user's class of a layer, by its registered name or by its bare one. */
static const oct_layer_class *find_user_class(const parser *p, const oct_keras_layer *layer)
{
    for (int32_t i = 0; p->options != NULL && i < p->options->layer_count; i++) {
        const char *name = p->options->layers[i].name;
        if (strcmp(name, layer->class_name) == 0 ||
            (layer->registered_name != NULL && strcmp(name, layer->registered_name) == 0))
            return &p->options->layers[i];
    }
    return NULL;
}

static oct_status parse_layer(parser *p, const json_t *entry, oct_keras_layer *layer, oct_error *err)
{
    static const char *const no_text = "";
    const json_t *config = json_object_get(entry, "config");
    const char *class_name = oct_keras_text(entry, "class_name", NULL);
    if (class_name == NULL || !(json_is_object(config) || json_is_array(config)))
        return oct_fail(err, OCT_E_INVALID, "model '%s': layer %d has no class or configuration",
            p->model->name, (int)(layer - p->model->layers));
    const char *name = oct_keras_text(entry, "name", oct_keras_text(config, "name", no_text));
    layer->name = copy_text(p->arena, name);
    layer->class_name = class_name;
    layer->module = oct_keras_text(entry, "module", NULL);
    layer->registered_name = oct_keras_text(entry, "registered_name", NULL);
    layer->config = config;
    layer->entry = entry;
    layer->trainable = oct_keras_flag(config, "trainable", true);
    if (layer->name == NULL)
        return oct_fail_memory(err, strlen(name), "a layer");
    layer->user = find_user_class(p, layer);
    if (layer->user != NULL)
        return OCT_OK;
    if (is_model_class(class_name))
        return parse_model(p->arena, entry, p->model->keras2, p->options, p->depth + 1, &layer->nested,
            err);
    OCT_TRY(check_policy(layer, err));
    find_definition(layer);
    return layer->def == NULL ? OCT_OK : oct_keras_declare(p->arena, layer, err);
}

/* How much the file's call numbers of a nested model lie above ours. */
static int32_t shift_of(const oct_keras_model *model, const oct_keras_layer *layer, bool in_outputs)
{
    if (layer->nested == NULL)
        return 0;
    return model->keras2 || (in_outputs && !layer->nested->sequential) ? 1 : 0;
}

/* ["layer", call, output]: anything else is not a reference. */
static bool find_reference(const parser *p, const json_t *value, bool in_outputs, oct_keras_ref *ref)
{
    const char *name = json_string_value(json_array_get(value, 0));
    const json_t *call = json_array_get(value, 1), *output = json_array_get(value, 2);
    if (name == NULL || !json_is_integer(call) || !json_is_integer(output))
        return false;
    const json_t *position = json_object_get(p->index, name);
    if (position == NULL)
        return false;
    ref->layer = (int32_t)json_integer_value(position);
    const oct_keras_layer *layer = &p->model->layers[ref->layer];
    json_int_t shifted = json_integer_value(call) - shift_of(p->model, layer, in_outputs);
    if (shifted < 0)
        shifted = 0;
    if (shifted >= layer->node_count || json_integer_value(output) < 0 ||
        json_integer_value(output) > INT32_MAX)
        return false;
    ref->call = (int32_t)shifted;
    ref->output = (int32_t)json_integer_value(output);
    return true;
}

static oct_status add_operand(parser *p, oct_keras_node *node, oct_keras_operand operand,
    oct_error *err)
{
    if (node->operand_count == node->operand_capacity) {
        int32_t capacity = node->operand_capacity == 0 ? 2 : 2 * node->operand_capacity;
        oct_keras_operand *grown = oct_arena_array(p->arena, (size_t)capacity, sizeof *grown);
        if (grown == NULL)
            return oct_fail_memory(err, (size_t)capacity * sizeof *grown, "the operands of a layer");
        if (node->operand_count > 0)
            memcpy(grown, node->operands, (size_t)node->operand_count * sizeof *grown);
        node->operands = grown;
        node->operand_capacity = capacity;
    }
    node->operands[node->operand_count++] = operand;
    return OCT_OK;
}

static const json_t *tensor_leaf(const json_t *value)
{
    if (strcmp(oct_keras_text(value, "class_name", ""), "__keras_tensor__") != 0)
        return NULL;
    return json_object_get(json_object_get(value, "config"), "keras_history");
}

static bool is_tensor(const parser *p, const json_t *value)
{
    oct_keras_ref ref;
    return tensor_leaf(value) != NULL || find_reference(p, value, false, &ref);
}

static oct_status add_tensor(parser *p, const oct_keras_layer *layer, oct_keras_node *node,
    const char *keyword, const json_t *value, oct_error *err)
{
    oct_keras_operand operand = { .keyword = keyword };
    const json_t *leaf = tensor_leaf(value);
    if (!find_reference(p, leaf != NULL ? leaf : value, false, &operand.ref))
        return oct_fail(err, OCT_E_INVALID, "layer '%s': an input refers to no layer of the model",
            layer->name);
    return add_operand(p, node, operand, err);
}

/* An argument: a tensor, a list of tensors (which is spread out), or a constant. */
static oct_status add_argument(parser *p, const oct_keras_layer *layer, oct_keras_node *node,
    const char *keyword, const json_t *value, oct_error *err)
{
    if (is_tensor(p, value))
        return add_tensor(p, layer, node, keyword, value, err);
    bool any = false, all = json_array_size(value) > 0;
    for (size_t i = 0; i < json_array_size(value); i++) {
        bool here = is_tensor(p, json_array_get(value, i));
        any |= here;
        all &= here;
    }
    if (!any) {
        oct_keras_operand operand = { .keyword = keyword, .value = value };
        return add_operand(p, node, operand, err);
    }
    if (!all)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "layer '%s': an argument mixes tensors with other values", layer->name);
    for (size_t i = 0; i < json_array_size(value); i++)
        OCT_TRY(add_tensor(p, layer, node, keyword, json_array_get(value, i), err));
    return OCT_OK;
}

/* Masks come one an input: each is an operand of the keyword "mask", a constant null where there is none. */
static oct_status add_masks(parser *p, const oct_keras_layer *layer, oct_keras_node *node,
    const json_t *value, oct_error *err)
{
    if (!json_is_array(value) || is_tensor(p, value))
        return add_argument(p, layer, node, "mask", value, err);
    for (size_t i = 0; i < json_array_size(value); i++)
        OCT_TRY(add_argument(p, layer, node, "mask", json_array_get(value, i), err));
    return OCT_OK;
}

/* Layers take `training`, which never matters here, and `mask`. */
static oct_status add_keywords(parser *p, const oct_keras_layer *layer, oct_keras_node *node,
    const json_t *keywords, oct_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)keywords, key, value) {
        bool is_layer = !layer->is_operation && (layer->def == NULL ||
                                                    layer->def->kind == OCT_KERAS_LAYER);
        if (is_layer && strcmp(key, "mask") == 0)
            OCT_TRY(add_masks(p, layer, node, value, err));
        else if (!(is_layer && strcmp(key, "training") == 0))
            OCT_TRY(add_argument(p, layer, node, key, value, err));
    }
    return OCT_OK;
}

/* One Keras 2 argument: ["layer", call, output, {keywords}] or ["_CONSTANT_VALUE", -1, value, {...}]. */
static oct_status add_keras2_argument(parser *p, const oct_keras_layer *layer, oct_keras_node *node,
    const json_t *value, oct_error *err)
{
    const char *name = json_string_value(json_array_get(value, 0));
    if (name != NULL && strcmp(name, "_CONSTANT_VALUE") == 0)
        OCT_TRY(add_argument(p, layer, node, NULL, json_array_get(value, 2), err));
    else
        OCT_TRY(add_tensor(p, layer, node, NULL, value, err));
    return add_keywords(p, layer, node, json_array_get(value, 3), err);
}

static oct_status parse_node(parser *p, const oct_keras_layer *layer, const json_t *value,
    oct_keras_node *node, oct_error *err)
{
    if (json_is_object(value) && json_is_array(json_object_get(value, "args"))) {
        const json_t *args = json_object_get(value, "args");
        for (size_t i = 0; i < json_array_size(args); i++)
            OCT_TRY(add_argument(p, layer, node, NULL, json_array_get(args, i), err));
        return add_keywords(p, layer, node, json_object_get(value, "kwargs"), err);
    }
    if (!json_is_array(value))
        return oct_fail(err, OCT_E_UNSUPPORTED, "layer '%s': is called with named inputs",
            layer->name);
    if (json_is_string(json_array_get(value, 0)))
        return add_keras2_argument(p, layer, node, value, err);
    for (size_t i = 0; i < json_array_size(value); i++)
        OCT_TRY(add_keras2_argument(p, layer, node, json_array_get(value, i), err));
    return OCT_OK;
}

static oct_status make_nodes(parser *p, oct_keras_layer *layer, size_t count, oct_error *err)
{
    layer->nodes = oct_arena_array(p->arena, count, sizeof *layer->nodes);
    if (layer->nodes == NULL || count > INT32_MAX)
        return oct_fail_memory(err, count * sizeof *layer->nodes, "the calls of a layer");
    layer->node_count = (int32_t)count;
    return OCT_OK;
}

static oct_status parse_all_nodes(parser *p, oct_error *err)
{
    oct_keras_model *model = p->model;
    for (int32_t i = 0; i < model->layer_count; i++) {
        oct_keras_layer *layer = &model->layers[i];
        size_t calls = json_array_size(json_object_get(layer->entry, "inbound_nodes"));
        bool is_input = strcmp(layer->class_name, "InputLayer") == 0;
        OCT_TRY(make_nodes(p, layer, is_input ? 1 : calls, err));
    }
    for (int32_t i = 0; i < model->layer_count; i++) {
        oct_keras_layer *layer = &model->layers[i];
        const json_t *nodes = json_object_get(layer->entry, "inbound_nodes");
        for (size_t k = 0; k < json_array_size(nodes); k++)
            if (k < (size_t)layer->node_count)
                OCT_TRY(parse_node(p, layer, json_array_get(nodes, k), &layer->nodes[k], err));
    }
    return OCT_OK;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static oct_status add_end(parser *p, const json_t *value, bool in_outputs, const char *what,
    oct_keras_ref *ref, oct_error *err)
{
    if (!find_reference(p, value, in_outputs, ref))
        return oct_fail(err, OCT_E_INVALID, "model '%s': %s refer to no layer of the model",
            p->model->name, what);
    const oct_keras_layer *layer = &p->model->layers[ref->layer];
    if (!in_outputs && strcmp(layer->class_name, "InputLayer") != 0)
        return oct_fail(err, OCT_E_INVALID, "model '%s': its input '%s' is not an InputLayer",
            p->model->name, layer->name);
    return OCT_OK;
}

/* The ends of a functional model: one reference, a list of them, or an object by key (in key order). */
static oct_status parse_ends(parser *p, const json_t *value, const char *what, oct_keras_ref **out,
    int32_t *count, const char ***keys_out, oct_error *err)
{
    bool in_outputs = keys_out != NULL, single = json_is_string(json_array_get(value, 0));
    size_t total = single ? 1
                   : json_is_object(value) ? json_object_size(value)
                                           : json_array_size(value);
    oct_keras_ref *refs = oct_arena_array(p->arena, total, sizeof *refs);
    const char **keys = oct_arena_array(p->arena, total, sizeof *keys);
    if (refs == NULL || keys == NULL)
        return oct_fail_memory(err, total * sizeof *refs, "the ends of a model");
    if (total == 0)
        return oct_fail(err, OCT_E_INVALID, "model '%s' has no %s", p->model->name, what);
    if (single) {
        OCT_TRY(add_end(p, value, in_outputs, what, &refs[0], err));
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < total; i++)
            OCT_TRY(add_end(p, json_array_get(value, i), in_outputs, what, &refs[i], err));
    } else {
        size_t i = 0;
        const char *key;
        json_t *item;
        json_object_foreach ((json_t *)(uintptr_t)value, key, item)
            keys[i++] = key;
        qsort(keys, total, sizeof *keys, by_key);
        for (i = 0; i < total; i++)
            OCT_TRY(add_end(p, json_object_get(value, keys[i]), in_outputs, what, &refs[i], err));
        if (keys_out != NULL)
            *keys_out = keys;
    }
    *out = refs;
    *count = (int32_t)total;
    return OCT_OK;
}

static oct_status parse_layers(parser *p, const json_t *layers, int32_t offset, oct_error *err)
{
    for (size_t i = 0; i < json_array_size(layers); i++) {
        int32_t position = (int32_t)i + offset;
        oct_keras_layer *layer = &p->model->layers[position];
        OCT_TRY(parse_layer(p, json_array_get(layers, i), layer, err));
        json_t *number = json_integer(position);
        if (json_object_set_new(p->index, layer->name, number) != 0)
            return oct_fail_memory(err, sizeof *layer, "the layers of a model");
    }
    return OCT_OK;
}

static oct_status parse_functional(parser *p, const json_t *config, oct_error *err)
{
    oct_keras_model *model = p->model;
    OCT_TRY(parse_layers(p, json_object_get(config, "layers"), 0, err));
    OCT_TRY(parse_all_nodes(p, err));
    OCT_TRY(parse_ends(p, json_object_get(config, "input_layers"), "inputs", &model->inputs,
        &model->input_count, NULL, err));
    return parse_ends(p, json_object_get(config, "output_layers"), "outputs", &model->outputs,
        &model->output_count, &model->output_keys, err);
}

/* The layer that stands in for an InputLayer that the file left out: it takes the first layer's shape. */
static void stand_in_for_input(oct_keras_model *model)
{
    const oct_keras_layer *first = &model->layers[1];
    while (first->nested != NULL && first->nested->input_count > 0)
        first = &first->nested->layers[first->nested->inputs[0].layer];
    model->layers[0] = (oct_keras_layer){ .name = "input", .class_name = "InputLayer",
        .config = first->config, .entry = model->layers[1].entry, .trainable = true };
    find_definition(&model->layers[0]);
}

static oct_status parse_sequential(parser *p, const json_t *layers, oct_error *err)
{
    oct_keras_model *model = p->model;
    const char *first = oct_keras_text(json_array_get(layers, 0), "class_name", "");
    bool has_input = strcmp(first, "InputLayer") == 0;
    OCT_TRY(parse_layers(p, layers, !has_input, err));
    if (!has_input)
        stand_in_for_input(model);
    for (int32_t i = 0; i < model->layer_count; i++) {
        OCT_TRY(make_nodes(p, &model->layers[i], 1, err));
        oct_keras_operand previous = { .ref = { .layer = i - 1 } };
        if (i > 0)
            OCT_TRY(add_operand(p, &model->layers[i].nodes[0], previous, err));
    }
    model->inputs = oct_arena_array(p->arena, 1, sizeof *model->inputs);
    model->outputs = oct_arena_array(p->arena, 1, sizeof *model->outputs);
    if (model->inputs == NULL || model->outputs == NULL)
        return oct_fail_memory(err, sizeof *model->inputs, "the ends of a model");
    model->outputs[0].layer = model->layer_count - 1;
    model->input_count = model->output_count = 1;
    return OCT_OK;
}

static oct_status parse_body(parser *p, const json_t *config, oct_error *err)
{
    oct_keras_model *model = p->model;
    const json_t *layers = json_is_array(config) ? config : json_object_get(config, "layers");
    size_t count = json_array_size(layers);
    if (count == 0)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "model '%s' has no list of layers: a subclassed model is Python code and cannot be "
            "imported; build it with keras.Model(inputs, outputs) and save again",
            model->name);
    if (count >= INT32_MAX / 2)
        return oct_fail(err, OCT_E_INVALID, "model '%s' has too many layers", model->name);
    const char *first = oct_keras_text(json_array_get(layers, 0), "class_name", "");
    bool stands_in = model->sequential && strcmp(first, "InputLayer") != 0;
    model->layer_count = (int32_t)count + stands_in;
    model->layers = oct_arena_array(p->arena, count + stands_in, sizeof *model->layers);
    if (model->layers == NULL)
        return oct_fail_memory(err, count * sizeof *model->layers, "the layers of a model");
    return model->sequential ? parse_sequential(p, layers, err) : parse_functional(p, config, err);
}

static oct_status parse_model(oct_arena *arena, const json_t *root, bool keras2,
    const oct_load_options *options, int depth, oct_keras_model **out, oct_error *err)
{
    const char *class_name = oct_keras_text(root, "class_name", NULL);
    const json_t *config = json_object_get(root, "config");
    if (class_name == NULL || config == NULL || depth > MAX_NESTING)
        return oct_fail(err, OCT_E_INVALID, "the configuration does not describe a model");
    if (!is_model_class(class_name))
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "the model is of the class '%s'; only functional and sequential models can be imported: "
            "build it with keras.Model(inputs, outputs) and save again",
            class_name);
    oct_keras_model *model = oct_arena_alloc(arena, sizeof *model);
    json_t *index = json_object();
    oct_status status = OCT_OK;
    if (model == NULL || index == NULL)
        status = oct_fail_memory(err, sizeof *model, "a model");
    if (status == OCT_OK) {
        model->name = oct_keras_text(config, "name", "model");
        model->sequential = strcmp(class_name, "Sequential") == 0;
        model->keras2 = keras2;
        model->trainable = oct_keras_flag(config, "trainable", true);
        model->entry = root;
        parser p = { .arena = arena, .model = model, .index = index, .options = options,
            .depth = depth };
        status = parse_body(&p, config, err);
    }
    json_decref(index);
    if (status == OCT_OK)
        *out = model;
    return status;
}

oct_status oct_keras_model_parse(oct_arena *arena, const json_t *root, bool keras2,
    const oct_load_options *options, oct_keras_model **out, oct_error *err)
{
    *out = NULL;
    return parse_model(arena, root, keras2, options, 0, out, err);
}
