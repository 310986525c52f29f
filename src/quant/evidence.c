/*
 * Gathering evidence: the float model runs over samples, and a tap folds what it sees.
 */
#include "quant/evidence.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "kernels/dispatch.h"
#include "ops/op.h"
#include "quant/estimate.h"
#include "quant/statistics.h"
#include "quant/sweep.h"

/* What one thread saw. */
typedef struct seen {
    oct_range *halves[2];      /* [tensors]: of samples with even and odd index */
    float *low, *high;         /* [channels of all tensors] */
    oct_histogram *histograms; /* [tensors] or NULL */
    bool short_of_memory;
    int32_t bad_tensor;
    int64_t bad_sample; /* INT64_MAX: none */
    float bad_value;
} seen;

typedef struct gathering {
    const oct_subgraph *sub;
    const oct_quant_options *options;
    oct_evidence *out;
    bool chosen_only;
    seen *workers;    /* [threads] */
    int32_t threads;
    int64_t *first;   /* [tensors]: where a tensor's channels begin among all, or -1 */
    int64_t channels; /* of all tensors */
    int32_t *slots;   /* [samples]: which of the chosen ones a sample is, or -1 */
    double *sums;     /* [chosen][channels]: means of x in a sample */
    double *squares;  /* the same of x * x */
} gathering;

/* Folding. */

static void fold_value(oct_range *range, float value)
{
    range->min = value < range->min ? value : range->min;
    range->max = value > range->max ? value : range->max;
}

/* Whether all values are finite. */
static bool fold_values(oct_range *range, const float *values, size_t count)
{
    range->seen |= count != 0;
    return oct_kernel_set_get()->extremes(values, count, &range->min, &range->max);
}

static void fold_row(float *restrict low, float *restrict high, const float *restrict row, size_t count)
{
    for (size_t c = 0; c < count; c++) {
        low[c] = row[c] < low[c] ? row[c] : low[c];
        high[c] = row[c] > high[c] ? row[c] : high[c];
    }
}

static void sum_row(double *restrict sums, double *restrict squares, const float *restrict row, size_t count)
{
    for (size_t c = 0; c < count; c++) {
        double value = (double)row[c];
        sums[c] += value;
        squares[c] += value * value;
    }
}

static void fold_channels(const gathering *g, seen *w, int64_t sample, int32_t tensor,
    const float *values, size_t count)
{
    int64_t first = g->first[tensor];
    size_t channels = (size_t)g->out->channels[tensor].count;
    int32_t slot = g->slots[sample];
    if (count % channels != 0)
        return;
    size_t rows = count / channels;
    for (size_t i = 0; i < rows; i++)
        fold_row(w->low + first, w->high + first, values + i * channels, channels);
    if (slot < 0)
        return;
    double *sums = g->sums + slot * g->channels + first;
    double *squares = g->squares + slot * g->channels + first;
    for (size_t i = 0; i < rows; i++)
        sum_row(sums, squares, values + i * channels, channels);
    for (size_t c = 0; c < channels; c++) {
        sums[c] /= (double)rows;
        squares[c] /= (double)rows;
    }
}

static void note_bad(seen *w, int64_t sample, int32_t tensor, const float *values, size_t count)
{
    if (sample >= w->bad_sample)
        return;
    w->bad_sample = sample;
    w->bad_tensor = tensor;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            w->bad_value = values[i];
}

static void note_extremes(const gathering *g, int64_t sample, int32_t tensor, const float *values, size_t count)
{
    oct_range own = { FLT_MAX, -FLT_MAX, false };
    fold_values(&own, values, count);
    float *extremes = g->out->extremes + 2 * (sample * g->out->tensors + tensor);
    extremes[0] = own.min;
    extremes[1] = own.max;
}

static int64_t sample_at(const gathering *g, int64_t index)
{
    return g->chosen_only ? g->out->choice.samples[index] : index;
}

/* The number of a sample among those of all processes, which got them like cards. */
static int64_t among_all(const gathering *g, int64_t sample)
{
    const oct_group *group = g->options->group;
    return group == NULL ? sample : group->rank + sample * group->size;
}

static void see(void *user, int32_t worker, int64_t index, int32_t tensor, const oct_value *value)
{
    const gathering *g = user;
    seen *w = &g->workers[worker];
    if (value->type != OCT_FLOAT32 || tensor < 0 || tensor >= g->out->tensors)
        return;
    const float *values = value->data;
    size_t count = value->size / sizeof *values;
    int64_t sample = sample_at(g, index);
    if (!fold_values(&w->halves[among_all(g, sample) % 2][tensor], values, count))
        note_bad(w, sample, tensor, values, count);
    else if (w->histograms != NULL)
        w->short_of_memory |= !oct_histogram_add(&w->histograms[tensor], values, count);
    if (g->first[tensor] >= 0)
        fold_channels(g, w, sample, tensor, values, count);
    if (g->out->extremes != NULL)
        note_extremes(g, sample, tensor, values, count);
}

static oct_status load(void *user, oct_session *session, int64_t index, oct_error *err)
{
    const gathering *g = user;
    const oct_samples *calib = g->options->calib;
    for (int32_t i = 0; i < g->sub->input_count; i++) {
        size_t size;
        void *bytes = oct_session_input(session, i, &size);
        OCT_TRY(calib->read(calib->user, sample_at(g, index), i, bytes, size, err));
    }
    return OCT_OK;
}

static void tell(void *user, int64_t done)
{
    const gathering *g = user;
    if (g->options->progress != NULL)
        g->options->progress(g->options->progress_user, "calibrating", done,
            g->chosen_only ? g->out->choice.count : g->options->calib->count);
}

/* Room for what is seen. */

static void want_channels(gathering *g, int32_t tensor)
{
    const oct_tensor *t = tensor < 0 ? NULL : g->sub->tensors[tensor];
    if (t == NULL || t->type != OCT_FLOAT32 || t->data != NULL || t->rank == 0 ||
        g->first[tensor] >= 0 || t->dims[t->rank - 1] < 1)
        return;
    g->out->channels[tensor].count = t->dims[t->rank - 1];
    g->first[tensor] = g->channels;
    g->channels += t->dims[t->rank - 1];
}

/* Tensors whose channels are of use: around conv-like operators and sums. */
static void find_channels(gathering *g)
{
    for (int32_t i = 0; i < g->sub->node_count; i++) {
        const oct_node *node = g->sub->nodes[i];
        const oct_op_def *def = oct_op_find(node->op);
        if (def == NULL || (def->traits & (OCT_TRAIT_LINEAR | OCT_TRAIT_SUMS | OCT_TRAIT_BY_CHANNEL)) == 0)
            continue;
        for (int32_t j = 0; j < node->input_count; j++)
            want_channels(g, node->inputs[j]);
        want_channels(g, node->outputs[0]);
    }
}

static oct_status make_room_for_channels(gathering *g, oct_error *err)
{
    oct_arena *arena = &g->out->arena;
    size_t numbers = (size_t)g->channels, chosen = (size_t)g->out->choice.count;
    int64_t samples = g->options->calib->count;
    g->sums = oct_arena_array(arena, chosen * numbers, sizeof *g->sums);
    g->squares = oct_arena_array(arena, chosen * numbers, sizeof *g->squares);
    g->slots = oct_arena_array(arena, (size_t)samples, sizeof *g->slots);
    if (g->sums == NULL || g->squares == NULL || g->slots == NULL)
        return oct_fail_memory(err, chosen * numbers * sizeof *g->sums, "means of channels");
    for (int64_t i = 0; i < samples; i++)
        g->slots[i] = -1;
    for (size_t i = 0; i < chosen; i++)
        g->slots[g->out->choice.samples[i]] = (int32_t)i;
    return OCT_OK;
}

static oct_status start_worker(gathering *g, seen *w, oct_error *err)
{
    oct_arena *arena = &g->out->arena;
    size_t tensors = (size_t)g->out->tensors, numbers = (size_t)g->channels;
    w->bad_sample = INT64_MAX;
    w->halves[0] = oct_arena_array(arena, tensors, sizeof **w->halves);
    w->halves[1] = oct_arena_array(arena, tensors, sizeof **w->halves);
    w->low = oct_arena_array(arena, numbers, sizeof *w->low);
    w->high = oct_arena_array(arena, numbers, sizeof *w->high);
    if (g->out->histograms != NULL)
        w->histograms = oct_arena_array(arena, tensors, sizeof *w->histograms);
    if (w->halves[0] == NULL || w->halves[1] == NULL || w->low == NULL || w->high == NULL ||
        (g->out->histograms != NULL && w->histograms == NULL))
        return oct_fail_memory(err, tensors * sizeof **w->halves, "ranges");
    /* The converter's start values: a tensor that is never positive keeps a maximum of FLT_MIN. */
    for (size_t i = 0; i < tensors; i++)
        w->halves[0][i] = w->halves[1][i] = (oct_range){ FLT_MAX, FLT_MIN, false };
    for (size_t i = 0; i < numbers; i++) {
        w->low[i] = FLT_MAX;
        w->high[i] = -FLT_MAX;
    }
    return OCT_OK;
}

static bool counts_values(const gathering *g)
{
    for (int method = 0; method < OCT_RANGE_COUNT; method++)
        if (oct_range_method_counts((oct_range_method)method) &&
            oct_settings_estimate(g->out->settings, g->options, (oct_range_method)method))
            return true;
    return false;
}

static oct_status make_room(gathering *g, oct_error *err)
{
    oct_evidence *out = g->out;
    size_t tensors = (size_t)out->tensors, samples = (size_t)g->options->calib->count;
    out->ranges = oct_arena_array(&out->arena, tensors, sizeof *out->ranges);
    out->halves[0] = oct_arena_array(&out->arena, tensors, sizeof *out->ranges);
    out->halves[1] = oct_arena_array(&out->arena, tensors, sizeof *out->ranges);
    out->channels = oct_arena_array(&out->arena, tensors, sizeof *out->channels);
    g->first = oct_arena_array(&out->arena, tensors, sizeof *g->first);
    g->workers = oct_arena_array(&out->arena, (size_t)g->threads, sizeof *g->workers);
    if (out->ranges == NULL || out->halves[0] == NULL || out->halves[1] == NULL || out->channels == NULL || g->first == NULL || g->workers == NULL)
        return oct_fail_memory(err, tensors * sizeof *out->ranges, "ranges");
    if (counts_values(g) &&
        (out->histograms = oct_arena_array(&out->arena, tensors, sizeof *out->histograms)) == NULL)
        return oct_fail_memory(err, tensors * sizeof *out->histograms, "histograms");
    if (oct_settings_estimate(out->settings, g->options, OCT_RANGE_MOVING_AVERAGE) &&
        (out->extremes = oct_arena_array(&out->arena, samples * tensors, 2 * sizeof(float))) == NULL)
        return oct_fail_memory(err, samples * tensors * 2 * sizeof(float), "extremes");
    for (size_t i = 0; i < tensors; i++)
        g->first[i] = -1;
    if (out->choice.count > 0) {
        find_channels(g);
        OCT_TRY(make_room_for_channels(g, err));
    }
    for (int32_t i = 0; i < g->threads; i++)
        OCT_TRY(start_worker(g, &g->workers[i], err));
    return OCT_OK;
}

/* Bringing together what the threads saw. */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double oct_mean_of(double *values, int64_t count)
{
    double sum = 0;
    qsort(values, (size_t)count, sizeof *values, ascending);
    for (int64_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

static void fold_range(oct_range *range, const oct_range *part)
{
    if (!part->seen)
        return;
    fold_value(range, part->min);
    fold_value(range, part->max);
    range->seen = true;
}

static oct_status fold_ranges(gathering *g, oct_error *err)
{
    oct_evidence *out = g->out;
    for (int32_t t = 0; t < out->tensors; t++) {
        const oct_range start = { FLT_MAX, FLT_MIN, false };
        out->ranges[t] = out->halves[0][t] = out->halves[1][t] = start;
        for (int32_t i = 0; i < g->threads; i++) {
            const seen *w = &g->workers[i];
            fold_range(&out->halves[0][t], &w->halves[0][t]);
            fold_range(&out->halves[1][t], &w->halves[1][t]);
            if (out->histograms != NULL &&
                (w->short_of_memory || !oct_histogram_merge(&out->histograms[t], &w->histograms[t])))
                return oct_fail_memory(err, sizeof(oct_histogram), "histograms");
        }
        fold_range(&out->ranges[t], &out->halves[0][t]);
        fold_range(&out->ranges[t], &out->halves[1][t]);
    }
    return OCT_OK;
}

static double mean_over_samples(const gathering *g, const double *numbers, int64_t channel, double *column)
{
    int64_t count = g->out->choice.count;
    for (int64_t i = 0; i < count; i++)
        column[i] = numbers[i * g->channels + channel];
    return oct_mean_of(column, count);
}

static oct_status fold_tensor(const gathering *g, int32_t tensor, double *column, oct_error *err)
{
    oct_channels *channels = &g->out->channels[tensor];
    size_t count = (size_t)channels->count;
    channels->mean = oct_arena_array(&g->out->arena, count, sizeof *channels->mean);
    channels->square = oct_arena_array(&g->out->arena, count, sizeof *channels->square);
    if (channels->mean == NULL || channels->square == NULL)
        return oct_fail_memory(err, count * sizeof *channels->mean, "means");
    channels->min = g->workers[0].low + g->first[tensor];
    channels->max = g->workers[0].high + g->first[tensor];
    for (int32_t i = 1; i < g->threads; i++)
        for (size_t c = 0; c < count; c++) {
            size_t at = (size_t)g->first[tensor] + c;
            channels->min[c] = fminf(channels->min[c], g->workers[i].low[at]);
            channels->max[c] = fmaxf(channels->max[c], g->workers[i].high[at]);
        }
    for (size_t c = 0; c < count; c++) {
        channels->mean[c] = mean_over_samples(g, g->sums, g->first[tensor] + (int64_t)c, column);
        channels->square[c] = mean_over_samples(g, g->squares, g->first[tensor] + (int64_t)c, column);
        if (channels->min[c] > channels->max[c])
            channels->count = 0; /* the operator never ran */
    }
    return OCT_OK;
}

static oct_status fold_all_channels(const gathering *g, oct_error *err)
{
    size_t chosen = (size_t)g->out->choice.count;
    double *column = oct_arena_array(&g->out->arena, chosen, sizeof *column);
    if (column == NULL)
        return oct_fail_memory(err, chosen * sizeof *column, "means");
    for (int32_t t = 0; t < g->out->tensors; t++)
        if (g->first[t] >= 0)
            OCT_TRY(fold_tensor(g, t, column, err));
    return OCT_OK;
}

/* An unreadable sample or a value that is no number: the earliest sample is reported. */
static oct_status fail(const gathering *g, oct_status status, int64_t failed, oct_error *err)
{
    const seen *bad = &g->workers[0];
    for (int32_t i = 1; i < g->threads; i++)
        if (g->workers[i].bad_sample < bad->bad_sample)
            bad = &g->workers[i];
    if (bad->bad_sample != INT64_MAX && (failed < 0 || bad->bad_sample < sample_at(g, failed))) {
        char label[160];
        g->out->failed = among_all(g, bad->bad_sample);
        return oct_fail(err, OCT_E_INVALID, "%s: the value %g in calibration sample %lld",
            oct_tensor_label(g->sub, bad->bad_tensor, label, sizeof label), (double)bad->bad_value,
            (long long)g->out->failed);
    }
    if (failed < 0)
        return status;
    g->out->failed = among_all(g, sample_at(g, failed));
    return oct_error_prefix(err, status, "calibration sample %lld", (long long)g->out->failed);
}

static oct_status gather(gathering *g, const oct_graph *graph, oct_pool *pool, oct_error *err)
{
    int64_t failed;
    if (oct_settings_effort(g->out->settings, g->options) != OCT_EFFORT_NONE)
        OCT_TRY(oct_choose_samples(graph, g->options, pool, &g->out->arena, &g->out->choice, err));
    OCT_TRY(make_room(g, err));
    const oct_sweep sweep = { .graph = graph, .batch = oct_sweep_batch(graph),
        .count = g->chosen_only ? g->out->choice.count : g->options->calib->count, .load = load,
        .see = see, .progress = tell, .user = g };
    oct_status status = oct_sweep_run(&sweep, pool, &failed, err);
    OCT_TRY(fail(g, status, failed, err));
    OCT_TRY(fold_ranges(g, err));
    return g->out->choice.count > 0 ? fold_all_channels(g, err) : OCT_OK;
}

oct_status oct_evidence_gather(const oct_graph *graph, const oct_quant_options *options,
    oct_evidence *evidence, oct_error *err)
{
    *evidence = (oct_evidence){ .settings = evidence->settings,
        .tensors = graph->subgraphs[0]->tensor_count, .failed = -1, .from = options->calib,
        .samples = options->calib == NULL ? 0 : options->calib->count };
    if (options->calib == NULL || options->calib->count < 1)
        return oct_fail(err, OCT_E_USAGE, "calibration needs at least one sample");
    oct_pool *pool;
    OCT_TRY(oct_pool_create(options->threads, &pool, err));
    gathering g = { .sub = graph->subgraphs[0], .options = options, .out = evidence,
        .chosen_only = !oct_settings_calibrate(evidence->settings, options), .threads = oct_pool_threads(pool) };
    oct_status status = gather(&g, graph, pool, err);
    for (int32_t i = 0; g.workers != NULL && i < g.threads; i++)
        for (int32_t t = 0; g.workers[i].histograms != NULL && t < evidence->tensors; t++)
            oct_histogram_free(&g.workers[i].histograms[t]);
    oct_pool_free(pool);
    return status;
}

void oct_evidence_free(oct_evidence *evidence)
{
    for (int32_t i = 0; evidence->histograms != NULL && i < evidence->tensors; i++)
        oct_histogram_free(&evidence->histograms[i]);
    oct_arena_free(&evidence->arena);
    oct_statistics_free(evidence->shared);
}
