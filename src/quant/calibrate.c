/*
 * Calibration: the float model runs over samples, and every activation's extremes are folded.
 *
 * Minimum and maximum do not care for order, so every thread keeps ranges of its own in a session of
 * its own and they are folded at the end: any number of threads gives the same bytes.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/pool.h"
#include "exec/session.h"
#include "quant/overwritten.h"
#include "quant/quant.h"

/* One thread's engine and what it saw. */
typedef struct worker {
    oct_session *session;
    oct_range *ranges; /* [tensors] */
    int64_t sample;    /* being run */
    int32_t bad_tensor;
    int64_t bad_sample; /* INT64_MAX: none */
    float bad_value;
    oct_status status;
    int64_t failed_sample;
    oct_error err;
    struct calibration *all;
} worker;

typedef struct calibration {
    const oct_graph *graph;
    const oct_quant_options *options;
    int32_t tensors, workers;
    worker *worker; /* [workers] */
    int64_t done;   /* samples finished; atomic */
} calibration;

static void fold_value(oct_range *range, float value)
{
    range->min = value < range->min ? value : range->min;
    range->max = value > range->max ? value : range->max;
}

/* Not-a-numbers and infinities show in these sums of differences, so the loop needs no branch. */
static bool fold_values(oct_range *range, const float *values, size_t count, float *bad)
{
    float low = range->min, high = range->max, poison = 0;
    for (size_t i = 0; i < count; i++) {
        float value = values[i];
        low = value < low ? value : low;
        high = value > high ? value : high;
        poison += value - value;
    }
    range->min = low;
    range->max = high;
    range->seen |= count != 0;
    if (poison == 0)
        return true;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            *bad = values[i];
    return false;
}

static void see(void *user, int32_t index, const oct_value *value)
{
    worker *w = user;
    float bad = 0;
    if (value->type != OCT_FLOAT32 || index < 0 || index >= w->all->tensors)
        return;
    if (!fold_values(&w->ranges[index], value->data, value->size / sizeof(float), &bad) &&
        w->sample < w->bad_sample) {
        w->bad_sample = w->sample;
        w->bad_tensor = index;
        w->bad_value = bad;
    }
}

static oct_status run_sample(worker *w, int64_t sample, oct_error *err)
{
    const oct_samples *calib = w->all->options->calib;
    const oct_subgraph *sub = w->all->graph->subgraphs[0];
    w->sample = sample;
    for (int32_t i = 0; i < sub->input_count; i++) {
        size_t size;
        void *bytes = oct_session_input(w->session, i, &size);
        OCT_TRY(calib->read(calib->user, sample, i, bytes, size, err));
    }
    return oct_session_run(w->session, err);
}

/* The earliest sample that fails is the one reported, whichever thread ran it. */
static void run_range(void *user, size_t begin, size_t end, int32_t index)
{
    calibration *all = user;
    worker *w = &all->worker[index];
    for (size_t i = begin; i < end; i++) {
        oct_error err = { 0 };
        oct_status status = run_sample(w, (int64_t)i, &err);
        if (status != OCT_OK && (int64_t)i < w->failed_sample) {
            w->status = status;
            w->failed_sample = (int64_t)i;
            w->err = err;
        }
        int64_t done = __atomic_add_fetch(&all->done, 1, __ATOMIC_RELAXED);
        if (index == 0 && all->options->progress != NULL)
            all->options->progress(all->options->progress_user, done, all->options->calib->count);
    }
}

static int32_t batch_of(const oct_graph *graph)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    for (int32_t i = 0; i < sub->input_count; i++) {
        const oct_tensor *tensor = sub->tensors[sub->inputs[i]];
        if (tensor->rank > 0 && tensor->dims[0] > 1)
            return 1; /* samples are single, whatever batch the model was made for */
    }
    return 0;
}

static oct_status start_worker(calibration *all, worker *w, oct_error *err)
{
    oct_session_options options = { .kernels = OCT_KERNELS_FAST, .threads = 1,
        .batch = batch_of(all->graph) };
    w->all = all;
    w->bad_sample = w->failed_sample = INT64_MAX;
    w->ranges = malloc((size_t)all->tensors * sizeof *w->ranges + 1);
    if (w->ranges == NULL)
        return oct_fail_memory(err, (size_t)all->tensors * sizeof *w->ranges, "ranges");
    /* The converter's start values: a tensor that is never positive keeps a maximum of FLT_MIN. */
    for (int32_t i = 0; i < all->tensors; i++)
        w->ranges[i] = (oct_range){ FLT_MAX, FLT_MIN, false };
    OCT_TRY(oct_session_create_graph(all->graph, &options, &w->session, err));
    oct_session_set_tap(w->session, see, w);
    return OCT_OK;
}

static oct_status first_failure(const calibration *all, oct_error *err)
{
    const worker *failed = NULL, *bad = NULL;
    for (int32_t i = 0; i < all->workers; i++) {
        const worker *w = &all->worker[i];
        if (w->status != OCT_OK && (failed == NULL || w->failed_sample < failed->failed_sample))
            failed = w;
        if (w->bad_sample != INT64_MAX && (bad == NULL || w->bad_sample < bad->bad_sample))
            bad = w;
    }
    if (bad != NULL && (failed == NULL || bad->bad_sample < failed->failed_sample)) {
        char label[160];
        return oct_fail(err, OCT_E_INVALID, "%s: the value %g in calibration sample %lld",
            oct_tensor_label(all->graph->subgraphs[0], bad->bad_tensor, label, sizeof label),
            (double)bad->bad_value, (long long)bad->bad_sample);
    }
    if (failed == NULL)
        return OCT_OK;
    if (err != NULL)
        *err = failed->err;
    return oct_error_prefix(err, failed->status, "calibration sample %lld",
        (long long)failed->failed_sample);
}

static void fold_workers(const calibration *all, oct_range *ranges)
{
    for (int32_t t = 0; t < all->tensors; t++) {
        ranges[t] = (oct_range){ FLT_MAX, FLT_MIN, false };
        for (int32_t i = 0; i < all->workers; i++) {
            const oct_range *seen = &all->worker[i].ranges[t];
            if (!seen->seen)
                continue;
            fold_value(&ranges[t], seen->min);
            fold_value(&ranges[t], seen->max);
            ranges[t].seen = true;
        }
    }
}

static oct_status run_all(calibration *all, oct_pool *pool, oct_range *ranges, oct_error *err)
{
    for (int32_t i = 0; i < all->workers; i++)
        OCT_TRY(start_worker(all, &all->worker[i], err));
    int64_t count = all->options->calib->count;
    oct_pool_for(pool, (size_t)count, 1, run_range, all);
    OCT_TRY(first_failure(all, err));
    if (all->options->progress != NULL)
        all->options->progress(all->options->progress_user, count, count);
    fold_workers(all, ranges);
    if (all->options->effort == OCT_EFFORT_NONE)
        oct_ranges_add_overwritten(all->graph, ranges);
    return OCT_OK;
}

oct_status oct_calibrate(const oct_graph *graph, const oct_quant_options *options,
    oct_range *ranges, oct_error *err)
{
    if (options->calib == NULL || options->calib->count < 1)
        return oct_fail(err, OCT_E_USAGE, "calibration needs at least one sample");
    oct_pool *pool;
    OCT_TRY(oct_pool_create(options->threads, &pool, err));
    calibration all = { .graph = graph, .options = options,
        .tensors = graph->subgraphs[0]->tensor_count, .workers = oct_pool_threads(pool) };
    all.worker = calloc((size_t)all.workers, sizeof *all.worker);
    oct_status status = all.worker == NULL ?
        oct_fail_memory(err, (size_t)all.workers * sizeof *all.worker, "calibration") :
        run_all(&all, pool, ranges, err);
    for (int32_t i = 0; all.worker != NULL && i < all.workers; i++) {
        oct_session_free(all.worker[i].session);
        free(all.worker[i].ranges);
    }
    free(all.worker);
    oct_pool_free(pool);
    return status;
}
