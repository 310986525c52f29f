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
    int32_t mask;     /* Keras passes it along with them; OCT_KERAS_UNMASKED: none */
} values;

typedef struct builder {
    oct_graph *graph;
    oct_subgraph *sub;
    oct_arena *arena;
    const oct_load_options *options;
    const oct_backing *file;
    int32_t calls; /* lowered so far: models that call models twice each grow exponentially */
} builder;

enum { MAX_CALLS = 1 << 16, RESTED_BYTES = 1 << 20 };

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
    const int32_t *masks;     /* theirs */
} frame;

static oct_status build_model(builder *b, oct_keras_model *model, const char *prefix,
    const int32_t *arguments, const int32_t *masks, values *out, oct_error *err);

static const char *call_path(const frame *f, const oct_keras_layer *layer, int32_t index)
{
    return index == 0 ? oct_arena_format(f->b->arena, "%s%s", f->prefix, layer->name)
                      : oct_arena_format(f->b->arena, "%s%s_%d", f->prefix, layer->name, index);
}

static int32_t number_of(const frame *f, oct_keras_ref ref)
{
    return f->first_call[ref.layer] + ref.call;
}

static oct_status lookup(const frame *f, oct_keras_ref ref, int32_t *tensor, oct_error *err)
{
    const values *from = &f->results[number_of(f, ref)];
    if (ref.output >= from->count)
        return oct_fail(err, OCT_E_INVALID, "layer '%s' has no output %d",
            f->model->layers[ref.layer].name, ref.output);
    *tensor = from->tensors[ref.output];
    return OCT_OK;
}

/* ---- calls ---- */

static oct_status lower_input(frame *f, oct_keras_layer *layer, int32_t *tensor, int32_t *mask,
    oct_error *err)
{
    *mask = OCT_KERAS_UNMASKED;
    int32_t position = (int32_t)(layer - f->model->layers);
    for (int32_t i = 0; i < f->model->input_count; i++)
        if (f->model->inputs[i].layer == position && f->arguments != NULL) {
            *tensor = f->arguments[i];
            *mask = f->masks[i];
            return OCT_OK;
        }
    if (f->arguments != NULL)
        return oct_fail(err, OCT_E_INVALID, "'%s' is not among the inputs of the model '%s'",
            layer->name, f->model->name);
    return oct_keras_make_input(f->b->graph, f->b->sub, f->model, layer, f->b->options, tensor, err);
}

/* Layers whose work TensorFlow Lite leaves to TensorFlow's own operators. */
static bool looks_up(const oct_keras_layer *layer)
{
    static const char *const names[] = { "TextVectorization", "StringLookup", "IntegerLookup", "Hashing",
        "HashedCrossing" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(layer->class_name, names[i]) == 0)
            return layer->module == NULL || strncmp(layer->module, "keras.layers", 12) == 0;
    return false;
}

static oct_status refuse(const oct_keras_layer *layer, oct_error *err)
{
    const char *module = layer->module == NULL ? "not named in the file" : layer->module;
    if (strcmp(layer->class_name, "Lambda") == 0)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "layer '%s' is a Lambda: its Python code cannot be imported; replace it by a Keras layer "
            "or keras.ops and save again",
            layer->name);
    if (looks_up(layer))
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "layer '%s' (%s) looks words or keys up, which TensorFlow Lite has no operators for; do it "
            "before the model and save the part behind it",
            layer->name, layer->class_name);
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
        "layer '%s': '%s' is a custom layer or not supported (module %s, registered as %s); "
        "octavo/layer.h tells how to register it",
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

/* A layer's arrays were read; those of large ones need not stay in memory. */
static void rest_variables(const builder *b, const oct_keras_layer *layer)
{
    for (int32_t i = 0; i < layer->variable_count; i++) {
        const oct_h5_dataset *set = &layer->variables[i].set;
        size_t bytes = (size_t)set->elements * (size_t)set->element_bytes;
        if (layer->variables[i].bound && set->bytes != NULL && bytes >= RESTED_BYTES)
            oct_backing_rest(b->file, set->bytes, bytes);
    }
}

static oct_status lower_layer(frame *f, oct_keras_layer *layer, int32_t index,
    const oct_keras_argument *arguments, int32_t argument_count, const int32_t *inputs,
    const int32_t *masks, int32_t input_count, values *out, oct_error *err)
{
    int32_t *y = out->tensors;
    if (strcmp(layer->class_name, "InputLayer") == 0)
        return lower_input(f, layer, y, &out->mask, err);
    if (layer->def == NULL && layer->user == NULL)
        return refuse(layer, err);
    if (input_count == 0)
        return oct_fail(err, OCT_E_INVALID, "layer '%s' (%s) has no input", layer->name,
            layer->class_name);
    oct_keras_call call = { .graph = f->b->graph, .sub = f->b->sub, .layer = layer,
        .config = layer->config, .path = call_path(f, layer, index),
        .variant = layer->def == NULL ? 0 : layer->def->variant, .scope = "", .keras2 = f->model->keras2,
        .arguments = arguments, .argument_count = argument_count, .inputs = inputs,
        .masks = masks, .input_count = input_count };
    if (call.path == NULL)
        return oct_fail_memory(err, strlen(layer->name), "a name");
    int32_t first_new = f->b->sub->tensor_count;
    *y = inputs[0];
    oct_status status = layer->user != NULL ? oct_keras_lower_user(&call, layer->user, y, err)
                                            : oct_keras_lower_call(&call, layer->def, y, err);
    int32_t result = *y, mask = OCT_KERAS_UNMASKED;
    if (status == OCT_OK)
        status = oct_keras_result_mask(&call, layer->def, &mask, err);
    if (status != OCT_OK)
        return oct_error_prefix(err, status, "layer '%s' (%s)", layer->name, layer->class_name);
    rest_variables(f->b, layer);
    if (call.outputs != NULL)
        *out = (values){ .tensors = call.outputs, .count = call.output_count };
    out->mask = mask;
    return name_result(f, call.path, first_new, result, err);
}

/* Masks given by the file stand before those that come with the inputs. */
static oct_status resolve(const frame *f, const oct_keras_node *node, oct_keras_argument *arguments,
    int32_t *inputs, int32_t *masks, int32_t *input_count, oct_error *err)
{
    int32_t given = 0;
    *input_count = 0;
    for (int32_t i = 0; i < node->operand_count; i++) {
        const oct_keras_operand *operand = &node->operands[i];
        bool is_mask = operand->keyword != NULL && strcmp(operand->keyword, "mask") == 0;
        arguments[i] = (oct_keras_argument){ .keyword = operand->keyword, .value = operand->value };
        if (operand->value != NULL)
            continue;
        OCT_TRY(lookup(f, operand->ref, &arguments[i].tensor, err));
        if (is_mask)
            continue;
        masks[*input_count] = f->results[number_of(f, operand->ref)].mask;
        inputs[(*input_count)++] = arguments[i].tensor;
    }
    for (int32_t i = 0; i < node->operand_count; i++)
        if (arguments[i].keyword != NULL && strcmp(arguments[i].keyword, "mask") == 0 &&
            given < *input_count) {
            masks[given] = arguments[i].value == NULL ? arguments[i].tensor : masks[given];
            given++;
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
    int32_t *masks = oct_arena_array(f->b->arena, operands, sizeof *masks);
    int32_t *tensor = oct_arena_array(f->b->arena, 1, sizeof *tensor);
    if (arguments == NULL || inputs == NULL || masks == NULL || tensor == NULL)
        return oct_fail_memory(err, operands * sizeof *arguments, "the operands of a layer");
    int32_t input_count;
    OCT_TRY(resolve(f, node, arguments, inputs, masks, &input_count, err));
    values *out = &f->results[number];
    if (layer->nested != NULL) {
        const char *path = call_path(f, layer, index);
        const char *prefix = path == NULL ? NULL : oct_arena_format(f->b->arena, "%s/", path);
        if (prefix == NULL)
            return oct_fail_memory(err, strlen(layer->name), "a name");
        if (input_count != layer->nested->input_count)
            return oct_fail(err, OCT_E_INVALID, "model '%s' takes %d inputs, but is called with %d",
                layer->name, layer->nested->input_count, input_count);
        return build_model(f->b, layer->nested, prefix, inputs, masks, out, err);
    }
    *out = (values){ .tensors = tensor, .count = 1, .mask = OCT_KERAS_UNMASKED };
    return lower_layer(f, layer, index, arguments, node->operand_count, inputs, masks, input_count, out,
        err);
}

/* ---- order ---- */

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
    const int32_t *arguments, const int32_t *masks, values *out, oct_error *err)
{
    frame f = { .b = b, .model = model, .prefix = prefix, .arguments = arguments, .masks = masks };
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
        .count = model->output_count, .mask = OCT_KERAS_UNMASKED };
    if (out->tensors == NULL)
        return oct_fail_memory(err, count * sizeof(int32_t), "the outputs of a model");
    for (int32_t i = 0; i < model->output_count; i++) {
        OCT_TRY(lookup(&f, model->outputs[i], &out->tensors[i], err));
        int32_t mask = f.results[number_of(&f, model->outputs[i])].mask;
        if (mask != OCT_KERAS_UNMASKED) /* a model of several results has one mask for all here */
            out->mask = model->output_count == 1 ? mask : OCT_KERAS_UNKNOWN_MASK;
    }
    if (arguments != NULL)
        return OCT_OK;
    for (int32_t i = 0; i < model->input_count; i++)
        OCT_TRY(lookup(&f, model->inputs[i], &b->sub->inputs[i], err));
    return OCT_OK;
}

oct_status oct_keras_build(oct_arena *arena, oct_keras_model *model, const oct_load_options *options,
    const oct_backing *file, oct_graph *graph, oct_error *err)
{
    builder b = { .graph = graph, .arena = arena, .options = options, .file = file };
    values outputs;
    OCT_TRY(oct_keras_check_shapes(model, options, err));
    OCT_TRY(oct_graph_add_subgraph(graph, "main", &b.sub, err));
    b.sub->inputs = oct_arena_array(&graph->arena, (size_t)model->input_count, sizeof(int32_t));
    if (b.sub->inputs == NULL)
        return oct_fail_memory(err, (size_t)model->input_count * sizeof(int32_t), "the inputs");
    OCT_TRY(build_model(&b, model, "", NULL, NULL, &outputs, err));
    b.sub->input_count = model->input_count;
    b.sub->outputs = oct_arena_copy(&graph->arena, outputs.tensors,
        (size_t)outputs.count * sizeof(int32_t));
    if (b.sub->outputs == NULL)
        return oct_fail_memory(err, (size_t)outputs.count * sizeof(int32_t), "the outputs");
    b.sub->output_count = outputs.count;
    return oct_keras_name_ends(graph, b.sub, model, err);
}
