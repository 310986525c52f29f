/*
 * A reduction whose result is given its lost dimensions back keeps them instead: the squeeze of a
 * squeeze-and-excite block is one MEAN, not MEAN and RESHAPE.
 */
#include "passes/list.h"
#include "passes/match.h"

/* Which of the first 8 axes a reduction takes away; 0 when that is not known. */
static uint32_t reduced_axes(const oct_subgraph *sub, const oct_node *node)
{
    const oct_tensor *in = oct_node_in(sub, node, 0), *axes = oct_node_in(sub, node, 1);
    if (node->options_type != OCT_OPTIONS_Reducer || in == NULL || in->rank > 8 || axes == NULL ||
        axes->data == NULL || axes->type != OCT_INT32)
        return 0;
    const int32_t *values = axes->data;
    uint32_t mask = 0;
    for (int64_t i = 0, count = oct_tensor_elements(axes); i < count; i++) {
        int32_t axis = values[i] < 0 ? values[i] + in->rank : values[i];
        if (axis < 0 || axis >= in->rank)
            return 0;
        mask |= 1u << axis;
    }
    return mask;
}

static int32_t known_dim(const oct_tensor *tensor, int32_t axis)
{
    return tensor->signature == NULL ? tensor->dims[axis] : tensor->signature[axis];
}

static bool has_dims_kept(const oct_tensor *in, const oct_tensor *out, uint32_t reduced)
{
    if (in->rank != out->rank)
        return false;
    for (int32_t i = 0; i < in->rank; i++) {
        bool gone = (reduced >> i & 1) != 0;
        if (out->dims[i] != (gone ? 1 : in->dims[i]) ||
            known_dim(out, i) != (gone ? 1 : known_dim(in, i)))
            return false;
    }
    return true;
}

static bool keep(oct_subgraph *sub, int32_t at)
{
    const oct_node *view = sub->nodes[at];
    const oct_op_def *def = oct_op_find(view->op);
    if (def == NULL || (def->traits & OCT_TRAIT_VIEW) == 0)
        return false;
    int32_t from = oct_sole_producer(sub, view->inputs[0]);
    oct_node *reduction = from < 0 ? NULL : sub->nodes[from];
    uint32_t reduced = reduction == NULL ? 0 : reduced_axes(sub, reduction);
    const oct_tensor *out = sub->tensors[view->outputs[0]];
    if (reduced == 0 || out->type != OCT_FLOAT32 ||
        !has_dims_kept(oct_node_in(sub, reduction, 0), out, reduced))
        return false;
    oct_reducer_options *options = reduction->options;
    options->keep_dims = true;
    reduction->outputs[0] = view->outputs[0];
    oct_graph_remove_node(sub, at);
    return true;
}

oct_status oct_pass_keep_dims(oct_graph *graph, oct_subgraph *sub, int32_t *changed, oct_error *err)
{
    (void)graph;
    (void)err;
    for (int32_t i = 0; i < sub->node_count; i++)
        if (keep(sub, i)) {
            (*changed)++;
            i--;
        }
    return OCT_OK;
}
