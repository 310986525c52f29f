/*
 * LiteRT lets element-wise operators write over an input that nobody reads again. TFLiteConverter logs
 * an operator's inputs a second time after it ran (meant for the state of recurrent layers), and so
 * sees the result in their place: the addition of a residual block widens the range of the branch that
 * ends in it. The same choice of input is made here from the graph alone.
 */
#include "quant/overwritten.h"

#include "ops/op.h"

enum { SCALAR_BYTES = 4, MAX_SHARED = 3 };

static bool is_among(const int32_t *list, int32_t count, int32_t tensor)
{
    for (int32_t i = 0; i < count; i++)
        if (list[i] == tensor)
            return true;
    return false;
}

/* The tensor whose memory holds this one: views lie where their input lies. */
static int32_t owner(const oct_subgraph *sub, int32_t tensor)
{
    for (;;) {
        int32_t from = oct_graph_producer(sub, tensor);
        const oct_op_def *def = from < 0 ? NULL : oct_op_find(sub->nodes[from]->op);
        if (def == NULL || (def->traits & OCT_TRAIT_VIEW) == 0 ||
            is_among(sub->inputs, sub->input_count, sub->nodes[from]->inputs[0]) ||
            is_among(sub->outputs, sub->output_count, tensor) ||
            sub->tensors[sub->nodes[from]->inputs[0]]->data != NULL)
            return tensor;
        tensor = sub->nodes[from]->inputs[0];
    }
}

static bool can_be_overwritten(const oct_subgraph *sub, const oct_node *node, int32_t in)
{
    const oct_tensor *from = sub->tensors[in], *to = sub->tensors[node->outputs[0]];
    int64_t bytes = oct_tensor_bytes(from);
    return from->data == NULL && !from->is_variable && bytes == oct_tensor_bytes(to) &&
        bytes > SCALAR_BYTES && oct_graph_use_count(sub, in) == 1 &&
        oct_graph_use_count(sub, owner(sub, in)) == 1 &&
        !is_among(sub->inputs, sub->input_count, in) &&
        !is_among(sub->outputs, sub->output_count, node->outputs[0]);
}

/* The input whose memory output 0 gets, or -1. */
static int32_t overwritten_input(const oct_subgraph *sub, const oct_node *node)
{
    const oct_op_def *def = oct_op_find(node->op);
    if (def == NULL || def->quant.overwrites == 0 || node->output_count < 1)
        return -1;
    for (int32_t i = 0; i < node->input_count && i < MAX_SHARED; i++)
        if ((def->quant.overwrites >> i & 1) != 0 && node->inputs[i] >= 0 &&
            can_be_overwritten(sub, node, node->inputs[i]))
            return node->inputs[i];
    return -1;
}

void oct_ranges_add_overwritten(const oct_graph *graph, oct_range *ranges)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    /* In order: an output is overwritten, and widened, only by a later node. */
    for (int32_t i = 0; i < sub->node_count; i++) {
        int32_t in = overwritten_input(sub, sub->nodes[i]);
        if (in < 0)
            continue;
        const oct_range *out = &ranges[sub->nodes[i]->outputs[0]];
        if (!ranges[in].seen || !out->seen)
            continue;
        ranges[in].min = out->min < ranges[in].min ? out->min : ranges[in].min;
        ranges[in].max = out->max > ranges[in].max ? out->max : ranges[in].max;
    }
}
