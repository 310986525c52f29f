/*
 * Integer inputs and outputs: the conversions at the model's edges are dropped or retyped.
 */
#include "quant/boundary.h"

/* The only node that reads a tensor, if it has the trait and the tensor is no output; else -1. */
static int32_t sole_reader(const oct_subgraph *sub, int32_t tensor, uint32_t trait)
{
    if (oct_graph_use_count(sub, tensor) != 1)
        return -1;
    for (int32_t i = 0; i < sub->node_count; i++)
        for (int32_t j = 0; j < sub->nodes[i]->input_count; j++)
            if (sub->nodes[i]->inputs[j] == tensor) {
                const oct_op_def *def = oct_op_find(sub->nodes[i]->op);
                return def != NULL && (def->traits & trait) != 0 ? i : -1;
            }
    return -1;
}

/* The same values as uint8: one scale, a zero point 128 higher. */
static oct_status as_uint8(oct_work *work, oct_tensor *edge, const oct_tensor *inner, oct_error *err)
{
    edge->type = OCT_UINT8;
    return oct_graph_set_quant(work->graph, edge, inner->quant.scale[0],
        inner->quant.zero_point[0] + 128, err);
}

static oct_status change_input(oct_work *work, int32_t index, oct_error *err)
{
    oct_subgraph *sub = work->sub;
    int32_t at = sole_reader(sub, index, OCT_TRAIT_QUANTIZES);
    if (at < 0 || !oct_tensor_is_float(sub->tensors[index]))
        return OCT_OK;
    int32_t inner = sub->nodes[at]->outputs[0];
    if (sub->tensors[inner]->type != OCT_INT8)
        return OCT_OK;
    if (work->options->io == OCT_IO_UINT8)
        return as_uint8(work, sub->tensors[index], sub->tensors[inner], err);
    oct_work_move_boundary(work, true, index, inner);
    oct_graph_remove_node(sub, at);
    return OCT_OK;
}

static oct_status change_output(oct_work *work, int32_t index, oct_error *err)
{
    oct_subgraph *sub = work->sub;
    int32_t at = oct_graph_producer(sub, index);
    const oct_op_def *def = at < 0 ? NULL : oct_op_find(sub->nodes[at]->op);
    if (def == NULL || (def->traits & OCT_TRAIT_DEQUANTIZES) == 0 ||
        oct_graph_use_count(sub, index) != 1)
        return OCT_OK;
    int32_t inner = sub->nodes[at]->inputs[0];
    if (sub->tensors[inner]->type != OCT_INT8)
        return OCT_OK;
    if (work->options->io == OCT_IO_UINT8) {
        OCT_TRY(as_uint8(work, sub->tensors[index], sub->tensors[inner], err));
        oct_graph_remove_node(sub, at);
        return oct_work_convert(work, at, OCT_OP_QUANTIZE, inner, index, err);
    }
    oct_work_move_boundary(work, false, index, inner);
    oct_graph_remove_node(sub, at);
    return OCT_OK;
}

oct_status oct_boundary_to_integer(oct_work *work, oct_error *err)
{
    for (int32_t i = 0; i < work->sub->input_count; i++)
        OCT_TRY(change_input(work, work->sub->inputs[i], err));
    for (int32_t i = 0; i < work->sub->output_count; i++)
        OCT_TRY(change_output(work, work->sub->outputs[i], err));
    return OCT_OK;
}
