/*
 * Dropping tensors that nothing names, and renumbering the rest.
 */
#include "graph/graph.h"

static void mark(int32_t *map, const int32_t *indices, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        if (indices[i] >= 0)
            map[indices[i]] = 1;
}

static void renumber(const int32_t *map, int32_t *indices, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        if (indices[i] >= 0)
            indices[i] = map[indices[i]];
}

/* Block and multi-axis quantization name the tensors of their scales: such graphs are left as they are. */
static bool names_tensors_elsewhere(const oct_subgraph *sub)
{
    for (int32_t i = 0; i < sub->tensor_count; i++)
        if (sub->tensors[i]->quant.details.type > 1)
            return true;
    for (int32_t i = 0; i < sub->node_count; i++)
        if (sub->nodes[i]->intermediates.count != 0)
            return true;
    return false;
}

oct_status oct_graph_compact(oct_graph *graph, oct_subgraph *sub, oct_error *err)
{
    if (names_tensors_elsewhere(sub))
        return OCT_OK;
    int32_t *map = oct_arena_array(&graph->arena, (size_t)sub->tensor_count + 1, sizeof *map);
    if (map == NULL)
        return oct_fail_memory(err, (size_t)sub->tensor_count * sizeof *map, "tensor numbers");
    mark(map, sub->inputs, sub->input_count);
    mark(map, sub->outputs, sub->output_count);
    for (int32_t i = 0; i < sub->node_count; i++) {
        mark(map, sub->nodes[i]->inputs, sub->nodes[i]->input_count);
        mark(map, sub->nodes[i]->outputs, sub->nodes[i]->output_count);
    }
    for (int32_t i = 0; i < graph->signature_count; i++) {
        const oct_signature *signature = &graph->signatures[i];
        if (graph->subgraphs[signature->subgraph] != sub)
            continue;
        for (int32_t j = 0; j < signature->input_count; j++)
            mark(map, &signature->inputs[j].tensor, 1);
        for (int32_t j = 0; j < signature->output_count; j++)
            mark(map, &signature->outputs[j].tensor, 1);
    }
    int32_t kept = 0;
    for (int32_t i = 0; i < sub->tensor_count; i++) {
        if (map[i] == 0)
            continue;
        sub->tensors[kept] = sub->tensors[i];
        map[i] = kept++;
    }
    sub->tensor_count = kept;
    renumber(map, sub->inputs, sub->input_count);
    renumber(map, sub->outputs, sub->output_count);
    for (int32_t i = 0; i < sub->node_count; i++) {
        renumber(map, sub->nodes[i]->inputs, sub->nodes[i]->input_count);
        renumber(map, sub->nodes[i]->outputs, sub->nodes[i]->output_count);
    }
    for (int32_t i = 0; i < graph->signature_count; i++) {
        oct_signature *signature = &graph->signatures[i];
        if (graph->subgraphs[signature->subgraph] != sub)
            continue;
        for (int32_t j = 0; j < signature->input_count; j++)
            renumber(map, &signature->inputs[j].tensor, 1);
        for (int32_t j = 0; j < signature->output_count; j++)
            renumber(map, &signature->outputs[j].tensor, 1);
    }
    return OCT_OK;
}
