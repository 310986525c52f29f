/*
 * From options to a quantized graph: checks, calibration, the quantizer of the mode, versions.
 */
#include <string.h>

#include "quant/calibrate.h"
#include "quant/correct.h"
#include "quant/equalise.h"
#include "quant/prepare.h"
#include "quant/quality.h"
#include "quant/refine.h"
#include "quant/rewrite.h"

typedef oct_status (*quantizer)(oct_work *work, oct_error *err);

static quantizer quantizer_of(oct_mode mode)
{
    switch (mode) {
    case OCT_MODE_FLOAT16:
        return oct_quantize_float16;
    case OCT_MODE_DYNAMIC:
    case OCT_MODE_WEIGHT_ONLY:
        return oct_quantize_dynamic;
    case OCT_MODE_INT8:
    case OCT_MODE_INT8_FULL:
        return oct_quantize_int8;
    case OCT_MODE_INT16X8:
        return oct_quantize_int16x8;
    default:
        return NULL;
    }
}

static oct_status finish(oct_work *work, oct_error *err)
{
    OCT_TRY(oct_graph_compact(work->graph, work->sub, err));
    OCT_TRY(oct_ops_assign_versions(work->graph, err));
    return oct_error_prefix(err, oct_graph_check(work->graph, err), "after quantization");
}

/* Clones the float graph and rewrites the clone for the mode of options, which must be one. */
static oct_status rewrite(const oct_graph *graph, const oct_quant_options *options,
    const oct_range *ranges, oct_graph **out, oct_quant_report **report, oct_rewritten *made,
    oct_error *err)
{
    OCT_TRY(oct_graph_clone(graph, out, err));
    OCT_TRY(oct_report_create(graph, report, err));
    oct_subgraph *sub = (*out)->subgraphs[0];
    made->work = (oct_work){ .graph = *out, .sub = sub, .options = options, .ranges = ranges,
        .float_tensors = sub->tensor_count, .report = *report };
    size_t bytes = (size_t)sub->node_count * sizeof *made->nodes;
    made->nodes = oct_arena_copy(&made->work.arena, sub->nodes, bytes);
    if (made->nodes == NULL)
        return oct_fail_memory(err, bytes, "nodes");
    quantizer quantize = quantizer_of(options->mode);
    return quantize == NULL ? OCT_OK : quantize(&made->work, err);
}

/* The mode whose graph the engine can run with float inputs, with the weights and biases of `mode`. */
static oct_mode simulated(oct_mode mode)
{
    return mode == OCT_MODE_INT8_FULL ? OCT_MODE_INT8 :
        mode == OCT_MODE_DYNAMIC      ? OCT_MODE_WEIGHT_ONLY :
                                        mode;
}

static oct_status correct(const oct_graph *graph, const oct_evidence *evidence, oct_rewritten *real,
    oct_error *err)
{
    oct_quant_options options = *real->work.options;
    options.mode = simulated(options.mode);
    oct_graph *simulation = NULL;
    oct_quant_report *notes = NULL;
    oct_rewritten sim = { .nodes = NULL };
    oct_status status = rewrite(graph, &options, real->work.ranges, &simulation, &notes, &sim, err);
    if (status == OCT_OK)
        status = oct_correct(graph, evidence, &sim, real, err);
    oct_arena_free(&sim.work.arena);
    oct_quant_report_free(notes);
    oct_graph_free(simulation);
    return status;
}

static bool is_checked(const oct_quant_options *options)
{
    return options->held != NULL && options->held->count > 0 && options->calib != NULL &&
           options->calib->count > 0;
}

/* evidence: NULL for ranges alone. */
static oct_status quantize(const oct_graph *graph, const oct_quant_options *options,
    const oct_range *ranges, const oct_evidence *evidence, oct_graph **out,
    oct_quant_report **report, oct_error *err)
{
    oct_quant_report *notes = NULL;
    oct_rewritten made = { .nodes = NULL };
    *out = NULL;
    oct_status status = rewrite(graph, options, ranges, out, &notes, &made, err);
    if (status == OCT_OK && options->effort != OCT_EFFORT_NONE && evidence != NULL)
        status = correct(graph, evidence, &made, err);
    if (status == OCT_OK && quantizer_of(options->mode) != NULL)
        status = finish(&made.work, err);
    if (status == OCT_OK && is_checked(options)) {
        status = oct_quality_measure(graph, *out, options, evidence, ranges, &notes->quality, err);
        notes->has_quality = status == OCT_OK;
    }
    oct_arena_free(&made.work.arena);
    if (status != OCT_OK) {
        oct_graph_free(*out);
        *out = NULL;
    }
    if (status != OCT_OK || report == NULL) {
        oct_quant_report_free(notes);
        notes = NULL;
    }
    if (report != NULL)
        *report = notes;
    return status;
}

oct_status oct_quantize_with_ranges(const oct_graph *graph, const oct_quant_options *options,
    const oct_range *ranges, oct_graph **out, oct_quant_report **report, oct_error *err)
{
    return quantize(graph, options, ranges, NULL, out, report, err);
}

/* What effort does to the float graph and its ranges before they become integers. */
static oct_status improve(oct_graph *graph, const oct_quant_options *options,
    oct_evidence *evidence, oct_error *err)
{
    if (options->mode != OCT_MODE_INT8 && options->mode != OCT_MODE_INT8_FULL)
        return OCT_OK;
    OCT_TRY(oct_equalise(graph, evidence, err));
    /* Integer inputs are given as codes, which need no guard. */
    if (options->mode == OCT_MODE_INT8)
        OCT_TRY(oct_ranges_guard_inputs(
            graph, options, &evidence->choice, evidence->ranges, err));
    return oct_ranges_join_sums(graph, evidence->ranges, err);
}

static oct_status calibrate_and_quantize(oct_graph *graph, const oct_quant_options *options,
    oct_graph **out, oct_quant_report **report, oct_error *err)
{
    bool effort = options->effort != OCT_EFFORT_NONE;
    oct_evidence evidence = { .tensors = 0 };
    if (effort)
        OCT_TRY(oct_add_biases(graph, err));
    oct_status status = oct_calibrate_evidence(graph, options, &evidence, err);
    if (status == OCT_OK && effort)
        status = improve(graph, options, &evidence, err);
    if (status == OCT_OK)
        status = quantize(graph, options,
            oct_mode_needs_calibration(options->mode) ? evidence.ranges : NULL,
            &evidence, out, report, err);
    oct_evidence_free(&evidence);
    return status;
}

static oct_status check_options(const oct_quant_options *options, oct_error *err)
{
    if ((unsigned)options->mode >= OCT_MODE_COUNT)
        return oct_fail(err, OCT_E_USAGE, "unknown quantization mode %d", (int)options->mode);
    if ((unsigned)options->effort >= OCT_EFFORT_COUNT)
        return oct_fail(err, OCT_E_USAGE, "unknown effort %d", (int)options->effort);
    if ((unsigned)options->range >= OCT_RANGE_COUNT)
        return oct_fail(err, OCT_E_USAGE, "unknown range method %d", (int)options->range);
    if (options->range_argument != 0 && !(options->range == OCT_RANGE_PERCENTILE &&
            options->range_argument > 50 && options->range_argument <= 100))
        return oct_fail(err, OCT_E_USAGE,
            "a range takes a number only for percentile: above 50, up to 100");
    return OCT_OK;
}

/* Modes that do without calibration data make use of it where there is some. */
static bool calibrates(const oct_quant_options *options)
{
    return oct_mode_needs_calibration(options->mode) ||
           (oct_mode_uses_calibration(options->mode, options->effort) && options->calib != NULL &&
               options->calib->count > 0);
}

oct_status oct_quantize_graph(const oct_graph *graph, const oct_quant_options *options,
    oct_graph **out, oct_quant_report **report, oct_error *err)
{
    *out = NULL;
    if (report != NULL)
        *report = NULL;
    OCT_TRY(check_options(options, err));
    if (options->mode == OCT_MODE_FLOAT32)
        return oct_quantize_with_ranges(graph, options, NULL, out, report, err);
    oct_graph *plain;
    OCT_TRY(oct_quant_prepare(graph, &plain, err));
    oct_status status = calibrates(options)
                            ? calibrate_and_quantize(plain, options, out, report, err)
                            : oct_quantize_with_ranges(plain, options, NULL, out, report, err);
    oct_graph_free(plain);
    return status;
}
