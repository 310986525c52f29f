/*
 * Which calibrated ranges count.
 *
 * Ranges of operators with fixed output parameters are dropped. Through operators whose operands share
 * their parameters one range wins: that of the single float input, or with several float inputs
 * (concatenation) that of the result. Source: RemoveRedundantStatsOps.
 */
#include "quant/redundant.h"

#include "quant/plan.h"

typedef struct ranges {
    const oct_work *work;
    bool *counts;   /* [tensors]: has a range */
    bool *dropped;  /* [tensors]: it does not count */
    bool *visited;  /* [tensors]: by the backward search */
    int32_t *stack; /* tensors to look at */
    int32_t depth;
} ranges;

static void drop(ranges *r, int32_t tensor)
{
    if (tensor < 0 || !r->counts[tensor] || r->dropped[tensor])
        return;
    r->dropped[tensor] = true;
    r->stack[r->depth++] = tensor;
}

/* A range reaches through nodes with one float input to the ranges behind them. */
static void drop_behind(ranges *r, int32_t tensor)
{
    const oct_subgraph *sub = r->work->sub;
    for (int32_t i = 0; i < sub->node_count; i++) {
        const oct_node *node = sub->nodes[i];
        bool reads = false;
        for (int32_t j = 0; j < node->input_count; j++)
            reads |= node->inputs[j] == tensor;
        if (!reads || oct_work_rule(r->work, node)->link != OCT_LINK_SAME || oct_node_float_inputs(r->work, node) > 1)
            continue;
        for (int32_t j = 0; j < node->output_count; j++)
            drop(r, node->outputs[j]);
    }
}

/* The result's range reaches back as far as it can, also over ranges that did not count already. */
static void drop_before(ranges *r, int32_t tensor)
{
    int32_t from = oct_graph_producer(r->work->sub, tensor);
    if (from < 0 || oct_work_rule(r->work, r->work->sub->nodes[from])->link != OCT_LINK_SAME)
        return;
    const oct_node *node = r->work->sub->nodes[from];
    for (int32_t i = 0; i < node->input_count; i++) {
        int32_t in = node->inputs[i];
        if (in < 0 || !r->counts[in])
            continue;
        r->dropped[in] = true;
        if (!r->visited[in])
            r->stack[r->depth++] = in;
        r->visited[in] = true;
    }
}

static void forward(ranges *r)
{
    int32_t tensors = r->work->sub->tensor_count;
    for (int32_t i = 0; i < r->work->sub->node_count; i++) {
        const oct_node *node = r->work->sub->nodes[i];
        for (int32_t j = 0; j < node->output_count && oct_work_rule(r->work, node)->link == OCT_LINK_FIXED; j++)
            drop(r, node->outputs[j]);
    }
    for (int32_t i = 0; i < tensors; i++)
        if (r->counts[i] && !r->dropped[i])
            drop_behind(r, i);
    while (r->depth > 0)
        drop_behind(r, r->stack[--r->depth]);
}

static void backward(ranges *r)
{
    int32_t tensors = r->work->sub->tensor_count;
    for (int32_t i = 0; i < tensors; i++)
        if (r->counts[i] && !r->dropped[i]) {
            r->stack[r->depth++] = i;
            r->visited[i] = true;
        }
    while (r->depth > 0)
        drop_before(r, r->stack[--r->depth]);
}

oct_status oct_ranges_that_count(oct_work *work, bool *counts, oct_error *err)
{
    size_t tensors = (size_t)work->sub->tensor_count;
    /* A search pushes every tensor at most once, and empties the stack. */
    ranges r = { work, counts, oct_arena_array(&work->arena, tensors, sizeof(bool)),
        oct_arena_array(&work->arena, tensors, sizeof(bool)),
        oct_arena_array(&work->arena, tensors, sizeof(int32_t)), 0 };
    if (r.dropped == NULL || r.visited == NULL || r.stack == NULL)
        return oct_fail_memory(err, tensors * sizeof *r.stack, "ranges");
    for (size_t i = 0; i < tensors; i++) {
        const oct_tensor *tensor = work->sub->tensors[i];
        counts[i] = (int32_t)i < work->float_tensors && work->ranges[i].seen &&
            oct_tensor_is_float(tensor) && !oct_tensor_is_constant(tensor);
    }
    forward(&r);
    backward(&r);
    for (size_t i = 0; i < tensors; i++)
        counts[i] = counts[i] && !r.dropped[i];
    return OCT_OK;
}
