/*
 * Before quantization: float16 and sparse constants become dense float32, and what cannot be quantized is refused.
 */
#include "quant/prepare.h"

#include <math.h>

#include "kernels/dispatch.h"
#include "graph/sparsity.h"
#include "numeric/half.h"
#include "quant/rewrite.h"

/* DEQUANTIZE of a float16 constant: the constant itself, in float32, takes the place of the result. */
static oct_status expand(oct_graph *graph, oct_subgraph *sub, int32_t at, oct_error *err)
{
    const oct_node *node = sub->nodes[at];
    const oct_tensor *half = sub->tensors[node->inputs[0]];
    oct_tensor *real = sub->tensors[node->outputs[0]];
    size_t count = half->size / sizeof(uint16_t);
    float *values = oct_graph_new_bytes(graph, count * sizeof *values);
    if (values == NULL)
        return oct_fail_memory(err, count * sizeof *values, "float32 constants");
    oct_half_to_float_array(values, half->data, count);
    real->data = values;
    real->size = count * sizeof *values;
    real->signature = NULL;
    oct_graph_remove_node(sub, at);
    return OCT_OK;
}

static bool expands_half(const oct_subgraph *sub, const oct_node *node)
{
    const oct_op_def *def = oct_op_find(node->op);
    if (def == NULL || (def->traits & OCT_TRAIT_DEQUANTIZES) == 0)
        return false;
    const oct_tensor *from = sub->tensors[node->inputs[0]], *to = sub->tensors[node->outputs[0]];
    return from->type == OCT_FLOAT16 && from->data != NULL && from->sparsity == NULL &&
        oct_tensor_elements(from) == oct_tensor_elements(to);
}

/* Sparse constants, and behind DENSIFY what they become. */
static oct_status expand_sparse(oct_graph *graph, oct_subgraph *sub, oct_error *err)
{
    for (int32_t i = 0; i < sub->tensor_count; i++) {
        oct_tensor *tensor = sub->tensors[i];
        if (tensor->sparsity == NULL || tensor->data == NULL)
            continue;
        size_t bytes = (size_t)oct_tensor_bytes(tensor);
        void *dense = oct_graph_new_bytes(graph, bytes);
        if (dense == NULL)
            return oct_fail_memory(err, bytes, "dense constants");
        OCT_TRY(oct_sparse_expand(tensor, dense, err));
        tensor->data = dense;
        tensor->size = bytes;
        tensor->sparsity = NULL;
    }
    return OCT_OK;
}

static bool densifies(const oct_subgraph *sub, const oct_node *node)
{
    const oct_op_def *def = oct_op_find(node->op);
    if (def == NULL || (def->traits & OCT_TRAIT_DENSIFIES) == 0)
        return false;
    const oct_tensor *from = sub->tensors[node->inputs[0]], *to = sub->tensors[node->outputs[0]];
    return from->data != NULL && from->type == to->type && oct_tensor_bytes(from) == oct_tensor_bytes(to);
}

static void skip_densify(oct_subgraph *sub, int32_t at)
{
    const oct_tensor *from = sub->tensors[sub->nodes[at]->inputs[0]];
    oct_tensor *to = sub->tensors[sub->nodes[at]->outputs[0]];
    to->data = from->data;
    to->size = from->size;
    to->signature = NULL;
    oct_graph_remove_node(sub, at);
}

static oct_status expand_constants(oct_graph *graph, oct_subgraph *sub, oct_error *err)
{
    bool any = false;
    OCT_TRY(expand_sparse(graph, sub, err));
    for (int32_t i = 0; i < sub->node_count; i++) {
        if (densifies(sub, sub->nodes[i]))
            skip_densify(sub, i--);
        else if (expands_half(sub, sub->nodes[i]))
            OCT_TRY(expand(graph, sub, i--, err));
        else
            continue;
        any = true;
    }
    return any ? oct_graph_compact(graph, sub, err) : OCT_OK;
}

/* Later stages index inputs and outputs by the descriptors' slots without asking again. */
static oct_status check_nodes(const oct_subgraph *sub, oct_error *err)
{
    for (int32_t i = 0; i < sub->node_count; i++) {
        const oct_op_def *def = oct_op_find(sub->nodes[i]->op);
        if (def != NULL && !oct_op_accepts(def, sub->nodes[i]))
            return oct_fail(err, OCT_E_INVALID, "operator %d (%s): wrong number of inputs or outputs",
                (int)i, def->name);
    }
    return OCT_OK;
}

/* NaN or infinity in what a layer multiplies or adds makes nonsense; a mask may have them. */
static oct_status check_weights(const oct_subgraph *sub, const oct_node *node, oct_error *err)
{
    char label[160];
    for (int32_t slot = 0; slot < node->input_count; slot++) {
        int32_t index = node->inputs[slot];
        oct_role role = oct_work_role(node, slot);
        if (index < 0 || (role != OCT_ROLE_WEIGHT && role != OCT_ROLE_BIAS))
            continue;
        const oct_tensor *tensor = sub->tensors[index];
        const float *values = tensor->data;
        size_t count = tensor->type == OCT_FLOAT32 && values != NULL ? tensor->size / sizeof *values : 0;
        for (size_t i = 0; i < count; i++)
            if (!isfinite(values[i]))
                return oct_fail(err, OCT_E_INVALID, "%s: the value %g at index %zu",
                    oct_tensor_label(sub, index, label, sizeof label), (double)values[i], i);
    }
    return OCT_OK;
}

static bool has_codes(const oct_tensor *tensor)
{
    return !oct_tensor_is_float(tensor) && (tensor->quant.count != 0 || tensor->quant.details.type != 0);
}

/* From floats to floats, with nothing quantized about it. */
static bool is_float_node(const oct_subgraph *sub, const oct_node *node)
{
    bool reads = false, writes = false;
    for (int32_t i = 0; i < node->input_count; i++) {
        const oct_tensor *tensor = node->inputs[i] < 0 ? NULL : sub->tensors[node->inputs[i]];
        if (tensor != NULL && has_codes(tensor))
            return false;
        reads |= tensor != NULL && oct_tensor_is_float(tensor);
    }
    for (int32_t i = 0; i < node->output_count; i++)
        writes |= oct_tensor_is_float(sub->tensors[node->outputs[i]]);
    return reads && writes;
}

/* A model of which a part is quantized may have the rest quantized; one without such a rest may not. */
static oct_status check_unquantized(const oct_graph *graph, oct_error *err)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    char label[160];
    for (int32_t s = 0; s < graph->subgraph_count; s++)
        for (int32_t i = 0; i < graph->subgraphs[s]->node_count; i++)
            if (is_float_node(graph->subgraphs[s], graph->subgraphs[s]->nodes[i]))
                return OCT_OK;
    for (int32_t i = 0; i < sub->tensor_count; i++)
        if (has_codes(sub->tensors[i]))
            return oct_fail(err, OCT_E_UNSUPPORTED,
                "%s is quantized already (%s); quantization starts from a float model",
                oct_tensor_label(sub, i, label, sizeof label), oct_type_name(sub->tensors[i]->type));
    return OCT_OK;
}

/* Parameters of float tensors, as training with quantization leaves them, say nothing to a kernel. */
static void forget_float_parameters(oct_subgraph *sub)
{
    for (int32_t i = 0; i < sub->tensor_count; i++)
        if (oct_tensor_is_float(sub->tensors[i]))
            sub->tensors[i]->quant = (oct_quant){ .count = 0 };
}

static oct_status prepare(oct_graph *graph, oct_error *err)
{
    for (int32_t s = 0; s < graph->subgraph_count; s++) {
        oct_subgraph *sub = graph->subgraphs[s];
        OCT_TRY(check_nodes(sub, err));
        OCT_TRY(expand_constants(graph, sub, err));
        forget_float_parameters(sub);
        for (int32_t i = 0; i < sub->node_count; i++)
            OCT_TRY(check_weights(sub, sub->nodes[i], err));
    }
    return check_unquantized(graph, err);
}

oct_status oct_quant_prepare(const oct_graph *graph, oct_graph **out, oct_error *err)
{
    *out = NULL;
    OCT_TRY(oct_graph_clone(graph, out, err));
    oct_status status = prepare(*out, err);
    if (status == OCT_OK)
        return OCT_OK;
    oct_graph_free(*out);
    *out = NULL;
    return status;
}
