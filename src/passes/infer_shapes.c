/*
 * Shapes of the main subgraph from the shapes of its inputs.
 *
 * Which dimensions depend on an unknown one is found by trying: the graph is inferred twice with two
 * values for every unknown dimension, and whatever differs is unknown too. The values are far apart so
 * that strides and poolings do not bring them together, and both large enough for wide windows.
 */
#include <string.h>

#include "passes/evaluate.h"
#include "passes/pass.h"

enum { TRIALS = 2, COMPUTE_BYTES = 4096 };
static const int32_t trial_dims[TRIALS] = { 224, 97 };

static bool has_unknown(const oct_tensor *tensor)
{
    for (int32_t i = 0; tensor->signature != NULL && i < tensor->rank; i++)
        if (tensor->signature[i] < 0)
            return true;
    return false;
}

static bool any_unknown(const oct_subgraph *sub)
{
    for (int32_t i = 0; i < sub->input_count; i++)
        if (has_unknown(sub->tensors[sub->inputs[i]]))
            return true;
    return false;
}

static oct_status set_trial(oct_evaluator *ev, int32_t index, int32_t dim, oct_error *err)
{
    const oct_tensor *tensor = ev->sub->tensors[index];
    int32_t *dims = oct_arena_copy(&ev->arena, tensor->dims, (size_t)tensor->rank * sizeof *dims);
    if (dims == NULL)
        return oct_fail_memory(err, (size_t)tensor->rank * sizeof *dims, "shapes");
    for (int32_t i = 0; tensor->signature != NULL && i < tensor->rank; i++)
        if (tensor->signature[i] < 0)
            dims[i] = dim;
    ev->values[index].dims = dims;
    return OCT_OK;
}

/* Infers every node; small values that follow from shapes and constants are computed on the way. */
static oct_status infer_all(oct_evaluator *ev, int32_t unknown, oct_error *err)
{
    for (int32_t i = 0; i < ev->sub->input_count; i++)
        OCT_TRY(set_trial(ev, ev->sub->inputs[i], unknown, err));
    for (int32_t i = 0; i < ev->sub->node_count; i++) {
        const oct_node *node = ev->sub->nodes[i];
        bool done;
        OCT_TRY(oct_evaluator_infer(ev, node, err));
        if (oct_evaluator_can_compute(ev, node, COMPUTE_BYTES))
            OCT_TRY(oct_evaluator_compute(ev, node, &done, err));
    }
    return OCT_OK;
}

/* Writes dims of `a` into the tensor; those that differ from `b` become unknown. */
static oct_status store(oct_graph *graph, oct_tensor *tensor, const oct_value *a, const oct_value *b,
    oct_error *err)
{
    size_t bytes = (size_t)a->rank * sizeof *tensor->dims;
    int32_t *dims = oct_arena_copy(&graph->arena, a->dims, bytes);
    int32_t *signature = oct_arena_copy(&graph->arena, a->dims, bytes);
    if (dims == NULL || signature == NULL)
        return oct_fail_memory(err, bytes, "shapes");
    bool unknown = false;
    for (int32_t i = 0; i < a->rank && a->rank == b->rank; i++) {
        if (a->dims[i] == b->dims[i])
            continue;
        dims[i] = 1;
        signature[i] = -1;
        unknown = true;
    }
    tensor->rank = a->rank;
    tensor->dims = dims;
    tensor->signature = unknown ? signature : NULL;
    tensor->has_rank = true;
    return OCT_OK;
}

static oct_status store_all(oct_graph *graph, oct_subgraph *sub, const oct_evaluator trials[TRIALS],
    oct_error *err)
{
    for (int32_t i = 0; i < sub->node_count; i++) {
        const oct_node *node = sub->nodes[i];
        if (oct_op_find(node->op) == NULL)
            continue;
        for (int32_t j = 0; j < node->output_count; j++) {
            int32_t t = node->outputs[j];
            if (t >= 0)
                OCT_TRY(store(graph, sub->tensors[t], &trials[0].values[t], &trials[1].values[t],
                    err));
        }
    }
    return OCT_OK;
}

oct_status oct_passes_infer_shapes(oct_graph *graph, oct_error *err)
{
    oct_subgraph *sub = graph->subgraphs[0];
    oct_evaluator trials[TRIALS];
    memset(trials, 0, sizeof trials);
    bool twice = any_unknown(sub);
    oct_status status = OCT_OK;
    for (int i = 0; i < (twice ? TRIALS : 1) && status == OCT_OK; i++) {
        status = oct_evaluator_init(&trials[i], sub, err);
        if (status == OCT_OK)
            status = infer_all(&trials[i], trial_dims[i], err);
    }
    if (!twice)
        trials[1].values = trials[0].values;
    if (status == OCT_OK)
        status = store_all(graph, sub, trials, err);
    for (int i = 0; i < TRIALS; i++)
        oct_evaluator_deinit(&trials[i]);
    return status;
}
