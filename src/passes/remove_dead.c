/*
 * Removes nodes whose results nobody reads, and tensors that nothing names.
 *
 * Operators without a descriptor may have effects that are not known here: they stay.
 */
#include "passes/list.h"
#include "passes/match.h"

static bool is_signature_output(const oct_graph *graph, const oct_subgraph *sub, int32_t tensor)
{
    for (int32_t i = 0; i < graph->signature_count; i++) {
        const oct_signature *signature = &graph->signatures[i];
        for (int32_t j = 0; j < signature->output_count; j++)
            if (graph->subgraphs[signature->subgraph] == sub &&
                signature->outputs[j].tensor == tensor)
                return true;
    }
    return false;
}

static bool is_dead(const oct_graph *graph, const oct_subgraph *sub, const oct_node *node)
{
    const oct_op_def *def = oct_op_find(node->op);
    if (def == NULL || (def->traits & OCT_TRAIT_STATEFUL) != 0)
        return false;
    for (int32_t i = 0; i < node->output_count; i++)
        if (node->outputs[i] >= 0 && (oct_graph_use_count(sub, node->outputs[i]) != 0 ||
                                         is_signature_output(graph, sub, node->outputs[i])))
            return false;
    return true;
}

oct_status oct_pass_remove_dead(oct_graph *graph, oct_subgraph *sub, int32_t *changed,
    oct_error *err)
{
    for (int32_t i = sub->node_count - 1; i >= 0; i--)
        if (is_dead(graph, sub, sub->nodes[i])) {
            oct_graph_remove_node(sub, i);
            (*changed)++;
        }
    int32_t before = sub->tensor_count;
    OCT_TRY(oct_graph_compact(graph, sub, err));
    *changed += before != sub->tensor_count;
    return OCT_OK;
}
