/*
 * Layers of the user's own: the public face of a call.
 *
 * Tensors are numbers of the subgraph, checked here, since they come back from code that is not ours.
 */
#include <octavo/layer.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "keras/layer.h"

struct oct_layer {
    oct_keras_call *call;
    char *config;       /* JSON text; NULL until it is asked for */
    oct_node *last;     /* emitted last */
    bool returned;
};

const char *oct_layer_name(const oct_layer *layer)
{
    return layer->call->layer->name;
}

const char *oct_layer_config(const oct_layer *layer)
{
    return layer->config;
}

int32_t oct_layer_input_count(const oct_layer *layer)
{
    return layer->call->input_count;
}

int32_t oct_layer_input(const oct_layer *layer, int32_t index)
{
    return layer->call->inputs[index];
}

int32_t oct_layer_shape(const oct_layer *layer, int32_t tensor, int32_t dims[8])
{
    oct_keras_shape shape = oct_keras_shape_of(layer->call, tensor);
    memcpy(dims, shape.dims, (size_t)shape.rank * sizeof *dims);
    return shape.rank;
}

int32_t oct_layer_weight_count(const oct_layer *layer)
{
    return layer->call->layer->variable_count;
}

int32_t oct_layer_weight_shape(const oct_layer *layer, int32_t index, int32_t dims[8])
{
    const oct_h5_dataset *set = &layer->call->layer->variables[index].set;
    for (int32_t i = 0; i < set->rank; i++)
        dims[i] = (int32_t)set->dims[i];
    return set->rank;
}

void oct_layer_weight_read(const oct_layer *layer, int32_t index, float *values)
{
    const oct_h5_dataset *set = &layer->call->layer->variables[index].set;
    oct_h5_dataset_floats(set, 0, set->elements, values);
}

oct_status oct_layer_weight(oct_layer *layer, int32_t index, int32_t *tensor, oct_error *err)
{
    const oct_keras_layer *from = layer->call->layer;
    int64_t dims[8];
    if (index < 0 || index >= from->variable_count)
        return oct_fail(err, OCT_E_INVALID, "has %d arrays; number %d was asked for",
            from->variable_count, index);
    for (int32_t i = 0; i < 8; i++)
        dims[i] = -1;
    return oct_keras_constant_variable(layer->call, from->variables[index].name,
        from->variables[index].set.rank, dims, tensor, err);
}

static oct_status add_constant(oct_layer *layer, oct_type type, int32_t rank, const int32_t *dims,
    const void *values, int32_t *tensor, oct_error *err)
{
    oct_keras_call *call = layer->call;
    bool good = rank >= 0 && rank <= 8;
    for (int32_t i = 0; good && i < rank; i++)
        good = dims[i] > 0;
    if (!good)
        return oct_fail(err, OCT_E_USAGE, "a constant needs a rank from 0 to 8 and sizes above 0");
    return oct_graph_add_constant(call->graph, call->sub, call->path, type, rank, dims, values, tensor,
        err);
}

oct_status oct_layer_constant(oct_layer *layer, int32_t rank, const int32_t *dims,
    const float *values, int32_t *tensor, oct_error *err)
{
    return add_constant(layer, OCT_FLOAT32, rank, dims, values, tensor, err);
}

oct_status oct_layer_constant_int(oct_layer *layer, int32_t rank, const int32_t *dims,
    const int32_t *values, int32_t *tensor, oct_error *err)
{
    return add_constant(layer, OCT_INT32, rank, dims, values, tensor, err);
}

static bool find_builtin(const char *name, oct_builtin *out)
{
    for (int32_t op = 0; op < 256; op++) {
        const char *known = oct_builtin_name((oct_builtin)op);
        if (known != NULL && strcmp(known, name) == 0) {
            *out = (oct_builtin)op;
            return true;
        }
    }
    return false;
}

/* "CONV_2D" and "Conv2D": the table of an operator's options is called like it, as a rule. */
static bool same_words(const char *op, const char *table)
{
    for (; *op != 0; op++) {
        if (*op == '_')
            continue;
        if (tolower((unsigned char)*op) != tolower((unsigned char)*table))
            return false;
        table++;
    }
    return *table == 0;
}

static oct_options_type find_options(const char *op)
{
    static const struct { const char *name; oct_options_type type; } tables[] = {
        { "AVERAGE_POOL_2D", OCT_OPTIONS_Pool2D }, { "MAX_POOL_2D", OCT_OPTIONS_Pool2D },
        { "L2_POOL_2D", OCT_OPTIONS_Pool2D }, { "MEAN", OCT_OPTIONS_Reducer },
        { "SUM", OCT_OPTIONS_Reducer }, { "REDUCE_MAX", OCT_OPTIONS_Reducer },
        { "REDUCE_MIN", OCT_OPTIONS_Reducer }, { "REDUCE_PROD", OCT_OPTIONS_Reducer },
        { "REDUCE_ANY", OCT_OPTIONS_Reducer }, { "REDUCE_ALL", OCT_OPTIONS_Reducer },
        { "MAXIMUM", OCT_OPTIONS_MaximumMinimum }, { "MINIMUM", OCT_OPTIONS_MaximumMinimum },
        { "CONV_3D_TRANSPOSE", OCT_OPTIONS_Conv3D },
#define OCT_OPTION(set, value, Name, name, ...) { #Name, OCT_OPTIONS_##Name },
#define OCT_OPTION_EMPTY(set, value, Name, name) { #Name, OCT_OPTIONS_##Name },
#include "graph/options.def"
#undef OCT_OPTION
#undef OCT_OPTION_EMPTY
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        if (same_words(op, tables[i].name) || strcmp(op, tables[i].name) == 0)
            return tables[i].type;
    return OCT_OPTIONS_NONE;
}

oct_status oct_layer_emit(oct_layer *layer, const char *op, const int32_t *inputs,
    int32_t input_count, int32_t rank, const int32_t *dims, int32_t *tensor, oct_error *err)
{
    oct_keras_call *call = layer->call;
    oct_keras_shape shape = { .rank = rank };
    oct_builtin builtin;
    if (!find_builtin(op, &builtin))
        return oct_fail(err, OCT_E_USAGE, "emits '%s', which is no operator of TensorFlow Lite", op);
    if (input_count < 1 || inputs[0] < 0)
        return oct_fail(err, OCT_E_USAGE, "emits %s without an input", op);
    for (int32_t i = 0; i < input_count; i++)
        if (inputs[i] < -1 || inputs[i] >= call->sub->tensor_count)
            return oct_fail(err, OCT_E_USAGE, "emits %s with an input %d that does not exist", op, i);
    if (dims == NULL)
        shape = oct_keras_shape_of(call, inputs[0]);
    else if (rank < 0 || rank > 8)
        return oct_fail(err, OCT_E_USAGE, "emits %s of rank %d", op, rank);
    else
        memcpy(shape.dims, dims, (size_t)rank * sizeof *dims);
    OCT_TRY(oct_keras_emit(call, builtin, inputs, input_count, find_options(op),
        oct_keras_type_of(call, inputs[0]), &shape, tensor, NULL, err));
    layer->last = call->sub->nodes[call->sub->node_count - 1];
    return OCT_OK;
}

static bool set_field(void *slot, oct_field_kind kind, double value)
{
    switch (kind) {
    case OCT_KIND_bool:
        *(bool *)slot = value != 0;
        return true;
    case OCT_KIND_i32:
        *(int32_t *)slot = (int32_t)value;
        return true;
    case OCT_KIND_u32:
        *(uint32_t *)slot = (uint32_t)value;
        return true;
    case OCT_KIND_f32:
        *(float *)slot = (float)value;
        return true;
    case OCT_KIND_padding:
    case OCT_KIND_activation:
    case OCT_KIND_type:
    case OCT_KIND_mirror_pad:
        *(int8_t *)slot = (int8_t)value;
        return true;
    default:
        return false;
    }
}

oct_status oct_layer_set(oct_layer *layer, const char *option, double value, oct_error *err)
{
    const oct_node *node = layer->last;
    const oct_record *record = node == NULL ? NULL : oct_options_record(node->options_type);
    for (uint16_t i = 0; record != NULL && i < record->field_count; i++)
        if (strcmp(record->fields[i].name, option) == 0 && value >= INT32_MIN && value <= INT32_MAX &&
            set_field((char *)node->options + record->fields[i].offset, record->fields[i].kind, value))
            return OCT_OK;
    return oct_fail(err, OCT_E_USAGE, "%s has no option '%s' that could be %g",
        node == NULL ? "no operator" : oct_builtin_name(node->op), option, value);
}

oct_status oct_layer_return(oct_layer *layer, const int32_t *tensors, int32_t count, oct_error *err)
{
    if (count < 1)
        return oct_fail(err, OCT_E_USAGE, "returns no tensor");
    for (int32_t i = 0; i < count; i++)
        if (tensors[i] < 0 || tensors[i] >= layer->call->sub->tensor_count)
            return oct_fail(err, OCT_E_USAGE, "returns a tensor %d that does not exist", i);
    OCT_TRY(oct_keras_several(layer->call, count, err));
    memcpy(layer->call->outputs, tensors, (size_t)count * sizeof *tensors);
    layer->returned = true;
    return OCT_OK;
}

oct_status oct_keras_lower_user(oct_keras_call *call, const oct_layer_class *user, int32_t *y,
    oct_error *err)
{
    oct_layer layer = { .call = call, .config = json_dumps(call->config, JSON_COMPACT | JSON_ENCODE_ANY) };
    if (layer.config == NULL)
        return oct_fail_memory(err, 64, "the configuration of a layer");
    oct_status status = user->lower(&layer, user->user, err);
    free(layer.config);
    if (status == OCT_OK && !layer.returned)
        status = oct_fail(err, OCT_E_USAGE, "the function for its class returned no tensor");
    if (status == OCT_OK)
        *y = call->outputs[0];
    return status;
}
