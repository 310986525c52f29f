/*
 * Biases for layers without one: where the format allows a bias, a layer of zeros costs nothing but its
 * bytes and gives correction a place for what it finds.
 */
#include <stdio.h>

#include "quant/correct.h"

/* The slot of an operator's bias by its rule; -1: its kind has none. */
static int32_t bias_slot(const oct_node *node)
{
    const oct_quant_rule *rule = oct_node_rule(node);
    for (int32_t i = 0; i < rule->in_slots; i++)
        if (rule->in[i] == OCT_ROLE_BIAS)
            return i;
    return -1;
}

static bool lacks_bias(const oct_subgraph *sub, const oct_node *node, int32_t slot)
{
    const oct_op_def *def = oct_op_find(node->op);
    int32_t weight = oct_node_slot_with(node, OCT_ROLE_WEIGHT);
    return def != NULL && (def->traits & OCT_TRAIT_LINEAR) != 0 && slot >= 0 && weight >= 0 &&
           node->input_count >= slot && (node->input_count == slot || node->inputs[slot] < 0) &&
           sub->tensors[node->inputs[weight]]->data != NULL &&
           oct_tensor_is_float(sub->tensors[node->inputs[weight]]);
}

static oct_status add_bias(
    oct_graph *graph, oct_subgraph *sub, oct_node *node, int32_t slot, oct_error *err)
{
    const oct_tensor *weights = sub->tensors[node->inputs[oct_node_slot_with(node, OCT_ROLE_WEIGHT)]];
    int32_t axis = oct_node_rule(node)->weight_axis, index;
    int32_t rows = weights->dims[axis < 0 ? 0 : axis];
    char name[256], label[224];
    snprintf(name, sizeof name, "%s/bias", oct_tensor_label(sub, node->outputs[0], label, sizeof label));
    float *zeros = oct_arena_array(&graph->arena, (size_t)rows, sizeof *zeros);
    int32_t *inputs = oct_arena_array(&graph->arena, (size_t)slot + 1, sizeof *inputs);
    if (zeros == NULL || inputs == NULL)
        return oct_fail_memory(err, (size_t)rows * sizeof *zeros, "a bias");
    OCT_TRY(oct_graph_add_constant(graph, sub, name, OCT_FLOAT32, 1, &rows, zeros, &index, err));
    for (int32_t i = 0; i < slot; i++)
        inputs[i] = node->inputs[i];
    inputs[slot] = index;
    if (node->input_count <= slot) {
        node->inputs = inputs;
        node->input_count = slot + 1;
    } else {
        node->inputs[slot] = index;
    }
    return OCT_OK;
}

oct_status oct_add_biases(oct_graph *graph, oct_error *err)
{
    oct_subgraph *sub = graph->subgraphs[0];
    for (int32_t i = 0; i < sub->node_count; i++) {
        int32_t slot = bias_slot(sub->nodes[i]);
        if (lacks_bias(sub, sub->nodes[i], slot))
            OCT_TRY(add_bias(graph, sub, sub->nodes[i], slot, err));
    }
    return OCT_OK;
}
