/*
 * Equal constants become one tensor: shared layers and equal biases are stored and quantized once.
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

/* Only plain constants: what sparsity, details or external buffers mean is kept as read. */
static bool is_plain(const oct_tensor *tensor)
{
    return tensor->data != NULL && tensor->sparsity == NULL && tensor->quant.count == 0 &&
        tensor->quant.details.type == 0 && tensor->external_buffer == 0 &&
        tensor->variants.count == 0;
}

static bool equal(const oct_tensor *a, const oct_tensor *b)
{
    return a->size == b->size && oct_tensor_same_shape(a, b) &&
        memcmp(a->data, b->data, a->size) == 0;
}

oct_status oct_pass_merge_constants(oct_graph *graph, oct_subgraph *sub, int32_t *changed,
    oct_error *err)
{
    (void)err;
    for (int32_t i = 0; i < sub->tensor_count; i++) {
        if (!is_plain(sub->tensors[i]) || oct_graph_use_count(sub, i) == 0)
            continue;
        for (int32_t j = i + 1; j < sub->tensor_count; j++) {
            if (!is_plain(sub->tensors[j]) || !equal(sub->tensors[i], sub->tensors[j]) ||
                is_output(sub, j) || oct_graph_use_count(sub, j) == 0)
                continue;
            oct_graph_replace_uses(graph, sub, j, i);
            (*changed)++;
        }
    }
    return OCT_OK;
}
