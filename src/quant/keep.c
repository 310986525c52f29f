/*
 * What a quantizer leaves alone: operators on codes, as in models of which a part is quantized already, and
 * operators on constants that no code can stand for.
 */
#include <math.h>

#include "quant/rewrite.h"

static bool has_codes(const oct_tensor *tensor)
{
    return !oct_tensor_is_float(tensor) &&
           (tensor->quant.count != 0 || tensor->quant.details.type != 0);
}

static bool is_finite(const oct_tensor *tensor)
{
    const float *values = tensor->data;
    for (size_t i = 0; i < tensor->size / sizeof *values; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

/* Why a node is kept; NULL: it is not. */
static const char *reason(const oct_subgraph *sub, const oct_node *node)
{
    for (int32_t i = 0; i < node->input_count + node->output_count; i++) {
        int32_t t = i < node->input_count ? node->inputs[i] : node->outputs[i - node->input_count];
        if (t < 0)
            continue;
        if (has_codes(sub->tensors[t]))
            return "it is quantized already";
        if (oct_tensor_is_float(sub->tensors[t]) && oct_tensor_is_constant(sub->tensors[t]) &&
            !is_finite(sub->tensors[t]))
            return "one of its constants is not finite";
    }
    return NULL;
}

oct_status oct_work_keep_nodes(oct_work *work, oct_error *err)
{
    size_t nodes = (size_t)work->node_count, tensors = (size_t)work->float_tensors;
    bool *kept = oct_arena_array(&work->arena, nodes, sizeof *kept);
    bool *given = oct_arena_array(&work->arena, tensors, sizeof *given);
    if (kept == NULL || given == NULL)
        return oct_fail_memory(err, nodes + tensors, "nodes");
    for (size_t i = 0; i < tensors; i++)
        given[i] = has_codes(work->sub->tensors[i]);
    bool any = false;
    for (int32_t i = 0; i < work->node_count; i++) {
        const char *why = reason(work->sub, work->nodes[i]);
        if (why == NULL)
            continue;
        kept[i] = any = true;
        OCT_TRY(oct_report_set(work->report, i, "unchanged", err, "%s", why));
    }
    work->kept = any ? kept : NULL;
    work->given = any ? given : NULL;
    return OCT_OK;
}
