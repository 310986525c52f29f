/*
 * From options to a quantized graph: checks, calibration, the quantizer of the mode, versions.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant/prepare.h"
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

static oct_status run(const oct_graph *graph, const oct_quant_options *options,
    const oct_range *ranges, oct_graph **out, oct_quant_report **report, oct_error *err)
{
    OCT_TRY(oct_graph_clone(graph, out, err));
    OCT_TRY(oct_report_create(graph, report, err));
    quantizer quantize = quantizer_of(options->mode);
    if (quantize == NULL)
        return OCT_OK;
    oct_work work = { .graph = *out, .sub = (*out)->subgraphs[0], .options = options,
        .ranges = ranges, .float_tensors = graph->subgraphs[0]->tensor_count, .report = *report };
    oct_status status = quantize(&work, err);
    if (status == OCT_OK)
        status = finish(&work, err);
    oct_arena_free(&work.arena);
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

static oct_status calibrate_and_quantize(const oct_graph *graph, const oct_quant_options *options,
    oct_graph **out, oct_quant_report **report, oct_error *err)
{
    size_t bytes = (size_t)graph->subgraphs[0]->tensor_count * sizeof(oct_range);
    oct_range *ranges = malloc(bytes + 1);
    if (ranges == NULL)
        return oct_fail_memory(err, bytes, "ranges");
    oct_status status = oct_calibrate(graph, options, ranges, err);
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
