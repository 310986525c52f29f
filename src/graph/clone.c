/*
 * Copying a graph: what passes edit in place is new, all else is shared with the kept-alive original.
 */
#include "graph/graph.h"

#include <string.h>

typedef struct cloner {
    oct_arena *arena;
    bool failed; /* some allocation failed; asked once, at the end */
} cloner;

static void *copy(cloner *c, const void *bytes, size_t count, size_t size)
{
    if (bytes == NULL)
        return NULL;
    void *result = oct_arena_copy(c->arena, bytes, count * size);
    c->failed |= result == NULL;
    return result;
}

static oct_tensor *clone_tensor(cloner *c, const oct_tensor *from)
{
    oct_tensor *to = copy(c, from, 1, sizeof *from);
    if (to == NULL)
        return NULL;
    to->dims = copy(c, from->dims, (size_t)from->rank, sizeof *from->dims);
    to->signature = copy(c, from->signature, (size_t)from->rank, sizeof *from->signature);
    return to;
}

static oct_node *clone_node(cloner *c, const oct_node *from)
{
    oct_node *to = copy(c, from, 1, sizeof *from);
    if (to == NULL)
        return NULL;
    to->inputs = copy(c, from->inputs, (size_t)from->input_count, sizeof *from->inputs);
    to->outputs = copy(c, from->outputs, (size_t)from->output_count, sizeof *from->outputs);
    if (from->options != NULL)
        to->options = copy(c, from->options, 1, oct_options_record(from->options_type)->size);
    return to;
}

static oct_subgraph *clone_subgraph(cloner *c, const oct_subgraph *from)
{
    oct_subgraph *to = copy(c, from, 1, sizeof *from);
    if (to == NULL)
        return NULL;
    to->inputs = copy(c, from->inputs, (size_t)from->input_count, sizeof *from->inputs);
    to->outputs = copy(c, from->outputs, (size_t)from->output_count, sizeof *from->outputs);
    to->tensors = copy(c, from->tensors, (size_t)from->tensor_count, sizeof *from->tensors);
    to->nodes = copy(c, from->nodes, (size_t)from->node_count, sizeof *from->nodes);
    to->tensor_capacity = from->tensor_count;
    to->node_capacity = from->node_count;
    for (int32_t i = 0; to->tensors != NULL && i < from->tensor_count; i++)
        to->tensors[i] = clone_tensor(c, from->tensors[i]);
    for (int32_t i = 0; to->nodes != NULL && i < from->node_count; i++)
        to->nodes[i] = clone_node(c, from->nodes[i]);
    return to;
}

static void clone_signatures(cloner *c, oct_graph *to, const oct_graph *from)
{
    to->signatures =
        copy(c, from->signatures, (size_t)from->signature_count, sizeof *from->signatures);
    for (int32_t i = 0; to->signatures != NULL && i < from->signature_count; i++) {
        oct_signature *signature = &to->signatures[i];
        signature->inputs = copy(c, signature->inputs, (size_t)signature->input_count,
            sizeof *signature->inputs);
        signature->outputs = copy(c, signature->outputs, (size_t)signature->output_count,
            sizeof *signature->outputs);
    }
}

oct_status oct_graph_clone(const oct_graph *graph, oct_graph **out, oct_error *err)
{
    *out = NULL;
    oct_graph *to = oct_graph_create();
    if (to == NULL)
        return oct_fail_memory(err, sizeof *to, "graph");
    oct_arena arena = to->arena;
    *to = *graph;
    atomic_init(&to->references, 1);
    to->arena = arena;
    to->backings = NULL;
    to->backing_count = to->backing_capacity = 0;
    /* Counting a reference does not change what the caller sees of the const graph. */
    to->origin = (oct_graph *)(uintptr_t)graph;
    atomic_fetch_add(&to->origin->references, 1);

    cloner c = { &to->arena, false };
    to->subgraphs =
        copy(&c, graph->subgraphs, (size_t)graph->subgraph_count, sizeof *graph->subgraphs);
    for (int32_t i = 0; to->subgraphs != NULL && i < graph->subgraph_count; i++)
        to->subgraphs[i] = clone_subgraph(&c, graph->subgraphs[i]);
    clone_signatures(&c, to, graph);
    to->metadata =
        copy(&c, graph->metadata, (size_t)graph->metadata_count, sizeof *graph->metadata);
    if (c.failed) {
        oct_graph_free(to);
        return oct_fail_memory(err, 0, "copy of the graph");
    }
    *out = to;
    return OCT_OK;
}
