/*
 * Calibration: from what was seen of every activation to the range its codes cover.
 */
#include <math.h>

#include "ops/op.h"
#include "quant/calibrate.h"
#include "quant/estimate.h"
#include "quant/overwritten.h"
#include "quant/statistics.h"

/* The mean of the samples' own extremes: what a moving average tends to, without its memory of order. */
static oct_status average_extremes(
    const oct_evidence *e, int64_t samples, int32_t tensor, oct_range *range, oct_error *err)
{
    oct_arena arena = { 0 };
    double *column = oct_arena_array(&arena, (size_t)samples, sizeof *column), ends[2];
    if (column == NULL)
        return oct_fail_memory(err, (size_t)samples * sizeof *column, "extremes");
    for (int end = 0; end < 2; end++) {
        for (int64_t i = 0; i < samples; i++)
            column[i] = (double)e->extremes[2 * (i * e->tensors + tensor) + end];
        ends[end] = oct_mean_of(column, samples);
    }
    *range = (oct_range){ (float)ends[0], (float)ends[1], true };
    oct_arena_free(&arena);
    return OCT_OK;
}

static bool names(const int32_t *list, int32_t count, int32_t tensor)
{
    for (int32_t i = 0; i < count; i++)
        if (list[i] == tensor)
            return true;
    return false;
}

/* What a clipping estimator must not touch: inputs, results and what operators with fixed outputs read,
   as logits, where the extremes are what counts; and what an activation bounds already. */
static bool keeps_extremes(const oct_subgraph *sub, int32_t tensor)
{
    if (names(sub->inputs, sub->input_count, tensor) || names(sub->outputs, sub->output_count, tensor))
        return true;
    for (int32_t i = 0; i < sub->node_count; i++) {
        oct_node *node = sub->nodes[i];
        const int8_t *activation = oct_node_option(node, "fused_activation");
        if (names(node->inputs, node->input_count, tensor) &&
            oct_node_rule(node)->link == OCT_LINK_FIXED)
            return true;
        if (names(node->outputs, node->output_count, tensor) && activation != NULL &&
            (*activation == OCT_ACT_RELU6 || *activation == OCT_ACT_RELU_N1_TO_1))
            return true;
    }
    return false;
}

/* By a layer's setting, of which only the range is of interest here. */
static oct_status estimate(const oct_evidence *e, const oct_setting *how, int32_t tensor,
    oct_range *range, oct_error *err)
{
    oct_range seen = *range;
    switch (how->range) {
    case OCT_RANGE_MOVING_AVERAGE:
        return average_extremes(e, e->samples, tensor, range, err);
    case OCT_RANGE_PERCENTILE:
        return oct_estimate_percentile(&e->histograms[tensor], seen,
            how->range_argument > 0 ? how->range_argument : 99.999, range, err);
    case OCT_RANGE_MSE:
        return oct_estimate_mse(&e->histograms[tensor], seen, range, err);
    case OCT_RANGE_ENTROPY:
        return oct_estimate_entropy(&e->histograms[tensor], seen, range, err);
    default:
        return OCT_OK;
    }
}

/* By this process, by all of a group, or from what parts of the samples gave. */
static oct_status gather(const oct_graph *graph, const oct_quant_options *options,
    oct_evidence *evidence, oct_error *err)
{
    const oct_group *group = options->group;
    const oct_statistics *statistics = options->statistics;
    oct_statistics *shared = NULL;
    if (statistics == NULL && group != NULL && options->calib != NULL &&
        options->calib->count >= group->size) {
        OCT_TRY(oct_statistics_share(graph, options, evidence->settings, &shared, err));
        statistics = shared;
    }
    if (statistics == NULL) {
        oct_quant_options alone = *options;
        alone.group = NULL;
        return oct_evidence_gather(graph, &alone, evidence, err);
    }
    oct_status status = oct_statistics_evidence(statistics, graph, options, evidence, err);
    evidence->shared = shared;
    return status;
}

oct_status oct_calibrate_evidence(const oct_graph *graph, const oct_quant_options *options,
    oct_evidence *evidence, oct_error *err)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    const oct_settings *settings = evidence->settings;
    const oct_setting all = oct_setting_of_options(options);
    OCT_TRY(gather(graph, options, evidence, err));
    for (int32_t i = 0; i < evidence->tensors; i++) {
        const oct_setting *how = settings == NULL ? &all : oct_setting_of_tensor(settings, sub, i);
        if (how->range != OCT_RANGE_MINMAX && evidence->ranges[i].seen && !keeps_extremes(sub, i))
            OCT_TRY(estimate(evidence, how, i, &evidence->ranges[i], err));
    }
    if (oct_settings_effort(settings, options) == OCT_EFFORT_NONE)
        oct_ranges_add_overwritten(graph, evidence->ranges);
    return OCT_OK;
}

oct_status oct_calibrate(const oct_graph *graph, const oct_quant_options *options,
    oct_range *ranges, oct_error *err)
{
    oct_evidence evidence = { .settings = NULL };
    oct_status status = oct_calibrate_evidence(graph, options, &evidence, err);
    for (int32_t i = 0; status == OCT_OK && i < evidence.tensors; i++)
        ranges[i] = evidence.ranges[i];
    oct_evidence_free(&evidence);
    return status;
}
