/*
 * A parsed model becomes a graph: calls are lowered in file order, each after what it needs.
 *
 * Files list shared layers before their later inputs, so the order is found by a walk with an explicit
 * stack (a hostile file must not choose our recursion depth). Calls that no output needs are left out.
 */
#include "keras/build.h"

#include <stdlib.h>
#include <string.h>

/* What a call gave: one tensor, or the outputs of a nested model. */
typedef struct values {
    int32_t *tensors; /* [count] */
    int32_t count;
} values;

typedef struct builder {
    oct_graph *graph;
    oct_subgraph *sub;
    oct_arena *arena;
    const oct_load_options *options;
    int32_t calls; /* lowered so far: models that call models twice each grow exponentially */
} builder;

enum { MAX_CALLS = 1 << 16 };

/* One model being lowered; a nested model called twice has two frames. */
typedef struct frame {
    builder *b;
    oct_keras_model *model;
    const char *prefix;       /* "block/" */
    int32_t *first_call;      /* [layer_count + 1]: calls of all layers are numbered through */
    int32_t *layer_of;        /* [calls] */
    uint8_t *needed;          /* [calls] */
    uint8_t *state;           /* [calls]: 0 not begun, 1 waits for its inputs, 2 lowered */
    int32_t *stack;           /* [calls] */
    values *results;          /* [calls] */
    const int32_t *arguments; /* tensors for the model's inputs; NULL: the root, which makes its own */
} frame;

static oct_status build_model(builder *b, oct_keras_model *model, const char *prefix,
    const int32_t *arguments, values *out, oct_error *err);

static const char *call_path(const frame *f, const oct_keras_layer *layer, int32_t index)
{
    return index == 0 ? oct_arena_format(f->b->arena, "%s%s", f->prefix, layer->name)
                      : oct_arena_format(f->b->arena, "%s%s_%d", f->prefix, layer->name, index);
}

static oct_status lookup(const frame *f, oct_keras_ref ref, int32_t *tensor, oct_error *err)
{
    const values *from = &f->results[f->first_call[ref.layer] + ref.call];
    if (ref.output >= from->count)
        return oct_fail(err, OCT_E_INVALID, "layer '%s' has no output %d",
            f->model->layers[ref.layer].name, ref.output);
    *tensor = from->tensors[ref.output];
    return OCT_OK;
}

/* ---- model inputs ---- */

static const oct_input_shape *shape_option(const frame *f, const oct_keras_layer *layer)
{
    const oct_load_options *options = f->b->options;
    for (int32_t i = 0; options != NULL && i < options->shape_count; i++) {
        const char *name = options->shapes[i].name;
        if (name == NULL ? f->model->input_count == 1 : strcmp(name, layer->name) == 0)
            return &options->shapes[i];
    }
    return NULL;
}

static oct_status apply_options(const frame *f, const oct_keras_layer *layer, oct_keras_shape *shape,
    oct_error *err)
{
    if (f->b->options == NULL)
        return OCT_OK;
    if (f->b->options->batch > 0 && shape->rank > 0)
        shape->dims[0] = f->b->options->batch;
    const oct_input_shape *asked = shape_option(f, layer);
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
static const json_t *find_input_shape(const frame *f, const oct_keras_layer *layer)
{
    const json_t *config = json_object_get(f->model->entry, "config");
    const json_t *candidates[] = { json_object_get(layer->config, "batch_shape"),
        json_object_get(layer->config, "batch_input_shape"),
        json_object_get(config, "build_input_shape"),
        json_object_get(json_object_get(f->model->entry, "build_config"), "input_shape") };
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++)
        if (json_is_array(candidates[i]))
            return candidates[i];
    return NULL;
}

static oct_status read_input_shape(const frame *f, const oct_keras_layer *layer,
    oct_keras_shape *shape, oct_error *err)
{
    const json_t *dims = find_input_shape(f, layer);
    if (dims == NULL)
        return oct_fail(err, OCT_E_INVALID,
            "model '%s' was never built: the file does not say the shape of its input",
            f->model->name);
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
    return apply_options(f, layer, shape, err);
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
    return oct_fail(err, OCT_E_UNSUPPORTED, "input '%s' is of the type %s", layer->name, name);
}

static oct_status make_input(const frame *f, const oct_keras_layer *layer, int32_t *tensor,
    oct_error *err)
{
    oct_keras_shape shape;
    oct_type type;
    OCT_TRY(read_input_shape(f, layer, &shape, err));
    OCT_TRY(read_input_type(layer, &type, err));
    if (oct_keras_flag(layer->config, "sparse", false) || oct_keras_flag(layer->config, "ragged", false))
        return oct_fail(err, OCT_E_UNSUPPORTED, "input '%s' is sparse or ragged", layer->name);
    const char *name = oct_arena_format(f->b->arena, "serving_default_%s:0", layer->name);
    if (name == NULL)
        return oct_fail_memory(err, strlen(layer->name), "a name");
    return oct_keras_add_tensor(f->b->graph, f->b->sub, name, type, &shape, tensor, err);
}

static oct_status lower_input(frame *f, oct_keras_layer *layer, int32_t *tensor, oct_error *err)
{
    int32_t position = (int32_t)(layer - f->model->layers);
    for (int32_t i = 0; i < f->model->input_count; i++)
        if (f->model->inputs[i].layer == position && f->arguments != NULL) {
            *tensor = f->arguments[i];
            return OCT_OK;
        }
    if (f->arguments != NULL)
        return oct_fail(err, OCT_E_INVALID, "'%s' is not among the inputs of the model '%s'",
            layer->name, f->model->name);
    return make_input(f, layer, tensor, err);
}

/* ---- calls ---- */

static oct_status refuse(const oct_keras_layer *layer, oct_error *err)
{
    const char *module = layer->module == NULL ? "not named in the file" : layer->module;
    if (strcmp(layer->class_name, "Lambda") == 0)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "layer '%s' is a Lambda: its Python code cannot be imported; replace it by a Keras layer "
            "or keras.ops and save again",
            layer->name);
    if (strcmp(layer->class_name, "TFOpLambda") == 0 ||
        strcmp(layer->class_name, "SlicingOpLambda") == 0)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "layer '%s' calls the TensorFlow function '%s', which is not supported", layer->name,
            oct_keras_text(layer->config, "function", ""));
    if (layer->is_operation)
        return oct_fail(err, OCT_E_UNSUPPORTED, "layer '%s': the operation %s (%s) is not supported",
            layer->name, layer->class_name, module);
    if (layer->module != NULL && strncmp(layer->module, "keras.layers", 12) == 0)
        return oct_fail(err, OCT_E_UNSUPPORTED, "layer '%s': the layer class %s is not supported",
            layer->name, layer->class_name);
    return oct_fail(err, OCT_E_UNSUPPORTED,
        "layer '%s': '%s' is a custom layer or not supported (module %s, registered as %s)",
        layer->name, layer->class_name, module,
        layer->registered_name == NULL ? "nothing" : layer->registered_name);
}

/* The last new tensors of a call carry its name. */
static oct_status name_result(const frame *f, const char *path, int32_t first_new, int32_t y,
    oct_error *err)
{
    if (y < first_new)
        return OCT_OK;
    f->b->sub->tensors[y]->name = oct_arena_text(&f->b->graph->arena, path, strlen(path));
    return f->b->sub->tensors[y]->name == NULL ? oct_fail_memory(err, strlen(path), "a name") : OCT_OK;
}

static oct_status lower_layer(frame *f, oct_keras_layer *layer, int32_t index,
    const oct_keras_argument *arguments, int32_t argument_count, const int32_t *inputs,
    int32_t input_count, int32_t *y, oct_error *err)
{
    if (strcmp(layer->class_name, "InputLayer") == 0)
        return lower_input(f, layer, y, err);
    if (layer->def == NULL)
        return refuse(layer, err);
    if (input_count == 0)
        return oct_fail(err, OCT_E_INVALID, "layer '%s' (%s) has no input", layer->name,
            layer->class_name);
    oct_keras_call call = { .graph = f->b->graph, .sub = f->b->sub, .layer = layer,
        .model = f->model, .config = layer->config, .path = call_path(f, layer, index),
        .variant = layer->def->variant, .keras2 = f->model->keras2,
        .masked = layer->nodes[index].masked, .arguments = arguments,
        .argument_count = argument_count, .inputs = inputs, .input_count = input_count };
    if (call.path == NULL)
        return oct_fail_memory(err, strlen(layer->name), "a name");
    int32_t first_new = f->b->sub->tensor_count;
    *y = inputs[0];
    oct_status status = layer->def->lower(&call, y, err);
    if (status != OCT_OK)
        return oct_error_prefix(err, status, "layer '%s' (%s)", layer->name, layer->class_name);
    return name_result(f, call.path, first_new, *y, err);
}

static oct_status resolve(const frame *f, const oct_keras_node *node, oct_keras_argument *arguments,
    int32_t *inputs, int32_t *input_count, oct_error *err)
{
    *input_count = 0;
    for (int32_t i = 0; i < node->operand_count; i++) {
        const oct_keras_operand *operand = &node->operands[i];
        arguments[i] = (oct_keras_argument){ .keyword = operand->keyword, .value = operand->value };
        if (operand->value == NULL) {
            OCT_TRY(lookup(f, operand->ref, &arguments[i].tensor, err));
            inputs[(*input_count)++] = arguments[i].tensor;
        }
    }
    return OCT_OK;
}

static oct_status lower_call(frame *f, int32_t number, oct_error *err)
{
    oct_keras_layer *layer = &f->model->layers[f->layer_of[number]];
    int32_t index = number - f->first_call[f->layer_of[number]];
    const oct_keras_node *node = &layer->nodes[index];
    if (f->b->calls++ == MAX_CALLS)
        return oct_fail(err, OCT_E_UNSUPPORTED, "the model has more than %d layer calls", MAX_CALLS);
    size_t operands = (size_t)node->operand_count;
    oct_keras_argument *arguments = oct_arena_array(f->b->arena, operands, sizeof *arguments);
    int32_t *inputs = oct_arena_array(f->b->arena, operands, sizeof *inputs);
    int32_t *tensor = oct_arena_array(f->b->arena, 1, sizeof *tensor);
    if (arguments == NULL || inputs == NULL || tensor == NULL)
        return oct_fail_memory(err, operands * sizeof *arguments, "the operands of a layer");
    int32_t input_count;
    OCT_TRY(resolve(f, node, arguments, inputs, &input_count, err));
    values *out = &f->results[number];
    if (layer->nested != NULL) {
        const char *path = call_path(f, layer, index);
        const char *prefix = path == NULL ? NULL : oct_arena_format(f->b->arena, "%s/", path);
        if (prefix == NULL)
            return oct_fail_memory(err, strlen(layer->name), "a name");
        if (input_count != layer->nested->input_count)
            return oct_fail(err, OCT_E_INVALID, "model '%s' takes %d inputs, but is called with %d",
                layer->name, layer->nested->input_count, input_count);
        return build_model(f->b, layer->nested, prefix, inputs, out, err);
    }
    *out = (values){ .tensors = tensor, .count = 1 };
    return lower_layer(f, layer, index, arguments, node->operand_count, inputs, input_count, tensor,
        err);
}

/* ---- order ---- */

static int32_t number_of(const frame *f, oct_keras_ref ref)
{
    return f->first_call[ref.layer] + ref.call;
}

static const oct_keras_node *node_of(const frame *f, int32_t number)
{
    const oct_keras_layer *layer = &f->model->layers[f->layer_of[number]];
    return &layer->nodes[number - f->first_call[f->layer_of[number]]];
}

static void mark_needed(frame *f)
{
    int32_t depth = 0;
    for (int32_t i = 0; i < f->model->output_count + f->model->input_count; i++) {
        bool is_output = i < f->model->output_count;
        int32_t number = number_of(f, is_output ? f->model->outputs[i]
                                                : f->model->inputs[i - f->model->output_count]);
        if (!f->needed[number]) {
            f->needed[number] = 1;
            f->stack[depth++] = number;
        }
    }
    while (depth > 0) {
        const oct_keras_node *node = node_of(f, f->stack[--depth]);
        for (int32_t i = 0; i < node->operand_count; i++) {
            if (node->operands[i].value != NULL)
                continue;
            int32_t number = number_of(f, node->operands[i].ref);
            if (!f->needed[number]) {
                f->needed[number] = 1;
                f->stack[depth++] = number;
            }
        }
    }
}

/* Pushes the inputs of a call that are not lowered yet. */
static oct_status push_inputs(frame *f, int32_t number, int32_t *depth, oct_error *err)
{
    const oct_keras_node *node = node_of(f, number);
    for (int32_t i = node->operand_count; i-- > 0;) {
        if (node->operands[i].value != NULL)
            continue;
        int32_t input = number_of(f, node->operands[i].ref);
        if (f->state[input] == 1)
            return oct_fail(err, OCT_E_INVALID, "layer '%s' depends on its own output",
                f->model->layers[f->layer_of[input]].name);
        if (f->state[input] == 0) {
            f->stack[(*depth)++] = input;
            return OCT_OK; /* one at a time: the stack never exceeds the number of calls */
        }
    }
    return OCT_OK;
}

static oct_status lower_with_inputs(frame *f, int32_t number, oct_error *err)
{
    int32_t depth = 0;
    f->stack[depth++] = number;
    while (depth > 0) {
        int32_t top = f->stack[depth - 1], before = depth;
        f->state[top] = 1;
        OCT_TRY(push_inputs(f, top, &depth, err));
        if (depth > before)
            continue;
        OCT_TRY(lower_call(f, top, err));
        f->state[top] = 2;
        depth--;
    }
    return OCT_OK;
}

static oct_status begin_frame(frame *f, oct_error *err)
{
    const oct_keras_model *model = f->model;
    int64_t calls = 0;
    for (int32_t i = 0; i < model->layer_count; i++)
        calls += model->layers[i].node_count;
    if (calls > INT32_MAX / 64)
        return oct_fail(err, OCT_E_INVALID, "model '%s' has too many calls", model->name);
    size_t count = (size_t)calls;
    oct_arena *arena = f->b->arena;
    f->first_call = oct_arena_array(arena, (size_t)model->layer_count + 1, sizeof(int32_t));
    f->layer_of = oct_arena_array(arena, count, sizeof(int32_t));
    f->needed = oct_arena_array(arena, count, 1);
    f->state = oct_arena_array(arena, count, 1);
    f->stack = oct_arena_array(arena, count, sizeof(int32_t));
    f->results = oct_arena_array(arena, count, sizeof(values));
    if (f->first_call == NULL || f->layer_of == NULL || f->needed == NULL || f->state == NULL ||
        f->stack == NULL || f->results == NULL)
        return oct_fail_memory(err, count * sizeof(values), "the calls of a model");
    for (int32_t i = 0, number = 0; i < model->layer_count; i++) {
        f->first_call[i] = number;
        for (int32_t k = 0; k < model->layers[i].node_count; k++)
            f->layer_of[number++] = i;
    }
    return OCT_OK;
}

static oct_status build_model(builder *b, oct_keras_model *model, const char *prefix,
    const int32_t *arguments, values *out, oct_error *err)
{
    frame f = { .b = b, .model = model, .prefix = prefix, .arguments = arguments };
    OCT_TRY(begin_frame(&f, err));
    mark_needed(&f);
    for (int32_t i = 0; i < model->layer_count; i++)
        for (int32_t k = 0; k < model->layers[i].node_count; k++) {
            int32_t number = f.first_call[i] + k;
            if (f.needed[number] && f.state[number] == 0)
                OCT_TRY(lower_with_inputs(&f, number, err));
        }
    size_t count = (size_t)model->output_count;
    *out = (values){ .tensors = oct_arena_array(b->arena, count, sizeof(int32_t)),
        .count = model->output_count };
    if (out->tensors == NULL)
        return oct_fail_memory(err, count * sizeof(int32_t), "the outputs of a model");
    for (int32_t i = 0; i < model->output_count; i++)
        OCT_TRY(lookup(&f, model->outputs[i], &out->tensors[i], err));
    if (arguments != NULL)
        return OCT_OK;
    for (int32_t i = 0; i < model->input_count; i++)
        OCT_TRY(lookup(&f, model->inputs[i], &b->sub->inputs[i], err));
    return OCT_OK;
}

/* ---- ends of the graph ---- */

static bool is_among(int32_t tensor, const int32_t *list, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        if (list[i] == tensor)
            return true;
    return false;
}

static const char *output_name(builder *b, const oct_keras_model *model, int32_t i)
{
    if (model->keras2) {
        const char *name = model->layers[model->outputs[i].layer].name;
        int32_t same = 0;
        for (int32_t k = 0; k < i; k++)
            same += model->outputs[k].layer == model->outputs[i].layer;
        return same == 0 ? oct_arena_format(&b->graph->arena, "%s", name)
                         : oct_arena_format(&b->graph->arena, "%s_%d", name, same);
    }
    if (model->output_keys != NULL)
        return oct_arena_format(&b->graph->arena, "%s", model->output_keys[i]);
    return oct_arena_format(&b->graph->arena, "output_%d", i);
}

static oct_status name_outputs(builder *b, const oct_keras_model *model, oct_error *err)
{
    const char *call = model->keras2 ? "StatefulPartitionedCall" : "StatefulPartitionedCall_1";
    for (int32_t i = 0; i < model->output_count; i++) {
        int32_t tensor = b->sub->outputs[i];
        if (is_among(tensor, b->sub->inputs, model->input_count) ||
            is_among(tensor, b->sub->outputs, i))
            continue;
        char *name = oct_arena_format(&b->graph->arena, "%s:%d", call, i);
        if (name == NULL)
            return oct_fail_memory(err, strlen(call), "a name");
        b->sub->tensors[tensor]->name = name;
    }
    return OCT_OK;
}

static oct_status make_signature(builder *b, const oct_keras_model *model, oct_error *err)
{
    oct_arena *arena = &b->graph->arena;
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
        signature->inputs[i].tensor = b->sub->inputs[i];
        if (signature->inputs[i].name == NULL)
            return oct_fail_memory(err, strlen(name), "the signature");
    }
    for (size_t i = 0; i < out; i++) {
        signature->outputs[i].name = output_name(b, model, (int32_t)i);
        signature->outputs[i].tensor = b->sub->outputs[i];
        if (signature->outputs[i].name == NULL)
            return oct_fail_memory(err, 0, "the signature");
    }
    signature->input_count = (int32_t)in;
    signature->output_count = (int32_t)out;
    b->graph->signatures = signature;
    b->graph->signature_count = 1;
    return OCT_OK;
}

static oct_status check_shape_names(const oct_keras_model *model, const oct_load_options *options,
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

oct_status oct_keras_build(oct_arena *arena, oct_keras_model *model, const oct_load_options *options,
    oct_graph *graph, oct_error *err)
{
    builder b = { .graph = graph, .arena = arena, .options = options };
    values outputs;
    OCT_TRY(check_shape_names(model, options, err));
    OCT_TRY(oct_graph_add_subgraph(graph, "main", &b.sub, err));
    b.sub->inputs = oct_arena_array(&graph->arena, (size_t)model->input_count, sizeof(int32_t));
    if (b.sub->inputs == NULL)
        return oct_fail_memory(err, (size_t)model->input_count * sizeof(int32_t), "the inputs");
    OCT_TRY(build_model(&b, model, "", NULL, &outputs, err));
    b.sub->input_count = model->input_count;
    b.sub->outputs = oct_arena_copy(&graph->arena, outputs.tensors,
        (size_t)outputs.count * sizeof(int32_t));
    if (b.sub->outputs == NULL)
        return oct_fail_memory(err, (size_t)outputs.count * sizeof(int32_t), "the outputs");
    b.sub->output_count = outputs.count;
    OCT_TRY(name_outputs(&b, model, err));
    return make_signature(&b, model, err);
}
