/*
 * Computes nodes whose inputs are all constants, by their reference kernels.
 *
 * A result much larger than its inputs (a tiled or filled tensor) stays a node: the file would grow.
 */
#include "passes/evaluate.h"
#include "passes/list.h"

#include <string.h>

enum { FREE_BYTES = 1024 }; /* results up to this size are folded whatever they are made from */

static size_t input_bytes(const oct_subgraph *sub, const oct_node *node)
{
    size_t bytes = 0;
    for (int32_t i = 0; i < node->input_count; i++)
        bytes += node->inputs[i] < 0 ? 0 : sub->tensors[node->inputs[i]]->size;
    return bytes;
}

static bool all_constant(const oct_subgraph *sub, const oct_node *node)
{
    for (int32_t i = 0; i < node->input_count; i++)
        if (node->inputs[i] >= 0 && sub->tensors[node->inputs[i]]->data == NULL)
            return false;
    return node->input_count > 0;
}

/* Dimension by dimension: the outputs' declared shapes must hold for every batch. */
static bool outputs_static(const oct_subgraph *sub, const oct_node *node)
{
    for (int32_t i = 0; i < node->output_count; i++)
        if (node->outputs[i] < 0 || sub->tensors[node->outputs[i]]->signature != NULL)
            return false;
    return true;
}

static oct_status make_constant(oct_graph *graph, oct_tensor *tensor, const oct_value *value,
    oct_error *err)
{
    void *bytes = oct_graph_new_bytes(graph, value->size);
    int32_t *dims = oct_arena_copy(&graph->arena, value->dims, (size_t)value->rank * sizeof *dims);
    if (bytes == NULL || dims == NULL)
        return oct_fail_memory(err, value->size, "a folded constant");
    if (value->size != 0)
        memcpy(bytes, value->data, value->size);
    tensor->rank = value->rank;
    tensor->dims = dims;
    tensor->data = bytes;
    tensor->size = value->size;
    return OCT_OK;
}

static oct_status fold(oct_graph *graph, oct_subgraph *sub, oct_evaluator *ev, int32_t at,
    bool *folded, oct_error *err)
{
    const oct_node *node = sub->nodes[at];
    const oct_op_def *def = oct_op_find(node->op);
    *folded = false;
    if (def == NULL || !all_constant(sub, node) || !outputs_static(sub, node))
        return OCT_OK;
    OCT_TRY(oct_evaluator_infer(ev, node, err));
    /* Expanding float16 is what the passes are asked for: twice the bytes, but plain float weights. */
    size_t limit = 4 * input_bytes(sub, node) + FREE_BYTES;
    if (!oct_evaluator_can_compute(ev, node, limit))
        return OCT_OK;
    OCT_TRY(oct_evaluator_compute(ev, node, folded, err));
    for (int32_t i = 0; *folded && i < node->output_count; i++)
        OCT_TRY(make_constant(graph, sub->tensors[node->outputs[i]], &ev->values[node->outputs[i]],
            err));
    return OCT_OK;
}

oct_status oct_pass_fold_constants(oct_graph *graph, oct_subgraph *sub, int32_t *changed,
    oct_error *err)
{
    oct_evaluator ev;
    oct_status status = oct_evaluator_init(&ev, sub, err);
    for (int32_t i = 0; status == OCT_OK && i < sub->node_count; i++) {
        bool folded;
        status = fold(graph, sub, &ev, i, &folded, err);
        if (status == OCT_OK && folded) {
            oct_graph_remove_node(sub, i--);
            (*changed)++;
        }
    }
    oct_evaluator_deinit(&ev);
    return status;
}
