/*
 * Ranges after calibration: inputs between two codes, and sums of equal scales.
 */
#include "quant/refine.h"

#include <math.h>
#include <stdlib.h>

#include "numeric/qparams.h"
#include "ops/op.h"

/* Inputs. */

enum { LOOKED_AT = 32 };

static size_t count_between(const float *values, size_t count, float scale)
{
    size_t between = 0;
    for (size_t i = 0; i < count; i++) {
        double code = (double)values[i] / (double)scale;
        between += fabs(code - floor(code) - 0.5) < 0.01;
    }
    return between;
}

static oct_status guard_input(const oct_subgraph *sub, int32_t input, const oct_samples *samples,
    const oct_choice *choice, oct_range *range, oct_error *err)
{
    const oct_tensor *tensor = sub->tensors[sub->inputs[input]];
    /* Samples are single: a leading dimension larger than one is the batch the model was made for. */
    size_t count = (size_t)oct_tensor_elements(tensor);
    if (oct_input_has_batch(sub, input) && tensor->dims[0] > 1)
        count /= (size_t)tensor->dims[0];
    float *values = malloc(count * sizeof *values + 1);
    if (values == NULL)
        return oct_fail_memory(err, count * sizeof *values, "a sample");
    int64_t looked_at = choice->count < LOOKED_AT ? choice->count : LOOKED_AT;
    float scale = oct_qparams_activation_s8(range->min, range->max).scale;
    size_t between = 0;
    oct_status status = OCT_OK;
    for (int64_t i = 0; i < looked_at && status == OCT_OK; i++) {
        status = samples->read(
            samples->user, choice->samples[i], input, values, count * sizeof *values, err);
        if (status == OCT_OK)
            between += count_between(values, count, scale);
    }
    free(values);
    if (between > (size_t)looked_at * count / 2) {
        range->min *= 1.005f;
        range->max *= 1.005f;
    }
    return status;
}

oct_status oct_ranges_guard_inputs(const oct_graph *graph, const oct_quant_options *options,
    const oct_choice *choice, oct_range *ranges, oct_error *err)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    for (int32_t i = 0; i < sub->input_count; i++) {
        oct_range *range = &ranges[sub->inputs[i]];
        if (range->seen && sub->tensors[sub->inputs[i]]->type == OCT_FLOAT32)
            OCT_TRY(guard_input(sub, i, options->calib, choice, range, err));
    }
    return OCT_OK;
}

/* Sums. */

/* Tensors connected by sums, as trees: parent[root] == root. */
typedef struct chains {
    const oct_subgraph *sub;
    int32_t *parent; /* [tensors] */
    bool *member;    /* [tensors]: some sum's operand or result */
    bool *is_sum;    /* [tensors]: a sum's result */
} chains;

static int32_t root_of(const chains *c, int32_t tensor)
{
    while (c->parent[tensor] != tensor)
        tensor = c->parent[tensor];
    return tensor;
}

static bool joins(const oct_node *node)
{
    const oct_op_def *def = oct_op_find(node->op);
    return def != NULL && (def->traits & OCT_TRAIT_SUMS) != 0 && node->input_count == 2 &&
           node->output_count == 1;
}

static void connect(chains *c, const oct_node *node)
{
    int32_t operands[3] = { node->inputs[0], node->inputs[1], node->outputs[0] };
    for (int i = 0; i < 3; i++)
        if (operands[i] < 0 || c->sub->tensors[operands[i]]->type != OCT_FLOAT32 ||
            c->sub->tensors[operands[i]]->data != NULL)
            return; /* a constant has the scale that its values ask for */
    for (int i = 0; i < 3; i++) {
        c->member[operands[i]] = true;
        c->parent[root_of(c, operands[i])] = root_of(c, node->outputs[0]);
    }
    c->is_sum[node->outputs[0]] = true;
}

/* A range of its own decides the tensor's scale: it is not passed on or fixed by the operator. */
static bool is_free(const chains *c, int32_t tensor, const oct_range *range)
{
    int32_t maker = oct_graph_producer(c->sub, tensor);
    const oct_op_def *def = maker < 0 ? NULL : oct_op_find(c->sub->nodes[maker]->op);
    return range->seen && (maker < 0 || (def != NULL && def->quant.link == OCT_LINK_FREE));
}

static void set_scale(oct_range *range, double scale)
{
    double low = fmin((double)range->min, 0), high = fmax((double)range->max, 0);
    double zero = round(-128 - ((low + high) / 2 - 127.5 * scale) / scale);
    zero = fmin(fmax(zero, -128), 127);
    range->min = (float)((-128 - zero) * scale);
    range->max = (float)((127 - zero) * scale);
}

static void join_chain(const chains *c, int32_t root, oct_range *ranges)
{
    double separate = 0, largest = 0;
    int32_t terms = 0;
    for (int32_t i = 0; i < c->sub->tensor_count; i++) {
        if (!c->member[i] || root_of(c, i) != root)
            continue;
        if (!is_free(c, i, &ranges[i]))
            return;
        double scale = (double)oct_qparams_activation_s8(ranges[i].min, ranges[i].max).scale;
        separate += scale * scale;
        largest = fmax(largest, scale);
        terms += !c->is_sum[i];
    }
    if (terms * largest * largest >= separate)
        return;
    for (int32_t i = 0; i < c->sub->tensor_count; i++)
        if (c->member[i] && root_of(c, i) == root)
            set_scale(&ranges[i], largest);
}

oct_status oct_ranges_join_sums(const oct_graph *graph, oct_range *ranges, oct_error *err)
{
    oct_arena arena = { 0 };
    const oct_subgraph *sub = graph->subgraphs[0];
    size_t tensors = (size_t)sub->tensor_count;
    chains c = { sub, oct_arena_array(&arena, tensors, sizeof *c.parent),
        oct_arena_array(&arena, tensors, sizeof *c.member),
        oct_arena_array(&arena, tensors, sizeof *c.is_sum) };
    bool failed = c.parent == NULL || c.member == NULL || c.is_sum == NULL;
    for (int32_t i = 0; !failed && i < sub->tensor_count; i++)
        c.parent[i] = i;
    for (int32_t i = 0; !failed && i < sub->node_count; i++)
        if (joins(sub->nodes[i]))
            connect(&c, sub->nodes[i]);
    for (int32_t i = 0; !failed && i < sub->tensor_count; i++)
        if (c.member[i] && c.parent[i] == i)
            join_chain(&c, i, ranges);
    oct_arena_free(&arena);
    return failed ? oct_fail_memory(err, tensors * sizeof *c.parent, "chains of sums") : OCT_OK;
}
