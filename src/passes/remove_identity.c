/*
 * Removes nodes that return their input: views to the same shape, chains of views, conversions between
 * equal types.
 */
#include "passes/list.h"
#include "passes/match.h"

static bool is_graph_output(const oct_subgraph *sub, int32_t tensor)
{
    for (int32_t i = 0; i < sub->output_count; i++)
        if (sub->outputs[i] == tensor)
            return true;
    return false;
}

/* The node's users read its input instead; an output keeps its name where the input can be renamed. */
static void bypass(oct_graph *graph, oct_subgraph *sub, int32_t at)
{
    const oct_node *node = sub->nodes[at];
    int32_t in = node->inputs[0], out = node->outputs[0];
    int32_t from = oct_sole_producer(sub, in);
    oct_graph_remove_node(sub, at);
    if (from >= 0 && is_graph_output(sub, out)) {
        for (int32_t i = 0; i < sub->nodes[from]->output_count; i++)
            if (sub->nodes[from]->outputs[i] == in)
                sub->nodes[from]->outputs[i] = out;
        return;
    }
    oct_graph_replace_uses(graph, sub, out, in);
}

static bool is_identity(const oct_subgraph *sub, const oct_node *node)
{
    const oct_op_def *def = oct_op_find(node->op);
    if (def == NULL || node->output_count != 1 || node->input_count < 1 || node->inputs[0] < 0)
        return false;
    bool copies = (def->traits & OCT_TRAIT_VIEW) != 0 || node->op == OCT_OP_CAST;
    return copies &&
        oct_tensor_same_shape(sub->tensors[node->inputs[0]], sub->tensors[node->outputs[0]]);
}

/* RESHAPE(RESHAPE(x)) is the outer one alone; inputs past the first say how the result looks. */
static bool skip_inner_view(oct_subgraph *sub, oct_node *node)
{
    const oct_op_def *def = oct_op_find(node->op);
    if (node->op != OCT_OP_RESHAPE || def == NULL || (def->traits & OCT_TRAIT_VIEW) == 0)
        return false;
    int32_t from = oct_graph_producer(sub, node->inputs[0]);
    const oct_op_def *inner = from < 0 ? NULL : oct_op_find(sub->nodes[from]->op);
    if (inner == NULL || (inner->traits & OCT_TRAIT_VIEW) == 0)
        return false;
    node->inputs[0] = sub->nodes[from]->inputs[0];
    return true;
}

oct_status oct_pass_remove_identity(oct_graph *graph, oct_subgraph *sub, int32_t *changed,
    oct_error *err)
{
    (void)err;
    for (int32_t i = 0; i < sub->node_count; i++) {
        *changed += skip_inner_view(sub, sub->nodes[i]);
        if (is_identity(sub, sub->nodes[i])) {
            bypass(graph, sub, i--);
            (*changed)++;
        }
    }
    return OCT_OK;
}
