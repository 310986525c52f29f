/*
 * Folds multiplications and additions of constants behind a convolution-like operator into its weights
 * and bias: this is how batch normalisation disappears.
 *
 *   (W x + b) * s = (W s) x + b s        (W x + b) + t = W x + (b + t)
 *
 * in float32 and one factor at a time, which gives TFLiteConverter's own bits. A view in between (the
 * RESHAPE of a one-dimensional convolution) does not disturb as long as channels stay last.
 */
#include "passes/list.h"
#include "passes/match.h"

#include <string.h>

/* to[i] = from[i] op constant[step * i] for a row; from may be to. */
typedef void (*row_function)(float *to, const float *from, const float *constant, int32_t step,
    int64_t count);

typedef struct arithmetic {
    oct_builtin op;
    bool commutes, scales;
    row_function apply;
} arithmetic;

#define ROW_FUNCTION(name, operator)                                                               \
    static void name(float *to, const float *from, const float *constant, int32_t step,            \
        int64_t count)                                                                             \
    {                                                                                              \
        for (int64_t i = 0; i < count; i++)                                                        \
            to[i] = from[i] operator constant[step * i];                                           \
    }

ROW_FUNCTION(multiply, *)
ROW_FUNCTION(divide, /)
ROW_FUNCTION(add, +)
ROW_FUNCTION(subtract, -)

static const arithmetic kinds[] = {
    { OCT_OP_MUL, true, true, multiply },
    { OCT_OP_DIV, false, true, divide },
    { OCT_OP_ADD, true, false, add },
    { OCT_OP_SUB, false, false, subtract },
};

static const arithmetic *find_arithmetic(oct_builtin op)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].op == op)
            return &kinds[i];
    return NULL;
}

/* A convolution-like node whose result, perhaps seen through views, is one tensor. */
typedef struct linear {
    oct_node *node;   /* the operator itself */
    oct_node *last;   /* makes the tensor: node, or the last view behind it */
    int32_t weight_slot, bias_slot, axis, channels;
} linear;

static int32_t last_dim(const oct_tensor *tensor)
{
    return tensor->rank == 0 ? 1 : tensor->dims[tensor->rank - 1];
}

static bool find_linear(const oct_subgraph *sub, int32_t tensor, linear *out)
{
    int32_t channels = last_dim(sub->tensors[tensor]);
    out->last = NULL;
    for (;;) {
        int32_t at = oct_sole_producer(sub, tensor);
        const oct_op_def *def = at < 0 ? NULL : oct_op_find(sub->nodes[at]->op);
        if (def == NULL || last_dim(sub->tensors[tensor]) != channels)
            return false;
        out->node = sub->nodes[at];
        if (out->last == NULL)
            out->last = out->node;
        if ((def->traits & OCT_TRAIT_LINEAR) != 0) {
            out->weight_slot = oct_node_slot(def, OCT_ROLE_WEIGHT);
            out->bias_slot = oct_node_slot(def, OCT_ROLE_BIAS);
            out->axis = def->quant.weight_axis;
            out->channels = channels;
            return true;
        }
        if ((def->traits & OCT_TRAIT_VIEW) == 0)
            return false;
        tensor = out->node->inputs[0];
    }
}

/* Float constants of the size the operator needs, and no activation that would come in between. */
static bool can_fold(const oct_subgraph *sub, const linear *conv)
{
    const oct_tensor *weights = oct_node_in(sub, conv->node, conv->weight_slot);
    const oct_tensor *bias = oct_node_in(sub, conv->node, conv->bias_slot);
    const int8_t *activation = oct_node_activation(conv->node);
    if (activation == NULL || *activation != OCT_ACT_NONE || weights == NULL ||
        weights->data == NULL || weights->type != OCT_FLOAT32 || conv->axis < 0 ||
        conv->axis >= weights->rank || weights->dims[conv->axis] != conv->channels)
        return false;
    return bias == NULL || (bias->data != NULL && bias->type == OCT_FLOAT32 &&
                               oct_tensor_elements(bias) == conv->channels);
}

static oct_status change_weights(oct_graph *graph, oct_subgraph *sub, const linear *conv,
    const arithmetic *kind, oct_channel_constant c, oct_error *err)
{
    const oct_tensor *old = oct_node_in(sub, conv->node, conv->weight_slot);
    const float *from = old->data;
    float *to;
    OCT_TRY(oct_new_like(graph, sub, old, &to, &conv->node->inputs[conv->weight_slot], err));
    int64_t inner = 1, count = oct_tensor_elements(old);
    for (int32_t i = conv->axis + 1; i < old->rank; i++)
        inner *= old->dims[i];
    int64_t outer = inner * conv->channels;
    for (int64_t i = 0; inner == 1 && i < count; i += outer) /* channels lie side by side */
        kind->apply(to + i, from + i, c.data, c.step, outer);
    for (int64_t i = 0; inner != 1 && i < count; i += inner)
        kind->apply(to + i, from + i, c.data + c.step * (i % outer / inner), 0, inner);
    oct_graph_rest(graph, from, old->size);
    return OCT_OK;
}

/* The bias gets a slot of its own where the operator had left it out. */
static oct_status open_bias_slot(oct_graph *graph, const linear *conv, oct_error *err)
{
    oct_node *node = conv->node;
    if (node->input_count > conv->bias_slot)
        return OCT_OK;
    int32_t count = conv->bias_slot + 1;
    int32_t *inputs = oct_arena_array(&graph->arena, (size_t)count, sizeof *inputs);
    if (inputs == NULL)
        return oct_fail_memory(err, (size_t)count * sizeof *inputs, "inputs");
    memcpy(inputs, node->inputs, (size_t)node->input_count * sizeof *inputs);
    for (int32_t i = node->input_count; i < count; i++)
        inputs[i] = -1;
    node->inputs = inputs;
    node->input_count = count;
    return OCT_OK;
}

static oct_status change_bias(oct_graph *graph, oct_subgraph *sub, const linear *conv,
    const arithmetic *kind, oct_channel_constant c, const char *name, oct_error *err)
{
    const oct_tensor *old = oct_node_in(sub, conv->node, conv->bias_slot);
    if (old == NULL && kind->scales)
        return OCT_OK;
    OCT_TRY(open_bias_slot(graph, conv, err));
    const oct_tensor fresh = { .name = name, .type = OCT_FLOAT32, .rank = 1,
        .dims = (int32_t[]){ conv->channels } };
    const float *from = old == NULL ? NULL : old->data;
    float *to;
    OCT_TRY(oct_new_like(graph, sub, old == NULL ? &fresh : old, &to,
        &conv->node->inputs[conv->bias_slot], err));
    if (from == NULL)
        memset(to, 0, (size_t)conv->channels * sizeof *to);
    kind->apply(to, from == NULL ? to : from, c.data, c.step, conv->channels);
    return OCT_OK;
}

static oct_status fold(oct_graph *graph, oct_subgraph *sub, int32_t at, bool *folded, oct_error *err)
{
    oct_node *node = sub->nodes[at];
    const arithmetic *kind = find_arithmetic(node->op);
    const oct_tensor *constant;
    oct_channel_constant c;
    int32_t variable;
    linear conv;
    *folded = false;
    if (kind == NULL || !oct_split_binary(sub, node, kind->commutes, &variable, &constant) ||
        !oct_tensor_same_shape(sub->tensors[variable], sub->tensors[node->outputs[0]]) ||
        !find_linear(sub, variable, &conv) || !can_fold(sub, &conv) ||
        !oct_read_channels(constant, conv.channels, &c))
        return OCT_OK;
    const int8_t *after = oct_node_activation(node);
    if (kind->scales)
        OCT_TRY(change_weights(graph, sub, &conv, kind, c, err));
    OCT_TRY(change_bias(graph, sub, &conv, kind, c, constant->name, err));
    if (after != NULL)
        *oct_node_activation(conv.node) = *after;
    conv.last->outputs[0] = node->outputs[0];
    oct_graph_remove_node(sub, at);
    *folded = true;
    return OCT_OK;
}

oct_status oct_pass_fold_after(oct_graph *graph, oct_subgraph *sub, int32_t *changed, oct_error *err)
{
    for (int32_t i = 0; i < sub->node_count; i++) {
        bool folded;
        OCT_TRY(fold(graph, sub, i, &folded, err));
        if (folded) {
            (*changed)++;
            i--;
        }
    }
    return OCT_OK;
}
