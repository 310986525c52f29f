/*
 * Emitting into the graph: tensors with exact shapes, constants, and the operators that many layers use.
 */
#include "keras/build.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ELEMENTS = 1 << 30, MAX_NAME = 512 };

oct_status oct_keras_add_tensor(oct_graph *graph, oct_subgraph *sub, const char *name, oct_type type,
    const oct_keras_shape *shape, int32_t *tensor, oct_error *err)
{
    int32_t dims[8];
    int64_t elements = 1;
    bool dynamic = false;
    for (int32_t i = 0; i < shape->rank; i++) {
        dynamic |= shape->dims[i] == -1;
        dims[i] = shape->dims[i] == -1 ? 1 : shape->dims[i];
        elements *= dims[i];
        if (dims[i] < 1)
            return oct_fail(err, OCT_E_INVALID, "its output would have %d elements along axis %d",
                dims[i], i);
        if (elements > MAX_ELEMENTS)
            return oct_fail(err, OCT_E_INVALID, "its output would have over %d elements",
                MAX_ELEMENTS);
    }
    OCT_TRY(oct_graph_add_tensor(graph, sub, name, type, shape->rank, dims, tensor, err));
    if (!dynamic)
        return OCT_OK;
    size_t bytes = (size_t)shape->rank * sizeof(int32_t);
    sub->tensors[*tensor]->signature = oct_arena_copy(&graph->arena, shape->dims, bytes);
    return sub->tensors[*tensor]->signature == NULL ? oct_fail_memory(err, bytes, "a shape") : OCT_OK;
}

oct_keras_shape oct_keras_shape_of(const oct_keras_call *call, int32_t tensor)
{
    const oct_tensor *from = call->sub->tensors[tensor];
    const int32_t *dims = from->signature != NULL ? from->signature : from->dims;
    oct_keras_shape shape = { .rank = from->rank };
    for (int32_t i = 0; i < from->rank; i++)
        shape.dims[i] = dims[i];
    return shape;
}

oct_type oct_keras_type_of(const oct_keras_call *call, int32_t tensor)
{
    return call->sub->tensors[tensor]->type;
}

int64_t oct_keras_elements(const oct_keras_shape *shape, int32_t first)
{
    int64_t elements = 1;
    for (int32_t i = first; i < shape->rank; i++) {
        if (shape->dims[i] < 0)
            return -1;
        elements *= shape->dims[i];
    }
    return elements;
}

oct_status oct_keras_require_known(const oct_keras_shape *shape, int32_t first, oct_error *err)
{
    if (oct_keras_elements(shape, first) < 0)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "needs a known size, but the model's input size is open; give the input shape");
    return OCT_OK;
}

oct_status oct_keras_require_rank(const oct_keras_call *call, int32_t tensor, int32_t rank,
    oct_error *err)
{
    int32_t found = call->sub->tensors[tensor]->rank;
    if (found != rank)
        return oct_fail(err, OCT_E_INVALID, "expected an input of rank %d, found rank %d", rank, found);
    return OCT_OK;
}

oct_status oct_keras_new_output(oct_keras_call *call, oct_builtin op, oct_type type,
    const oct_keras_shape *shape, int32_t *y, oct_error *err)
{
    char name[MAX_NAME];
    size_t length = (size_t)snprintf(name, sizeof name, "%s/", call->path);
    const char *op_name = oct_builtin_name(op);
    for (; *op_name != 0 && length < sizeof name - 1; op_name++)
        name[length++] = (char)tolower(*op_name);
    name[length < sizeof name ? length : sizeof name - 1] = 0;
    return oct_keras_add_tensor(call->graph, call->sub, name, type, shape, y, err);
}

oct_status oct_keras_emit_node(oct_keras_call *call, oct_builtin op, const int32_t *inputs,
    int32_t input_count, const int32_t *outputs, int32_t output_count, oct_options_type options_type,
    void *options, oct_error *err)
{
    oct_node *node;
    OCT_TRY(oct_graph_insert_node(call->graph, call->sub, call->sub->node_count, op, inputs,
        input_count, outputs, output_count, options_type, &node, err));
    if (options != NULL)
        *(void **)options = node->options;
    return OCT_OK;
}

oct_status oct_keras_emit(oct_keras_call *call, oct_builtin op, const int32_t *inputs,
    int32_t input_count, oct_options_type options_type, oct_type type, const oct_keras_shape *shape,
    int32_t *y, void *options, oct_error *err)
{
    int32_t output;
    OCT_TRY(oct_keras_new_output(call, op, type, shape, &output, err));
    OCT_TRY(oct_keras_emit_node(call, op, inputs, input_count, &output, 1, options_type, options, err));
    *y = output;
    return OCT_OK;
}

oct_status oct_keras_several(oct_keras_call *call, int32_t count, oct_error *err)
{
    size_t bytes = (size_t)count * sizeof(int32_t);
    call->outputs = oct_arena_array(&call->graph->arena, (size_t)count, sizeof(int32_t));
    call->output_count = count;
    return call->outputs == NULL ? oct_fail_memory(err, bytes, "the outputs of a layer") : OCT_OK;
}

oct_status oct_keras_emit_unary(oct_keras_call *call, oct_builtin op, oct_options_type options_type,
    int32_t x, int32_t *y, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    return oct_keras_emit(call, op, &x, 1, options_type, oct_keras_type_of(call, x), &shape, y, NULL,
        err);
}

oct_status oct_keras_broadcast(const oct_keras_shape *a, const oct_keras_shape *b,
    oct_keras_shape *out, oct_error *err)
{
    out->rank = a->rank > b->rank ? a->rank : b->rank;
    for (int32_t i = 1; i <= out->rank; i++) {
        int32_t p = i > a->rank ? 1 : a->dims[a->rank - i], q = i > b->rank ? 1 : b->dims[b->rank - i];
        if (p > 1 && q > 1 && p != q)
            return oct_fail(err, OCT_E_INVALID, "its inputs have %d and %d elements along axis -%d", p,
                q, i);
        /* An unknown size meets a known one above 1: they must be equal when the model runs. */
        out->dims[out->rank - i] = p > 1 || q == 1 ? p : q > 1 || p == 1 ? q : -1;
    }
    return OCT_OK;
}

/* Table of the options each two-operand operator carries. */
static oct_options_type binary_options(oct_builtin op)
{
    static const struct { oct_builtin op; oct_options_type options; } table[] = {
        { OCT_OP_ADD, OCT_OPTIONS_Add }, { OCT_OP_SUB, OCT_OPTIONS_Sub },
        { OCT_OP_MUL, OCT_OPTIONS_Mul }, { OCT_OP_DIV, OCT_OPTIONS_Div },
        { OCT_OP_MAXIMUM, OCT_OPTIONS_MaximumMinimum },
        { OCT_OP_MINIMUM, OCT_OPTIONS_MaximumMinimum }, { OCT_OP_POW, OCT_OPTIONS_Pow },
        { OCT_OP_SQUARED_DIFFERENCE, OCT_OPTIONS_SquaredDifference },
        { OCT_OP_EQUAL, OCT_OPTIONS_Equal }, { OCT_OP_NOT_EQUAL, OCT_OPTIONS_NotEqual },
        { OCT_OP_LESS, OCT_OPTIONS_Less }, { OCT_OP_LESS_EQUAL, OCT_OPTIONS_LessEqual },
        { OCT_OP_GREATER, OCT_OPTIONS_Greater }, { OCT_OP_GREATER_EQUAL, OCT_OPTIONS_GreaterEqual },
        { OCT_OP_LOGICAL_AND, OCT_OPTIONS_LogicalAnd }, { OCT_OP_LOGICAL_OR, OCT_OPTIONS_LogicalOr },
        { OCT_OP_FLOOR_DIV, OCT_OPTIONS_FloorDiv }, { OCT_OP_FLOOR_MOD, OCT_OPTIONS_FloorMod }
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].op == op)
            return table[i].options;
    return OCT_OPTIONS_NONE;
}

oct_status oct_keras_emit_binary(oct_keras_call *call, oct_builtin op, int32_t a, int32_t b,
    int32_t *y, oct_error *err)
{
    oct_keras_shape left = oct_keras_shape_of(call, a), right = oct_keras_shape_of(call, b), shape;
    OCT_TRY(oct_keras_broadcast(&left, &right, &shape, err));
    if (oct_keras_type_of(call, a) != oct_keras_type_of(call, b))
        return oct_fail(err, OCT_E_UNSUPPORTED, "mixes %s and %s",
            oct_type_name(oct_keras_type_of(call, a)), oct_type_name(oct_keras_type_of(call, b)));
    int32_t inputs[] = { a, b };
    bool compares = op == OCT_OP_EQUAL || op == OCT_OP_NOT_EQUAL || op == OCT_OP_LESS ||
                    op == OCT_OP_LESS_EQUAL || op == OCT_OP_GREATER || op == OCT_OP_GREATER_EQUAL;
    oct_type type = compares ? OCT_BOOL : oct_keras_type_of(call, a);
    return oct_keras_emit(call, op, inputs, 2, binary_options(op), type, &shape, y, NULL, err);
}

oct_status oct_keras_constant_scalar(oct_keras_call *call, float value, int32_t *tensor,
    oct_error *err)
{
    char name[MAX_NAME];
    int32_t no_dims = 0;
    snprintf(name, sizeof name, "%s/%.7g", call->path, (double)value);
    return oct_graph_add_constant(call->graph, call->sub, name, OCT_FLOAT32, 0, &no_dims, &value,
        tensor, err);
}

oct_status oct_keras_emit_scalar(oct_keras_call *call, oct_builtin op, int32_t x, float number,
    int32_t *y, oct_error *err)
{
    int32_t constant;
    OCT_TRY(oct_keras_constant_scalar(call, number, &constant, err));
    return oct_keras_emit_binary(call, op, x, constant, y, err);
}

oct_status oct_keras_constant_ints(oct_keras_call *call, const char *suffix, int32_t count,
    const int32_t *values, int32_t *tensor, oct_error *err)
{
    char name[MAX_NAME];
    snprintf(name, sizeof name, "%s/%s", call->path, suffix);
    return oct_graph_add_constant(call->graph, call->sub, name, OCT_INT32, 1, &count, values, tensor,
        err);
}

oct_status oct_keras_constant_int(oct_keras_call *call, const char *suffix, int32_t value,
    int32_t *tensor, oct_error *err)
{
    char name[MAX_NAME];
    int32_t no_dims = 0;
    snprintf(name, sizeof name, "%s/%s", call->path, suffix);
    return oct_graph_add_constant(call->graph, call->sub, name, OCT_INT32, 0, &no_dims, &value, tensor,
        err);
}

oct_status oct_keras_constant_floats(oct_keras_call *call, const char *suffix, int32_t rank,
    const int32_t *dims, float **values, int32_t *tensor, oct_error *err)
{
    oct_keras_layer *layer = call->layer;
    *values = NULL;
    char name[MAX_NAME];
    snprintf(name, sizeof name, "%s%s", call->scope, suffix);
    for (int32_t i = 0; i < layer->made_count; i++)
        if (layer->made[i].sub == call->sub && strcmp(layer->made[i].name, name) == 0) {
            *tensor = layer->made[i].tensor;
            return OCT_OK;
        }
    const char *key = oct_arena_text(&call->graph->arena, name, strlen(name));
    if (key == NULL)
        return oct_fail_memory(err, strlen(name), "a name");
    snprintf(name, sizeof name, "%s/%s", call->path, key);
    OCT_TRY(oct_graph_add_tensor(call->graph, call->sub, name, OCT_FLOAT32, rank, dims, tensor, err));
    oct_tensor *made = call->sub->tensors[*tensor];
    int64_t bytes = oct_tensor_bytes(made);
    if (bytes < 0)
        return oct_fail(err, OCT_E_INVALID, "%s is too large", suffix);
    *values = oct_graph_new_bytes(call->graph, (size_t)bytes);
    if (*values == NULL)
        return oct_fail_memory(err, (size_t)bytes, name);
    made->data = *values;
    made->size = (size_t)bytes;
    if (layer->made_count < OCT_KERAS_MAX_MADE)
        layer->made[layer->made_count++] =
            (oct_keras_made){ .name = key, .sub = call->sub, .tensor = *tensor };
    return OCT_OK;
}

oct_status oct_keras_constant_variable(oct_keras_call *call, const char *name, int32_t rank,
    int64_t *dims, int32_t *tensor, oct_error *err)
{
    const oct_h5_dataset *set;
    int32_t sizes[8];
    float *values;
    OCT_TRY(oct_keras_weight(call, name, rank, dims, &set, err));
    for (int32_t i = 0; i < rank; i++)
        sizes[i] = (int32_t)dims[i];
    OCT_TRY(oct_keras_constant_floats(call, name, rank, sizes, &values, tensor, err));
    if (values != NULL)
        oct_h5_dataset_floats(set, 0, set->elements, values);
    return OCT_OK;
}

oct_status oct_keras_emit_reshape(oct_keras_call *call, int32_t x, const oct_keras_shape *shape,
    int32_t *y, oct_error *err)
{
    int32_t inputs[2] = { x };
    oct_keras_shape target = *shape;
    OCT_TRY(oct_keras_require_known(shape, 1, err));
    if (target.rank > 0)
        target.dims[0] = -1;
    OCT_TRY(oct_keras_constant_ints(call, "shape", target.rank, target.dims, &inputs[1], err));
    return oct_keras_emit(call, OCT_OP_RESHAPE, inputs, 2, OCT_OPTIONS_Reshape,
        oct_keras_type_of(call, x), shape, y, NULL, err);
}

oct_status oct_keras_emit_transpose(oct_keras_call *call, int32_t x, const int32_t *perm, int32_t *y,
    oct_error *err)
{
    oct_keras_shape from = oct_keras_shape_of(call, x), shape = from;
    int32_t inputs[2] = { x };
    for (int32_t i = 0; i < from.rank; i++)
        shape.dims[i] = from.dims[perm[i]];
    OCT_TRY(oct_keras_constant_ints(call, "perm", from.rank, perm, &inputs[1], err));
    return oct_keras_emit(call, OCT_OP_TRANSPOSE, inputs, 2, OCT_OPTIONS_Transpose,
        oct_keras_type_of(call, x), &shape, y, NULL, err);
}

oct_status oct_keras_emit_pad(oct_keras_call *call, int32_t x, int32_t sides[][2], int32_t *y,
    oct_error *err)
{
    return oct_keras_emit_pad_with(call, x, sides, 0, y, err);
}

oct_status oct_keras_emit_pad_with(oct_keras_call *call, int32_t x, int32_t sides[][2], float fill,
    int32_t *y, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    int32_t inputs[3] = { x }, flat[16], dims[2] = { shape.rank, 2 };
    bool any = false;
    for (int32_t i = 0; i < shape.rank; i++) {
        int64_t size = (int64_t)shape.dims[i] + sides[i][0] + sides[i][1];
        if (size > INT32_MAX)
            return oct_fail(err, OCT_E_INVALID, "pads by too much");
        if (shape.dims[i] >= 0)
            shape.dims[i] = (int32_t)size;
        flat[2 * i] = sides[i][0];
        flat[2 * i + 1] = sides[i][1];
        any |= sides[i][0] > 0 || sides[i][1] > 0;
    }
    *y = x;
    if (!any)
        return OCT_OK;
    char name[MAX_NAME];
    snprintf(name, sizeof name, "%s/paddings", call->path);
    OCT_TRY(oct_graph_add_constant(call->graph, call->sub, name, OCT_INT32, 2, dims, flat, &inputs[1],
        err));
    if (fill == 0)
        return oct_keras_emit(call, OCT_OP_PAD, inputs, 2, OCT_OPTIONS_Pad,
            oct_keras_type_of(call, x), &shape, y, NULL, err);
    OCT_TRY(oct_keras_constant_scalar(call, fill, &inputs[2], err));
    return oct_keras_emit(call, OCT_OP_PADV2, inputs, 3, OCT_OPTIONS_PadV2, oct_keras_type_of(call, x),
        &shape, y, NULL, err);
}

oct_status oct_keras_emit_cast(oct_keras_call *call, int32_t x, oct_type type, int32_t *y,
    oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    oct_type from = oct_keras_type_of(call, x);
    oct_cast_options *options;
    *y = x;
    if (from == type)
        return OCT_OK;
    OCT_TRY(oct_keras_emit(call, OCT_OP_CAST, &x, 1, OCT_OPTIONS_Cast, type, &shape, y, &options,
        err));
    options->in_data_type = (int8_t)from;
    options->out_data_type = (int8_t)type;
    return OCT_OK;
}

oct_status oct_keras_emit_reduce(oct_keras_call *call, oct_builtin op, int32_t x, const int32_t *axes,
    int32_t axis_count, bool keep_dims, int32_t *y, oct_error *err)
{
    oct_keras_shape from = oct_keras_shape_of(call, x), shape = { 0 };
    int32_t inputs[2] = { x };
    for (int32_t i = 0; i < from.rank; i++) {
        bool reduced = false;
        for (int32_t k = 0; k < axis_count; k++)
            reduced |= axes[k] == i;
        if (!reduced || keep_dims)
            shape.dims[shape.rank++] = reduced ? 1 : from.dims[i];
    }
    OCT_TRY(oct_keras_constant_ints(call, "axes", axis_count, axes, &inputs[1], err));
    oct_reducer_options *options;
    OCT_TRY(oct_keras_emit(call, op, inputs, 2, OCT_OPTIONS_Reducer, oct_keras_type_of(call, x),
        &shape, y, &options, err));
    options->keep_dims = keep_dims;
    return OCT_OK;
}

oct_status oct_keras_emit_matmul(oct_keras_call *call, int32_t a, int32_t b, bool adj_a, bool adj_b,
    int32_t *y, oct_error *err)
{
    int32_t inputs[2] = { a, b };
    oct_keras_shape left = oct_keras_shape_of(call, a), right = oct_keras_shape_of(call, b), shape;
    if (left.rank < 2 || right.rank < 2)
        return oct_fail(err, OCT_E_UNSUPPORTED, "multiplies matrices of rank %d and %d", left.rank,
            right.rank);
    int32_t rows = left.dims[left.rank - 1 - !adj_a], depth = left.dims[left.rank - 1 - adj_a];
    int32_t inner = right.dims[right.rank - 1 - !adj_b], columns = right.dims[right.rank - 1 - adj_b];
    if (depth >= 0 && inner >= 0 && depth != inner)
        return oct_fail(err, OCT_E_INVALID, "multiplies rows of %d and columns of %d", depth, inner);
    left.rank -= 2;
    right.rank -= 2;
    OCT_TRY(oct_keras_broadcast(&left, &right, &shape, err));
    shape.dims[shape.rank++] = rows;
    shape.dims[shape.rank++] = columns;
    oct_batch_matmul_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_BATCH_MATMUL, inputs, 2, OCT_OPTIONS_BatchMatMul,
        oct_keras_type_of(call, a), &shape, y, &options, err));
    options->adj_x = adj_a;
    options->adj_y = adj_b;
    return OCT_OK;
}

int32_t oct_keras_window(int32_t in, int32_t kernel, int32_t stride, int32_t dilation, bool same)
{
    int64_t effective = ((int64_t)kernel - 1) * dilation + 1;
    if (in < 0)
        return -1;
    if (same)
        return (int32_t)(((int64_t)in + stride - 1) / stride);
    return in < effective ? 0 : (int32_t)((in - effective) / stride + 1);
}
