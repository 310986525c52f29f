/*
 * Batch and input shapes chosen by the user for a model that is read.
 */
#include <string.h>

#include "model/model.h"
#include "passes/pass.h"

/* dim -1 makes a dimension unknown; without unknown ones there is no signature. */
static oct_status set_dim(oct_graph *graph, oct_tensor *tensor, int32_t axis, int32_t dim,
    oct_error *err)
{
    if (tensor->signature == NULL) {
        size_t bytes = (size_t)tensor->rank * sizeof *tensor->dims;
        tensor->signature = oct_arena_copy(&graph->arena, tensor->dims, bytes);
        if (tensor->signature == NULL)
            return oct_fail_memory(err, bytes, "shape");
    }
    tensor->signature[axis] = dim;
    tensor->dims[axis] = dim < 0 ? 1 : dim;
    return OCT_OK;
}

static void drop_static_signature(oct_tensor *tensor)
{
    for (int32_t i = 0; tensor->signature != NULL && i < tensor->rank; i++)
        if (tensor->signature[i] < 0)
            return;
    tensor->signature = NULL;
}

static bool names_input(const oct_graph *graph, const oct_input_shape *shape, int32_t tensor)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    if (shape->name == NULL)
        return sub->input_count == 1;
    const char *own = sub->tensors[tensor]->name;
    return strcmp(shape->name, oct_graph_port_name(graph, false, tensor)) == 0 ||
        (own != NULL && strcmp(shape->name, own) == 0);
}

static oct_status apply_shape(oct_graph *graph, const oct_input_shape *shape, oct_error *err)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    for (int32_t i = 0; i < sub->input_count; i++) {
        oct_tensor *tensor = sub->tensors[sub->inputs[i]];
        if (!names_input(graph, shape, sub->inputs[i]))
            continue;
        if (shape->rank != tensor->rank)
            return oct_fail(err, OCT_E_USAGE, "input %s has %d dimensions, not %d",
                oct_graph_port_name(graph, false, sub->inputs[i]), (int)tensor->rank,
                (int)shape->rank);
        for (int32_t axis = 0; axis < shape->rank; axis++) {
            if (shape->dims[axis] < 1 && shape->dims[axis] != -1)
                return oct_fail(err, OCT_E_USAGE, "input %s: dimension %d cannot be a size",
                    oct_graph_port_name(graph, false, sub->inputs[i]), (int)shape->dims[axis]);
            OCT_TRY(set_dim(graph, tensor, axis, shape->dims[axis], err));
        }
        return OCT_OK;
    }
    if (shape->name == NULL)
        return oct_fail(err, OCT_E_USAGE, "the model has %d inputs: name the one a shape is for",
            (int)sub->input_count);
    return oct_fail(err, OCT_E_USAGE, "the model has no input named %s", shape->name);
}

oct_status oct_graph_reshape(oct_graph *graph, const oct_load_options *options, oct_error *err)
{
    if (options == NULL || (options->batch == 0 && options->shape_count == 0))
        return OCT_OK;
    const oct_subgraph *sub = graph->subgraphs[0];
    if (options->batch < 0)
        return oct_fail(err, OCT_E_USAGE, "a batch of %d", (int)options->batch);
    for (int32_t i = 0; options->batch != 0 && i < sub->input_count; i++)
        if (sub->tensors[sub->inputs[i]]->rank > 0)
            OCT_TRY(set_dim(graph, sub->tensors[sub->inputs[i]], 0, options->batch, err));
    for (int32_t i = 0; i < options->shape_count; i++)
        OCT_TRY(apply_shape(graph, &options->shapes[i], err));
    for (int32_t i = 0; i < sub->input_count; i++)
        drop_static_signature(sub->tensors[sub->inputs[i]]);
    OCT_TRY(oct_passes_infer_shapes(graph, err));
    return oct_graph_check(graph, err);
}
