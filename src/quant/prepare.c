/*
 * Before quantization: float16 constants become float32, and what cannot be quantized is refused.
 */
#include "quant/prepare.h"

#include <math.h>

#include "kernels/dispatch.h"
#include "numeric/half.h"
#include "ops/op.h"

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

static oct_status expand_halves(oct_graph *graph, oct_error *err)
{
    oct_subgraph *sub = graph->subgraphs[0];
    bool any = false;
    for (int32_t i = 0; i < sub->node_count; i++) {
        if (!expands_half(sub, sub->nodes[i]))
            continue;
        OCT_TRY(expand(graph, sub, i--, err));
        any = true;
    }
    return any ? oct_graph_compact(graph, sub, err) : OCT_OK;
}

static oct_status check_constant(const oct_subgraph *sub, int32_t index, oct_error *err)
{
    const oct_tensor *tensor = sub->tensors[index];
    char label[160];
    const float *values = tensor->data;
    size_t count = tensor->size / sizeof *values;
    float low = 0.f, high = 0.f;
    if (oct_kernel_set_get()->extremes(values, count, &low, &high))
        return OCT_OK;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return oct_fail(err, OCT_E_INVALID, "%s: the value %g at index %zu",
                oct_tensor_label(sub, index, label, sizeof label), (double)values[i], i);
    return OCT_OK;
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

static oct_status check_tensors(const oct_graph *graph, oct_error *err)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    char label[160];
    for (int32_t i = 0; i < sub->tensor_count; i++) {
        const oct_tensor *tensor = sub->tensors[i];
        if (tensor->quant.count != 0 || tensor->quant.details.type != 0)
            return oct_fail(err, OCT_E_UNSUPPORTED,
                "%s is quantized already (%s); quantization starts from a float model",
                oct_tensor_label(sub, i, label, sizeof label), oct_type_name(tensor->type));
        if (tensor->sparsity != NULL)
            return oct_fail(err, OCT_E_UNSUPPORTED,
                "%s is stored sparsely; quantization starts from dense constants",
                oct_tensor_label(sub, i, label, sizeof label));
        if (tensor->type == OCT_FLOAT32 && tensor->data != NULL)
            OCT_TRY(check_constant(sub, i, err));
    }
    return OCT_OK;
}

oct_status oct_quant_prepare(const oct_graph *graph, oct_graph **out, oct_error *err)
{
    *out = NULL;
    OCT_TRY(check_nodes(graph->subgraphs[0], err));
    OCT_TRY(oct_graph_clone(graph, out, err));
    oct_status status = expand_halves(*out, err);
    if (status == OCT_OK)
        status = check_tensors(*out, err);
    if (status == OCT_OK)
        return OCT_OK;
    oct_graph_free(*out);
    *out = NULL;
    return status;
}
