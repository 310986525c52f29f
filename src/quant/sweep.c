/*
 * A sweep: samples are shared out to workers, each with a session of its own.
 */
#include "quant/sweep.h"

#include <stdlib.h>

typedef struct worker {
    const oct_sweep *sweep;
    oct_session *session;
    int32_t index;
    int64_t sample, failed_sample; /* being run; the first that failed */
    int64_t *done;                 /* samples of all workers; atomic */
    oct_error err;
} worker;

static void see(void *user, int32_t tensor, const oct_value *value)
{
    const worker *w = user;
    w->sweep->see(w->sweep->user, w->index, w->sample, tensor, value);
}

static oct_status run_sample(worker *w, int64_t sample, oct_error *err)
{
    const oct_sweep *sweep = w->sweep;
    w->sample = sample;
    OCT_TRY(sweep->load(sweep->user, w->session, sample, err));
    oct_session_reset(w->session);
    OCT_TRY(oct_session_run(w->session, err));
    if (sweep->take != NULL)
        sweep->take(sweep->user, w->session, sample);
    return OCT_OK;
}

static void run_range(void *user, size_t begin, size_t end, int32_t index)
{
    worker *w = &((worker *)user)[index];
    for (size_t i = begin; i < end; i++) {
        oct_error err = { 0 };
        if (run_sample(w, (int64_t)i, &err) != OCT_OK && (int64_t)i < w->failed_sample) {
            w->failed_sample = (int64_t)i;
            w->err = err;
        }
        int64_t done = __atomic_add_fetch(w->done, 1, __ATOMIC_RELAXED);
        if (index == 0 && w->sweep->progress != NULL)
            w->sweep->progress(w->sweep->user, done);
    }
}

static oct_status start(
    worker *w, const oct_sweep *sweep, int32_t index, int64_t *done, oct_error *err)
{
    oct_session_options options = {
        .kernels = OCT_KERNELS_FAST, .threads = 1, .batch = sweep->batch
    };
    *w = (worker){ .sweep = sweep, .index = index, .failed_sample = INT64_MAX, .done = done };
    OCT_TRY(oct_session_create_graph(sweep->graph, &options, &w->session, err));
    if (sweep->see != NULL)
        oct_session_set_tap(w->session, see, w);
    return OCT_OK;
}

static oct_status run_all(worker *workers, int32_t count, const oct_sweep *sweep, oct_pool *pool,
    int64_t *sample, oct_error *err)
{
    int64_t done = 0;
    for (int32_t i = 0; i < count; i++)
        OCT_TRY(start(&workers[i], sweep, i, &done, err));
    oct_pool_for(pool, (size_t)sweep->count, 1, run_range, workers);
    const worker *failed = &workers[0];
    for (int32_t i = 1; i < count; i++)
        if (workers[i].failed_sample < failed->failed_sample)
            failed = &workers[i];
    if (failed->failed_sample == INT64_MAX) {
        if (sweep->progress != NULL)
            sweep->progress(sweep->user, sweep->count);
        return OCT_OK;
    }
    *sample = failed->failed_sample;
    if (err != NULL)
        *err = failed->err;
    return failed->err.status;
}

oct_status oct_sweep_run(
    const oct_sweep *sweep, oct_pool *pool, int64_t *failed, oct_error *err)
{
    int32_t count = oct_pool_threads(pool);
    int64_t sample = -1;
    if (failed != NULL)
        *failed = -1;
    worker *workers = calloc((size_t)count, sizeof *workers);
    if (workers == NULL)
        return oct_fail_memory(err, (size_t)count * sizeof *workers, "workers");
    oct_status status = run_all(workers, count, sweep, pool, &sample, err);
    for (int32_t i = 0; i < count; i++)
        oct_session_free(workers[i].session);
    free(workers);
    if (failed != NULL)
        *failed = sample;
    return status;
}

int32_t oct_sweep_batch(const oct_graph *graph)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    for (int32_t i = 0; i < sub->input_count; i++) {
        const oct_tensor *tensor = sub->tensors[sub->inputs[i]];
        if (oct_input_has_batch(sub, i) && tensor->dims[0] > 1)
            return 1;
    }
    return 0;
}
