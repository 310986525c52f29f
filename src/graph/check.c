/*
 * The invariants that every importer and every pass must leave behind.
 */
#include "graph/graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LABEL = 160, MAX_RANK = 64 };

static oct_status bad_tensor(const oct_subgraph *sub, int32_t index, oct_error *err,
    const char *what)
{
    char label[LABEL];
    return oct_fail(err, OCT_E_INVALID, "%s: %s", oct_tensor_label(sub, index, label, sizeof label),
        what);
}

/* Kernels compute with scales and 32-bit zero points without looking at each again. */
static oct_status check_parameters(const oct_subgraph *sub, int32_t index, oct_error *err)
{
    const oct_quant *quant = &sub->tensors[index]->quant;
    char label[LABEL];
    for (int32_t i = 0; i < quant->count; i++) {
        if (!isfinite(quant->scale[i]) || quant->scale[i] < 0)
            return oct_fail(err, OCT_E_INVALID, "%s: scale %d is %g",
                oct_tensor_label(sub, index, label, sizeof label), (int)i, (double)quant->scale[i]);
        if (quant->zero_point[i] < INT32_MIN || quant->zero_point[i] > INT32_MAX)
            return oct_fail(err, OCT_E_INVALID, "%s: zero point %d is %lld",
                oct_tensor_label(sub, index, label, sizeof label), (int)i,
                (long long)quant->zero_point[i]);
    }
    return OCT_OK;
}

static oct_status check_quant(const oct_subgraph *sub, int32_t index, oct_error *err)
{
    const oct_tensor *tensor = sub->tensors[index];
    const oct_quant *quant = &tensor->quant;
    char label[LABEL];
    if (quant->count == 0 || quant->details.type > 1)
        return OCT_OK;
    if (quant->scale == NULL || quant->zero_point == NULL)
        return bad_tensor(sub, index, err, "scales without zero points");
    OCT_TRY(check_parameters(sub, index, err));
    if (quant->count == 1)
        return OCT_OK;
    oct_tensor_label(sub, index, label, sizeof label);
    if (quant->axis < 0 || quant->axis >= tensor->rank)
        return oct_fail(err, OCT_E_INVALID, "%s: per-channel axis %d, but the tensor has %d dimension%s",
            label, (int)quant->axis, (int)tensor->rank, tensor->rank == 1 ? "" : "s");
    if (quant->count != tensor->dims[quant->axis])
        return oct_fail(err, OCT_E_INVALID, "%s: %d scales for %d channels", label,
            (int)quant->count, (int)tensor->dims[quant->axis]);
    return OCT_OK;
}

static oct_status check_tensor(const oct_subgraph *sub, int32_t index, oct_error *err)
{
    const oct_tensor *tensor = sub->tensors[index];
    char label[LABEL];
    if (oct_type_name(tensor->type) == NULL)
        return bad_tensor(sub, index, err, "unknown element type");
    if (tensor->rank < 0 || tensor->rank > MAX_RANK)
        return bad_tensor(sub, index, err, "more than 64 dimensions");
    int64_t bytes = oct_tensor_bytes(tensor);
    if (oct_tensor_elements(tensor) < 0)
        return bad_tensor(sub, index, err, "the shape is negative or too large");
    if (tensor->data != NULL && tensor->is_variable)
        return bad_tensor(sub, index, err, "a variable with constant data");
    bool plain = tensor->sparsity == NULL && oct_type_bits(tensor->type) != 0;
    if (tensor->data != NULL && plain && (int64_t)tensor->size != bytes)
        return oct_fail(err, OCT_E_INVALID, "%s: %zu bytes of data, but the shape needs %lld",
            oct_tensor_label(sub, index, label, sizeof label), tensor->size, (long long)bytes);
    return check_quant(sub, index, err);
}

static const char *node_name(const oct_node *node)
{
    const char *name = node->op == OCT_OP_CUSTOM ? node->custom_code : oct_builtin_name(node->op);
    return name == NULL ? "unknown operator" : name;
}

/* Whether a tensor has a value before the current node. An empty one may be read without a producer. */
typedef enum made_state { NOT_MADE, EMPTY, MADE } made_state;

static oct_status check_node(const oct_subgraph *sub, int32_t at, made_state *made, oct_error *err)
{
    const oct_node *node = sub->nodes[at];
    char label[LABEL];
    for (int32_t i = 0; i < node->input_count; i++) {
        int32_t t = node->inputs[i];
        if (t < -1 || t >= sub->tensor_count)
            return oct_fail(err, OCT_E_INVALID, "operator %d (%s): input %d is tensor %d of %d",
                (int)at, node_name(node), (int)i, (int)t, (int)sub->tensor_count);
        if (t >= 0 && made[t] == NOT_MADE)
            return oct_fail(err, OCT_E_INVALID,
                "operator %d (%s): input %s is used before it is computed", (int)at,
                node_name(node), oct_tensor_label(sub, t, label, sizeof label));
    }
    for (int32_t i = 0; i < node->output_count; i++) {
        int32_t t = node->outputs[i];
        if (t == -1)
            continue;
        if (t < 0 || t >= sub->tensor_count)
            return oct_fail(err, OCT_E_INVALID, "operator %d (%s): output %d is tensor %d of %d",
                (int)at, node_name(node), (int)i, (int)t, (int)sub->tensor_count);
        if (made[t] == MADE)
            return oct_fail(err, OCT_E_INVALID, "operator %d (%s): output %s has a value already",
                (int)at, node_name(node), oct_tensor_label(sub, t, label, sizeof label));
        made[t] = MADE;
    }
    return OCT_OK;
}

static oct_status check_list(const oct_subgraph *sub, const int32_t *list, int32_t count,
    const made_state *made, const char *what, oct_error *err)
{
    for (int32_t i = 0; i < count; i++) {
        if (list[i] < 0 || list[i] >= sub->tensor_count)
            return oct_fail(err, OCT_E_INVALID, "%s %d is tensor %d of %d", what, (int)i,
                (int)list[i], (int)sub->tensor_count);
        if (made != NULL && made[list[i]] == NOT_MADE)
            return bad_tensor(sub, list[i], err, "an output that nothing computes");
    }
    return OCT_OK;
}

static oct_status check_subgraph_order(const oct_subgraph *sub, made_state *made, oct_error *err)
{
    OCT_TRY(check_list(sub, sub->inputs, sub->input_count, NULL, "input", err));
    for (int32_t i = 0; i < sub->tensor_count; i++) {
        OCT_TRY(check_tensor(sub, i, err));
        made[i] = sub->tensors[i]->data != NULL || sub->tensors[i]->is_variable ? MADE :
            oct_tensor_elements(sub->tensors[i]) == 0                           ? EMPTY :
                                                                                  NOT_MADE;
    }
    for (int32_t i = 0; i < sub->input_count; i++)
        made[sub->inputs[i]] = MADE;
    for (int32_t i = 0; i < sub->node_count; i++)
        OCT_TRY(check_node(sub, i, made, err));
    return check_list(sub, sub->outputs, sub->output_count, made, "output", err);
}

static oct_status check_subgraph(const oct_subgraph *sub, oct_error *err)
{
    size_t count = (size_t)sub->tensor_count + 1;
    made_state *made = calloc(count, sizeof *made);
    if (made == NULL)
        return oct_fail_memory(err, count * sizeof *made, "graph check");
    oct_status status = check_subgraph_order(sub, made, err);
    free(made);
    return status;
}

static oct_status check_signature(const oct_graph *graph, const oct_signature *signature,
    oct_error *err)
{
    const char *key = signature->key == NULL ? "" : signature->key;
    if (signature->subgraph < 0 || signature->subgraph >= graph->subgraph_count)
        return oct_fail(err, OCT_E_INVALID, "signature \"%s\": subgraph %d of %d", key,
            (int)signature->subgraph, (int)graph->subgraph_count);
    int32_t tensors = graph->subgraphs[signature->subgraph]->tensor_count;
    for (int32_t i = 0; i < signature->input_count + signature->output_count; i++) {
        const oct_signature_entry *entry = i < signature->input_count ?
            &signature->inputs[i] :
            &signature->outputs[i - signature->input_count];
        if (entry->tensor < 0 || entry->tensor >= tensors)
            return oct_fail(err, OCT_E_INVALID, "signature \"%s\": %s is tensor %d of %d", key,
                entry->name == NULL ? "an entry" : entry->name, (int)entry->tensor, (int)tensors);
    }
    return OCT_OK;
}

oct_status oct_graph_check(const oct_graph *graph, oct_error *err)
{
    if (graph->subgraph_count == 0)
        return oct_fail(err, OCT_E_INVALID, "the model has no subgraph");
    for (int32_t i = 0; i < graph->subgraph_count; i++) {
        oct_status status = check_subgraph(graph->subgraphs[i], err);
        if (status != OCT_OK)
            return i == 0 ? status : oct_error_prefix(err, status, "subgraph %d", (int)i);
    }
    for (int32_t i = 0; i < graph->signature_count; i++)
        OCT_TRY(check_signature(graph, &graph->signatures[i], err));
    return OCT_OK;
}
