/*
 * Folds multiplications and additions of constants in front of a dense layer or a convolution.
 *
 *   W (x * s) + b = (W s) x + b        W (x + t) + b = W x + (b + W t)
 *
 * Where padding adds zeros behind the addition the second is not true, so it is done only for dense
 * layers and convolutions that pad nothing. As TFLiteConverter does, a convolution takes in scalars only.
 */
#include "passes/list.h"
#include "passes/match.h"

/* The operand layout both cases share: rows of input channels, one row (or window) per output channel. */
typedef struct target {
    oct_node *node;
    const oct_tensor *weights, *bias; /* bias may be NULL */
    int32_t weight_slot, bias_slot, outputs, inputs;
    bool dense, pads;
} target;

static bool is_constant_f32(const oct_tensor *tensor)
{
    return tensor != NULL && tensor->data != NULL && tensor->type == OCT_FLOAT32;
}

static bool pads_nothing(const oct_node *node, const oct_tensor *weights)
{
    const oct_conv2d_options *o = node->options;
    return o->padding == OCT_PADDING_VALID ||
        (weights->dims[1] == 1 && weights->dims[2] == 1);
}

static bool find_target(const oct_subgraph *sub, oct_node *node, target *t)
{
    const oct_op_def *def = oct_op_find(node->op);
    if (def == NULL || (def->traits & OCT_TRAIT_LINEAR) == 0)
        return false;
    t->node = node;
    t->weight_slot = oct_node_slot(def, OCT_ROLE_WEIGHT);
    t->bias_slot = oct_node_slot(def, OCT_ROLE_BIAS);
    t->weights = oct_node_in(sub, node, t->weight_slot);
    t->bias = oct_node_in(sub, node, t->bias_slot);
    if (!is_constant_f32(t->weights) || (t->bias != NULL && !is_constant_f32(t->bias)))
        return false;
    t->dense = node->options_type == OCT_OPTIONS_FullyConnected && t->weights->rank == 2;
    if (!t->dense && (node->options_type != OCT_OPTIONS_Conv2D || t->weights->rank != 4))
        return false;
    t->outputs = t->weights->dims[0];
    t->inputs = t->weights->dims[t->weights->rank - 1];
    t->pads = !t->dense && !pads_nothing(node, t->weights);
    return t->bias == NULL || oct_tensor_elements(t->bias) == t->outputs;
}

static oct_status scale_weights(oct_graph *graph, oct_subgraph *sub, const target *t,
    oct_channel_constant c, oct_error *err)
{
    const float *from = t->weights->data;
    float *to;
    OCT_TRY(oct_new_like(graph, sub, t->weights, &to, &t->node->inputs[t->weight_slot], err));
    int64_t count = oct_tensor_elements(t->weights);
    for (int64_t i = 0; i < count; i++)
        to[i] = from[i] * c.data[c.step * (i % t->inputs)];
    oct_graph_rest(graph, from, t->weights->size);
    return OCT_OK;
}

/* b + sign W t; the sums are long, so they are made in double and rounded once. */
static oct_status shift_bias(oct_graph *graph, oct_subgraph *sub, const target *t,
    oct_channel_constant c, float sign, oct_error *err)
{
    const float *w = t->weights->data, *from = t->bias->data;
    int64_t row = oct_tensor_elements(t->weights) / t->outputs;
    float *to;
    OCT_TRY(oct_new_like(graph, sub, t->bias, &to, &t->node->inputs[t->bias_slot], err));
    for (int32_t o = 0; o < t->outputs; o++) {
        double sum = 0;
        for (int64_t i = 0; i < row; i++)
            sum += (double)w[o * row + i] * (double)c.data[c.step * (i % t->inputs)];
        to[o] = from[o] + sign * (float)sum;
    }
    oct_graph_rest(graph, w, t->weights->size);
    return OCT_OK;
}

static oct_status apply(oct_graph *graph, oct_subgraph *sub, const target *t, oct_builtin op,
    oct_channel_constant c, bool *folded, oct_error *err)
{
    bool adds = op == OCT_OP_ADD || op == OCT_OP_SUB;
    *folded = op == OCT_OP_MUL || (adds && !t->pads && t->bias != NULL);
    if (!*folded || t->outputs == 0)
        return OCT_OK;
    return adds ? shift_bias(graph, sub, t, c, op == OCT_OP_SUB ? -1.f : 1.f, err) :
                  scale_weights(graph, sub, t, c, err);
}

static oct_status fold(oct_graph *graph, oct_subgraph *sub, int32_t at, bool *folded, oct_error *err)
{
    target t;
    *folded = false;
    if (!find_target(sub, sub->nodes[at], &t))
        return OCT_OK;
    int32_t from = oct_sole_producer(sub, t.node->inputs[0]), variable;
    oct_node *node = from < 0 ? NULL : sub->nodes[from];
    const oct_tensor *constant;
    oct_channel_constant c;
    if (node == NULL || !oct_split_binary(sub, node, node->op != OCT_OP_SUB, &variable, &constant) ||
        !oct_tensor_same_shape(sub->tensors[variable], sub->tensors[node->outputs[0]]) ||
        !oct_read_channels(constant, t.inputs, &c) || (!t.dense && c.step != 0))
        return OCT_OK;
    const oct_tensor *in = sub->tensors[variable];
    if (in->rank == 0 || (c.step != 0 && in->dims[in->rank - 1] != t.inputs))
        return OCT_OK;
    const int8_t *activation = oct_node_activation(node);
    if (activation != NULL && *activation != OCT_ACT_NONE)
        return OCT_OK;
    OCT_TRY(apply(graph, sub, &t, node->op, c, folded, err));
    if (*folded) {
        t.node->inputs[0] = variable;
        oct_graph_remove_node(sub, from);
    }
    return OCT_OK;
}

oct_status oct_pass_fold_before(oct_graph *graph, oct_subgraph *sub, int32_t *changed,
    oct_error *err)
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
