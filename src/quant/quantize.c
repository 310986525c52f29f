/*
 * From options to a quantized graph: checks, calibration, the quantizer of the mode, versions.
 */
#include <string.h>

#include "quant/calibrate.h"
#include "quant/correct.h"
#include "quant/equalise.h"
#include "quant/prepare.h"
#include "quant/quality.h"
#include "quant/recipe.h"
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

static oct_status finish(oct_rewritten *made, oct_error *err)
{
    oct_work *work = &made->work;
    OCT_TRY(oct_graph_compact(work->graph, work->sub, err));
    OCT_TRY(oct_narrow_pack(made, err));
    OCT_TRY(oct_ops_assign_versions(work->graph, err));
    return oct_error_prefix(err, oct_graph_check(work->graph, err), "after quantization");
}

static oct_status note_uncalibrated(oct_work *work, oct_error *err)
{
    for (int32_t i = 0; i < work->node_count; i++)
        if (oct_work_takes(work, work->nodes[i]))
            OCT_TRY(oct_report_set(work->report, i, "float32", err,
                "calibration data and recipes reach the main subgraph only"));
    return OCT_OK;
}

/* A subgraph that control flow, a composite or another signature runs: weights alone change. */
static oct_status rewrite_other(oct_work *work, bool by_layer, oct_error *err)
{
    OCT_TRY(oct_work_know_nodes(work, err));
    OCT_TRY(oct_work_keep_nodes(work, err));
    if (oct_mode_needs_calibration(work->form) || by_layer)
        return note_uncalibrated(work, err);
    OCT_TRY(quantizer_of(work->form)(work, err));
    return oct_graph_compact(work->graph, work->sub, err);
}

static oct_status rewrite_others(const oct_work *first, bool by_layer, oct_error *err)
{
    oct_quant_report *last = first->report;
    for (int32_t i = 1; i < first->graph->subgraph_count; i++) {
        OCT_TRY(oct_report_create(first->graph, i, &last->next, err));
        last = last->next;
        oct_subgraph *sub = first->graph->subgraphs[i];
        oct_work work = { .graph = first->graph, .sub = sub, .options = first->options,
            .float_tensors = sub->tensor_count, .report = last, .form = first->form };
        oct_status status = rewrite_other(&work, by_layer, err);
        oct_arena_free(&work.arena);
        OCT_TRY(status);
    }
    return OCT_OK;
}

/* Clones the float graph and rewrites the clone for the mode of options, or by settings. */
static oct_status rewrite(const oct_graph *graph, const oct_quant_options *options,
    const oct_settings *settings, const oct_range *ranges, oct_graph **out, oct_quant_report **report, oct_rewritten *made,
    oct_error *err)
{
    OCT_TRY(oct_graph_clone(graph, out, err));
    OCT_TRY(oct_report_create(graph, 0, report, err));
    oct_subgraph *sub = (*out)->subgraphs[0];
    made->work = (oct_work){ .graph = *out, .sub = sub, .options = options, .ranges = ranges,
        .float_tensors = sub->tensor_count, .report = *report, .form = options->mode,
        .settings = settings };
    OCT_TRY(oct_work_know_nodes(&made->work, err));
    made->nodes = made->work.nodes;
    quantizer quantize = settings != NULL ? oct_quantize_mixed : quantizer_of(options->mode);
    if (quantize == NULL)
        return OCT_OK;
    OCT_TRY(oct_work_keep_nodes(&made->work, err));
    OCT_TRY(quantize(&made->work, err));
    return rewrite_others(&made->work, settings != NULL, err);
}

/* The mode whose graph the engine can run with float inputs, with the weights and biases of `mode`. */
static oct_mode simulated(oct_mode mode)
{
    return mode == OCT_MODE_INT8_FULL ? OCT_MODE_INT8 :
        mode == OCT_MODE_DYNAMIC      ? OCT_MODE_WEIGHT_ONLY :
                                        mode;
}

static oct_status simulate_settings(oct_rewritten *real, oct_settings *out, oct_error *err)
{
    const oct_settings *settings = real->work.settings;
    size_t bytes = (size_t)settings->count * sizeof *settings->of;
    *out = *settings;
    out->of = oct_arena_copy(&real->work.arena, settings->of, bytes);
    if (out->of == NULL)
        return oct_fail_memory(err, bytes, "settings");
    for (int32_t i = 0; i < out->count; i++)
        out->of[i].form = simulated(out->of[i].form);
    return OCT_OK;
}

static oct_status correct(const oct_graph *graph, const oct_evidence *evidence, oct_rewritten *real,
    oct_error *err)
{
    oct_quant_options options = *real->work.options;
    options.mode = simulated(options.mode);
    oct_settings settings, *own = NULL;
    if (real->work.settings != NULL) {
        OCT_TRY(simulate_settings(real, &settings, err));
        own = &settings;
    }
    oct_graph *simulation = NULL;
    oct_quant_report *notes = NULL;
    oct_rewritten sim = { .nodes = NULL };
    oct_status status = rewrite(graph, &options, own, real->work.ranges, &simulation, &notes, &sim, err);
    if (status == OCT_OK)
        status = oct_narrow_like(real, &sim, err);
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

/* settings: NULL where all layers are as the options say; evidence: NULL for ranges alone. */
static oct_status quantize(const oct_graph *graph, const oct_quant_options *options,
    const oct_settings *settings, const oct_range *ranges, const oct_evidence *evidence, oct_graph **out,
    oct_quant_report **report, oct_error *err)
{
    oct_quant_report *notes = NULL;
    oct_rewritten made = { .nodes = NULL };
    *out = NULL;
    oct_status status = rewrite(graph, options, settings, ranges, out, &notes, &made, err);
    if (status == OCT_OK)
        status = oct_narrow_weights(graph, &made, err);
    if (status == OCT_OK && evidence != NULL &&
        oct_settings_effort(settings, options) != OCT_EFFORT_NONE)
        status = correct(graph, evidence, &made, err);
    if (status == OCT_OK && (settings != NULL || quantizer_of(options->mode) != NULL))
        status = finish(&made, err);
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
    return quantize(graph, options, NULL, ranges, NULL, out, report, err);
}

/* What effort does to the float graph and its ranges before they become integers. */
static oct_status improve(oct_graph *graph, const oct_quant_options *options,
    oct_evidence *evidence, oct_error *err)
{
    const oct_settings *settings = evidence->settings;
    if (settings == NULL ? options->mode != OCT_MODE_INT8 && options->mode != OCT_MODE_INT8_FULL
                         : !oct_settings_have(settings, OCT_MODE_INT8))
        return OCT_OK;
    OCT_TRY(oct_equalise(graph, evidence, err));
    /* Integer inputs are given as codes, which need no guard. */
    oct_quant_options chosen = *options;
    chosen.calib = evidence->from;
    if (options->mode != OCT_MODE_INT8_FULL)
        OCT_TRY(oct_ranges_guard_inputs(
            graph, &chosen, &evidence->choice, evidence->ranges, err));
    return oct_ranges_join_sums(graph, evidence->ranges, err);
}

static oct_status calibrate_and_quantize(oct_graph *graph, const oct_quant_options *options,
    const oct_settings *settings, oct_graph **out, oct_quant_report **report, oct_error *err)
{
    bool effort = oct_settings_effort(settings, options) != OCT_EFFORT_NONE;
    oct_evidence evidence = { .settings = settings };
    if (effort)
        OCT_TRY(oct_add_biases(graph, err));
    oct_status status = oct_calibrate_evidence(graph, options, &evidence, err);
    if (status == OCT_OK && options->effort != OCT_EFFORT_NONE)
        status = improve(graph, options, &evidence, err);
    if (status == OCT_OK)
        status = quantize(graph, options, settings,
            oct_settings_calibrate(settings, options) ? evidence.ranges : NULL, &evidence, out, report, err);
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
    if (options->weight_bits != 0 && options->weight_bits != 8 && options->weight_bits != 4)
        return oct_fail(err, OCT_E_USAGE, "weights have 8 or 4 bits, not %d", (int)options->weight_bits);
    if (options->weight_bits == 4 && options->mode <= OCT_MODE_FLOAT16)
        return oct_fail(err, OCT_E_USAGE, "%s has no weights of 4 bits", oct_mode_name(options->mode));
    if (options->statistics != NULL && options->recipe != NULL)
        return oct_fail(err, OCT_E_USAGE, "statistics are taken without a recipe");
    return OCT_OK;
}

/* Modes that do without calibration data make use of it where there is some. */
static bool calibrates(const oct_quant_options *options, const oct_settings *settings)
{
    bool samples = options->statistics != NULL || (options->calib != NULL && options->calib->count > 0);
    return oct_settings_calibrate(settings, options) ||
           (oct_settings_use_samples(settings, options) && samples);
}

static oct_status quantize_prepared(oct_graph *plain, const oct_quant_options *options,
    oct_graph **out, oct_quant_report **report, oct_error *err)
{
    oct_settings resolved, *settings = options->recipe != NULL ? &resolved : NULL;
    oct_arena arena = { 0 };
    oct_status status = OCT_OK;
    if (settings != NULL)
        status = oct_recipe_settle(options->recipe, plain, options, &arena, settings, NULL, err);
    if (status == OCT_OK)
        status = calibrates(options, settings)
                     ? calibrate_and_quantize(plain, options, settings, out, report, err)
                     : quantize(plain, options, settings, NULL, NULL, out, report, err);
    oct_arena_free(&arena);
    return status;
}

oct_status oct_quantize_graph(const oct_graph *graph, const oct_quant_options *asked,
    oct_graph **out, oct_quant_report **report, oct_error *err)
{
    const oct_quant_options own = oct_recipe_options(asked), *options = &own;
    *out = NULL;
    if (report != NULL)
        *report = NULL;
    OCT_TRY(check_options(options, err));
    if (options->mode == OCT_MODE_FLOAT32 && options->recipe == NULL)
        return oct_quantize_with_ranges(graph, options, NULL, out, report, err);
    oct_graph *plain;
    OCT_TRY(oct_quant_prepare(graph, &plain, err));
    oct_status status = quantize_prepared(plain, options, out, report, err);
    oct_graph_free(plain);
    return status;
}
