/*
 * A rectifier behind an operator that can do it itself moves into that operator's options.
 */
#include "passes/list.h"
#include "passes/match.h"

static oct_activation activation_of(oct_builtin op)
{
    switch (op) {
    case OCT_OP_RELU:
        return OCT_ACT_RELU;
    case OCT_OP_RELU6:
        return OCT_ACT_RELU6;
    case OCT_OP_RELU_N1_TO_1:
        return OCT_ACT_RELU_N1_TO_1;
    default:
        return OCT_ACT_NONE;
    }
}

static bool fuse(oct_subgraph *sub, int32_t at)
{
    const oct_node *node = sub->nodes[at];
    oct_activation activation = activation_of(node->op);
    if (activation == OCT_ACT_NONE)
        return false;
    int32_t from = oct_sole_producer(sub, node->inputs[0]);
    if (from < 0 || sub->nodes[from]->output_count != 1)
        return false;
    int8_t *field = oct_node_activation(sub->nodes[from]);
    const oct_tensor *value = sub->tensors[node->inputs[0]];
    if (field == NULL || *field != OCT_ACT_NONE || value->type != OCT_FLOAT32)
        return false;
    *field = (int8_t)activation;
    sub->nodes[from]->outputs[0] = node->outputs[0];
    oct_graph_remove_node(sub, at);
    return true;
}

oct_status oct_pass_fuse_relu(oct_graph *graph, oct_subgraph *sub, int32_t *changed, oct_error *err)
{
    (void)graph;
    (void)err;
    for (int32_t i = 0; i < sub->node_count; i++)
        if (fuse(sub, i)) {
            (*changed)++;
            i--;
        }
    return OCT_OK;
}
