/*
 * A rectifier behind an operator that can do it itself moves into that operator's options, also where
 * a view (the RESHAPE of a one-dimensional convolution) stands between them.
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

/* The operator behind a tensor, seen through views; *last is the node that makes the tensor itself. */
static oct_node *find_producer(const oct_subgraph *sub, int32_t tensor, oct_node **last)
{
    *last = NULL;
    for (;;) {
        int32_t at = oct_sole_producer(sub, tensor);
        const oct_op_def *def = at < 0 ? NULL : oct_op_find(sub->nodes[at]->op);
        if (def == NULL || sub->nodes[at]->output_count != 1)
            return NULL;
        if (*last == NULL)
            *last = sub->nodes[at];
        if ((def->traits & OCT_TRAIT_VIEW) == 0)
            return sub->nodes[at];
        tensor = sub->nodes[at]->inputs[0];
    }
}

static bool fuse(oct_subgraph *sub, int32_t at)
{
    const oct_node *node = sub->nodes[at];
    oct_activation activation = activation_of(node->op);
    if (activation == OCT_ACT_NONE)
        return false;
    oct_node *last, *producer = find_producer(sub, node->inputs[0], &last);
    int8_t *field = producer == NULL ? NULL : oct_node_activation(producer);
    const oct_tensor *value = sub->tensors[node->inputs[0]];
    if (field == NULL || *field != OCT_ACT_NONE || value->type != OCT_FLOAT32)
        return false;
    *field = (int8_t)activation;
    last->outputs[0] = node->outputs[0];
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
