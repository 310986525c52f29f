/*
 * Nodes that compute the same from the same tensors become one: two branches of a model often begin with
 * the same rectifier or pooling of their common input.
 */
#include "passes/list.h"
#include "passes/match.h"

#include <string.h>

static bool is_output(const oct_subgraph *sub, int32_t tensor)
{
    for (int32_t i = 0; i < sub->output_count; i++)
        if (sub->outputs[i] == tensor)
            return true;
    return false;
}

/* State, custom code and quantized results are left alone: equal inputs do not make them equal. */
static bool is_pure(const oct_subgraph *sub, const oct_node *node)
{
    const oct_op_def *def = oct_op_find(node->op);
    if (def == NULL || (def->traits & OCT_TRAIT_STATEFUL) != 0 || node->custom_code != NULL ||
        node->mutating_inputs.count != 0 || node->intermediates.count != 0)
        return false;
    for (int32_t i = 0; i < node->input_count; i++)
        if (node->inputs[i] >= 0 && sub->tensors[node->inputs[i]]->is_variable)
            return false;
    for (int32_t i = 0; i < node->output_count; i++)
        if (node->outputs[i] < 0 || sub->tensors[node->outputs[i]]->quant.count != 0)
            return false;
    return true;
}

static bool same_work(const oct_subgraph *sub, const oct_node *a, const oct_node *b)
{
    if (a->op != b->op || a->input_count != b->input_count || a->output_count != b->output_count ||
        memcmp(a->inputs, b->inputs, (size_t)a->input_count * sizeof *a->inputs) != 0)
        return false;
    for (int32_t i = 0; i < a->output_count; i++)
        if (is_output(sub, b->outputs[i]) ||
            !oct_tensor_same_shape(sub->tensors[a->outputs[i]], sub->tensors[b->outputs[i]]))
            return false;
    return oct_node_same_options(a, b) && is_pure(sub, a) && is_pure(sub, b);
}

oct_status oct_pass_merge_nodes(
    oct_graph *graph, oct_subgraph *sub, int32_t *changed, oct_error *err)
{
    (void)err;
    for (int32_t i = 0; i < sub->node_count; i++)
        for (int32_t j = i + 1; j < sub->node_count; j++) {
            const oct_node *kept = sub->nodes[i], *node = sub->nodes[j];
            if (!same_work(sub, kept, node))
                continue;
            oct_graph_remove_node(sub, j--);
            for (int32_t k = 0; k < kept->output_count; k++)
                oct_graph_replace_uses(graph, sub, node->outputs[k], kept->outputs[k]);
            (*changed)++;
        }
    return OCT_OK;
}
