/*
 * From options to a quantized graph: checks, calibration, the quantizer of the mode, versions.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant/correct.h"
#include "quant/prepare.h"
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

static oct_status correct(const oct_graph *graph, oct_rewritten *real, oct_error *err)
{
    oct_quant_options options = *real->work.options;
    options.mode = simulated(options.mode);
    oct_graph *simulation = NULL;
    oct_quant_report *notes = NULL;
    oct_rewritten sim = { .nodes = NULL };
    oct_status status = rewrite(graph, &options, real->work.ranges, &simulation, &notes, &sim, err);
    if (status == OCT_OK)
        status = oct_correct_biases(graph, &sim, real, err);
    oct_arena_free(&sim.work.arena);
    oct_quant_report_free(notes);
    oct_graph_free(simulation);
    return status;
}

static oct_status run(const oct_graph *graph, const oct_quant_options *options,
    const oct_range *ranges, oct_graph **out, oct_quant_report **report, oct_error *err)
{
    oct_rewritten made = { .nodes = NULL };
    oct_status status = rewrite(graph, options, ranges, out, report, &made, err);
    if (status == OCT_OK && options->effort != OCT_EFFORT_NONE && options->calib != NULL &&
        options->calib->count > 0 && oct_mode_uses_calibration(options->mode, options->effort))
        status = correct(graph, &made, err);
    if (status == OCT_OK && quantizer_of(options->mode) != NULL)
        status = finish(&made.work, err);
    oct_arena_free(&made.work.arena);
    return status;
}

oct_status oct_quantize_with_ranges(const oct_graph *graph, const oct_quant_options *options,
    const oct_range *ranges, oct_graph **out, oct_quant_report **report, oct_error *err)
{
    oct_quant_report *notes = NULL;
    *out = NULL;
    oct_status status = run(graph, options, ranges, out, &notes, err);
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

static oct_status refine(const oct_graph *graph, const oct_quant_options *options,
    oct_range *ranges, oct_error *err)
{
    bool int8 = options->mode == OCT_MODE_INT8 || options->mode == OCT_MODE_INT8_FULL;
    if (options->effort == OCT_EFFORT_NONE || !int8)
        return OCT_OK;
    /* Integer inputs are given as codes, which need no guard. */
    if (options->mode == OCT_MODE_INT8)
        OCT_TRY(oct_ranges_guard_inputs(graph, options, ranges, err));
    return oct_ranges_join_sums(graph, ranges, err);
}

static oct_status calibrate_and_quantize(const oct_graph *graph, const oct_quant_options *options,
    oct_graph **out, oct_quant_report **report, oct_error *err)
{
    size_t bytes = (size_t)graph->subgraphs[0]->tensor_count * sizeof(oct_range);
    oct_range *ranges = malloc(bytes + 1);
    if (ranges == NULL)
        return oct_fail_memory(err, bytes, "ranges");
    oct_status status = oct_calibrate(graph, options, ranges, err);
    if (status == OCT_OK)
        status = refine(graph, options, ranges, err);
    if (status == OCT_OK)
        status = oct_quantize_with_ranges(graph, options, ranges, out, report, err);
    free(ranges);
    return status;
}

oct_status oct_quantize_graph(const oct_graph *graph, const oct_quant_options *options,
    oct_graph **out, oct_quant_report **report, oct_error *err)
{
    *out = NULL;
    if (report != NULL)
        *report = NULL;
    if ((unsigned)options->mode >= OCT_MODE_COUNT)
        return oct_fail(err, OCT_E_USAGE, "unknown quantization mode %d", (int)options->mode);
    if ((unsigned)options->effort >= OCT_EFFORT_COUNT)
        return oct_fail(err, OCT_E_USAGE, "unknown effort %d", (int)options->effort);
    if (options->mode == OCT_MODE_FLOAT32)
        return oct_quantize_with_ranges(graph, options, NULL, out, report, err);
    oct_graph *plain;
    OCT_TRY(oct_quant_prepare(graph, &plain, err));
    oct_status status = oct_mode_needs_calibration(options->mode) ?
        calibrate_and_quantize(plain, options, out, report, err) :
        oct_quantize_with_ranges(plain, options, NULL, out, report, err);
    oct_graph_free(plain);
    return status;
}

static const struct {
    const char *name;
    bool calibrated;
} modes[] = {
#define OCT_MODE_ROW(enumerator, name, calibrated, text) [enumerator] = { name, calibrated },
    OCT_MODE_LIST(OCT_MODE_ROW)
#undef OCT_MODE_ROW
};

const char *oct_mode_name(oct_mode mode)
{
    return (unsigned)mode < OCT_MODE_COUNT ? modes[mode].name : "unknown";
}

bool oct_mode_from_name(const char *name, oct_mode *mode)
{
    for (int i = 0; i < OCT_MODE_COUNT; i++)
        if (strcmp(modes[i].name, name) == 0) {
            *mode = (oct_mode)i;
            return true;
        }
    return false;
}

bool oct_mode_needs_calibration(oct_mode mode)
{
    return (unsigned)mode < OCT_MODE_COUNT && modes[mode].calibrated;
}

bool oct_mode_uses_calibration(oct_mode mode, oct_effort effort)
{
    bool has_biases = mode == OCT_MODE_DYNAMIC || mode == OCT_MODE_WEIGHT_ONLY;
    return oct_mode_needs_calibration(mode) || (effort != OCT_EFFORT_NONE && has_biases);
}

static const char *const efforts[] = {
#define OCT_EFFORT_ROW(enumerator, name, text) [enumerator] = name,
    OCT_EFFORT_LIST(OCT_EFFORT_ROW)
#undef OCT_EFFORT_ROW
};

const char *oct_effort_name(oct_effort effort)
{
    return (unsigned)effort < OCT_EFFORT_COUNT ? efforts[effort] : "unknown";
}

bool oct_effort_from_name(const char *name, oct_effort *effort)
{
    for (int i = 0; i < OCT_EFFORT_COUNT; i++)
        if (strcmp(efforts[i], name) == 0) {
            *effort = (oct_effort)i;
            return true;
        }
    return false;
}
